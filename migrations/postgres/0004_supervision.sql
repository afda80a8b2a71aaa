-- Supervision. Small tables, which lists walk by their key alone: none has a second index, so none needs statistics beforehand.

-- Samples (抽查), with their population and their draw.
CREATE TABLE sample (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- Unannounced inspections of a class.
CREATE TABLE inspection (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    class TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- What was found, and how it is put right.
CREATE TABLE finding (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    state TEXT COLLATE "C",
    institution TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- What the fraud rules saw.
CREATE TABLE flag (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    state TEXT COLLATE "C",
    rule TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- Credit (信用), with its history.
CREATE TABLE credit (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    state TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);
