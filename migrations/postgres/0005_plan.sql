-- Catalogue lines by catalogue and plan year, and those that are public; requests for more money.
ALTER TABLE catalogue_entry ADD COLUMN capacity TEXT COLLATE "C";
ALTER TABLE catalogue_entry ADD COLUMN year TEXT COLLATE "C";
ALTER TABLE catalogue_entry ADD COLUMN published TEXT COLLATE "C"; -- `yes`, of what was approved once
-- The id is year/capacity/occupation/institution.
UPDATE catalogue_entry SET
    year = split_part(id, '/', 1),
    capacity = split_part(id, '/', 2),
    published = CASE WHEN state IN ('good', 'suspended', 'struck_off') THEN 'yes' END;

CREATE TABLE top_up (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    state TEXT COLLATE "C",
    year TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);
