-- Supervision. Small tables, which lists walk by their key alone: none has a second index, so none needs statistics beforehand.

-- Samples (抽查), with their population and their draw.
CREATE TABLE sample (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- Unannounced inspections of a class.
CREATE TABLE inspection (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    class TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- What was found, and how it is put right.
CREATE TABLE finding (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    state TEXT,
    institution TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- What the fraud rules saw.
CREATE TABLE flag (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    state TEXT,
    rule TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- Credit (信用), with its history.
CREATE TABLE credit (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    state TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;
