-- Catalogue lines by catalogue and plan year, and those that are public; requests for more money.
ALTER TABLE catalogue_entry ADD COLUMN capacity TEXT;
ALTER TABLE catalogue_entry ADD COLUMN year TEXT;
ALTER TABLE catalogue_entry ADD COLUMN published TEXT; -- `yes`, of what was approved once
-- The id is year/capacity/occupation/institution.
UPDATE catalogue_entry SET
    year = substr(id, 1, 4),
    capacity = substr(substr(id, 6), 1, instr(substr(id, 6), '/') - 1),
    published = CASE WHEN state IN ('good', 'suspended', 'struck_off') THEN 'yes' END;

CREATE TABLE top_up (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    state TEXT,
    year TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;
