-- The same by month: a report reads whole months here, and single days only of the months in which it begins and ends.
CREATE TABLE report_month (
    region TEXT NOT NULL,
    subject TEXT NOT NULL,
    item TEXT NOT NULL,
    month TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (region, subject, item, month)
) STRICT, WITHOUT ROWID;
