-- The version of everything in a region. Whatever was read under a head is true exactly as long as
-- size, root, epoch, fence and alarm are still those.
CREATE TABLE head (
    region TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    frontier BLOB NOT NULL,
    at_ms INTEGER NOT NULL, -- instant of the last event, Unix milliseconds
    fence INTEGER NOT NULL,
    alarm TEXT
) STRICT, WITHOUT ROWID;

-- The region logs. `bytes` is what was hashed and signed; it is never re-encoded.
CREATE TABLE event (
    region TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    kind TEXT NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    caller TEXT,
    request TEXT NOT NULL,
    ordinal INTEGER NOT NULL, -- which of its request's events this is
    digest BLOB NOT NULL, -- keyed digest of the request
    at_ms INTEGER NOT NULL,
    leaf BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (region, epoch, idx),
    CONSTRAINT event_request UNIQUE (region, caller, request, ordinal)
) STRICT;
CREATE INDEX event_stream ON event (region, stream, epoch, idx);

-- Append-only.
CREATE TRIGGER event_is_never_updated BEFORE UPDATE ON event
BEGIN
    SELECT RAISE(ABORT, 'the log is append-only');
END;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN
    SELECT RAISE(ABORT, 'the log is append-only');
END;

-- Full hash tiles of each log's Merkle tree (C2SP tlog-tiles), and the checkpoints that were signed and
-- published. Fed from `event` by the signer, and made again from it if they are lost.
CREATE TABLE tile (
    region TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (region, epoch, level, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
    region TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    size INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, -- when it was signed, Unix milliseconds
    note TEXT NOT NULL,
    PRIMARY KEY (region, epoch, size)
) STRICT, WITHOUT ROWID;

-- "Once only" across regions: the one key that does not start with the region. Tags are keyed, so
-- no region can open them or link them to another's people.
CREATE TABLE nullifier (
    tag BLOB NOT NULL PRIMARY KEY,
    region TEXT NOT NULL,
    voucher TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The vault's ciphertexts and the keyed tag by which an identity is found again. Not a part of the
-- log: a row that is erased here is gone.
CREATE TABLE person_secret (
    region TEXT NOT NULL,
    person TEXT NOT NULL,
    tag BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (region, person),
    CONSTRAINT person_secret_tag UNIQUE (region, tag)
) STRICT, WITHOUT ROWID;

-- The vault's ciphertexts of values that stand in the log as salted commitments only: account and
-- certificate numbers, each with its salt, under a key of its own.
CREATE TABLE committed_secret (
    region TEXT NOT NULL,
    commitment TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (region, commitment)
) STRICT, WITHOUT ROWID;

-- Facts of the deployment: its name, whether its clock is simulated.
CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The state of the world, one table per kind of thing: `version` is the stream's version, `leaf` the
-- leaf hash of its last event, `body` canonical JSON. The columns in between are copies of fields of
-- the body, for lists. All of it can be rebuilt from the log.

-- A region's settings and its place in the tree.
CREATE TABLE region_state (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT, WITHOUT ROWID;

-- Subsidy rules as adopted, one row per version.
CREATE TABLE policy (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- Working days.
CREATE TABLE calendar (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- A plan year: open, closing, closed, and its targets.
CREATE TABLE plan_year (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- A fund account: one per plan year and source.
CREATE TABLE account (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    year TEXT,
    source TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT, WITHOUT ROWID;

-- A subject as the rules know it: no name, no number.
CREATE TABLE person (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT, WITHOUT ROWID;

-- What a caller may do, and since when.
CREATE TABLE credential (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    person TEXT,
    role TEXT,
    institution TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE institution (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    state TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

CREATE TABLE catalogue_entry (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    institution TEXT,
    occupation TEXT,
    state TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

CREATE TABLE class (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    state TEXT,
    deliverer TEXT,
    payee TEXT,
    sponsor TEXT,
    year TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

CREATE TABLE attendance (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- What became of a class's people: the statement that binds its claims.
CREATE TABLE employment (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- The slots in which a trainer or room is taken.
CREATE TABLE booking (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE assessment_session (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    state TEXT,
    assessor TEXT,
    payee TEXT,
    year TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- Claim sheets.
CREATE TABLE sheet (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    state TEXT,
    payee TEXT,
    year TEXT,
    occasion TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

CREATE TABLE voucher (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    leaf BLOB,
    state TEXT,
    year TEXT,
    programme TEXT,
    sheet TEXT,
    due TEXT,
    status_entry TEXT, -- the place within its list, and what is said there
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
) STRICT;

-- What a voucher belongs to. It changes seldom, so it stands apart: a move that leaves it as it is touches none of its indexes.
CREATE TABLE voucher_link (
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    person TEXT,
    occasion TEXT, -- a class, or an assessment session
    status_list TEXT,
    employer TEXT,
    applicant TEXT, -- the institution's person who applied for the holder
    written_off TEXT, -- the sheet, of a voucher that has no class any more
    PRIMARY KEY (region, id)
) STRICT;

-- One index per column that lists filter by; ids last, because pages follow their order.
CREATE INDEX account_year ON account (region, year, id);
CREATE INDEX credential_person ON credential (region, person, id);
CREATE INDEX class_state ON class (region, state, id);
CREATE INDEX class_deliverer ON class (region, deliverer, id);
CREATE INDEX class_payee ON class (region, payee, id);
CREATE INDEX class_sponsor ON class (region, sponsor, id);
CREATE INDEX assessment_session_state ON assessment_session (region, state, id);
CREATE INDEX assessment_session_assessor ON assessment_session (region, assessor, id);
CREATE INDEX assessment_session_payee ON assessment_session (region, payee, id);
CREATE INDEX sheet_state ON sheet (region, state, id);
CREATE INDEX sheet_payee ON sheet (region, payee, id);
CREATE INDEX voucher_state ON voucher (region, state, id);
-- What is due next: the clock's moves look for it.
CREATE INDEX voucher_due ON voucher (region, due) WHERE due IS NOT NULL;
CREATE INDEX voucher_link_person ON voucher_link (region, person, id);
CREATE INDEX voucher_link_occasion ON voucher_link (region, occasion, id) WHERE occasion IS NOT NULL;
CREATE INDEX voucher_link_status_list ON voucher_link (region, status_list, id) WHERE status_list IS NOT NULL;
-- Few vouchers are an institution's by themselves; most stand in its classes.
CREATE INDEX voucher_link_employer ON voucher_link (region, employer, id) WHERE employer IS NOT NULL;
CREATE INDEX voucher_link_applicant ON voucher_link (region, applicant, id) WHERE applicant IS NOT NULL;
CREATE INDEX voucher_link_written_off ON voucher_link (region, written_off, id) WHERE written_off IS NOT NULL;
