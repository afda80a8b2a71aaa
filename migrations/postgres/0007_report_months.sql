-- The same by month: a report reads whole months here, and single days only of the months in which it begins and ends.
CREATE TABLE report_month (
    region TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    item TEXT COLLATE "C" NOT NULL,
    month TEXT COLLATE "C" NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (region, subject, item, month)
);
