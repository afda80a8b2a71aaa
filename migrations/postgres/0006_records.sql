-- Parts of lists that were imported: other departments' rosters, and certificates without a voucher.
CREATE TABLE import (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);
