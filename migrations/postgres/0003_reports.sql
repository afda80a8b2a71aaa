-- What the reports are made of: a projection of `event`, fed by one worker, by index, and made again from it at any time.

-- How far each region's log is folded, and by which version of the fold: counters of another version are wiped and built anew.
CREATE TABLE report_cursor (
    region TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    epoch BIGINT NOT NULL, -- of the next event
    idx BIGINT NOT NULL,   -- of the next event
    leaf BYTEA             -- leaf hash of the last event that was folded
);

-- What the fold must remember of single vouchers, classes, sheets and people: codes and ids as they stand in the log.
CREATE TABLE report_fact (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (region, id)
);

-- By how much a counter changed on a day (Asia/Shanghai).
CREATE TABLE report_count (
    region TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    day TEXT COLLATE "C" NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (region, subject, item, day)
);
