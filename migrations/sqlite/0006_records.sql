-- Parts of lists that were imported: other departments' rosters, and certificates without a voucher.
CREATE TABLE import (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;
