-- What the reports are made of: a projection of `event`, fed by one worker, by index, and made again from it at any time.

-- How far each region's log is folded, and by which version of the fold: counters of another version are wiped and built anew.
CREATE TABLE report_cursor (
    region TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    epoch INTEGER NOT NULL, -- of the next event
    idx INTEGER NOT NULL,   -- of the next event
    leaf BLOB               -- leaf hash of the last event that was folded
) STRICT, WITHOUT ROWID;

-- What the fold must remember of single vouchers, classes, sheets and people: codes and ids as they stand in the log.
CREATE TABLE report_fact (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT, WITHOUT ROWID;

-- By how much a counter changed on a day (Asia/Shanghai).
CREATE TABLE report_count (
    region TEXT NOT NULL,
    subject TEXT NOT NULL,
    item TEXT NOT NULL,
    day TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (region, subject, item, day)
) STRICT, WITHOUT ROWID;
