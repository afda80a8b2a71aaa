-- The version of everything in a region. Whatever was read under a head is true exactly as long as
-- size, root, epoch, fence and alarm are still those.
CREATE TABLE head (
    region TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    frontier BYTEA NOT NULL,
    at_ms BIGINT NOT NULL, -- instant of the last event, Unix milliseconds
    fence BIGINT NOT NULL,
    alarm TEXT COLLATE "C"
) WITH (fillfactor = 50); -- room for its next versions on the same page

-- The region logs. `bytes` is what was hashed and signed; it is never re-encoded.
CREATE TABLE event (
    region TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    caller TEXT COLLATE "C",
    request TEXT COLLATE "C" NOT NULL,
    ordinal INTEGER NOT NULL, -- which of its request's events this is
    digest BYTEA NOT NULL, -- keyed digest of the request
    at_ms BIGINT NOT NULL,
    leaf BYTEA NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (region, epoch, idx),
    CONSTRAINT event_request UNIQUE (region, caller, request, ordinal)
);
CREATE INDEX event_stream ON event (region, stream, epoch, idx);

-- Append-only: grants.sql gives the serving role INSERT and SELECT here and nothing else.

-- Full hash tiles of each log's Merkle tree (C2SP tlog-tiles), and the checkpoints that were signed and
-- published. Fed from `event` by the signer, and made again from it if they are lost.
CREATE TABLE tile (
    region TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    level INTEGER NOT NULL,
    idx BIGINT NOT NULL,
    hashes BYTEA NOT NULL,
    PRIMARY KEY (region, epoch, level, idx)
);

CREATE TABLE checkpoint (
    region TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    size BIGINT NOT NULL,
    at_ms BIGINT NOT NULL, -- when it was signed, Unix milliseconds
    note TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (region, epoch, size)
);

-- "Once only" across regions: the one key that does not start with the region. Tags are keyed, so
-- no region can open them or link them to another's people.
CREATE TABLE nullifier (
    tag BYTEA NOT NULL PRIMARY KEY,
    region TEXT COLLATE "C" NOT NULL,
    voucher TEXT COLLATE "C" NOT NULL
);

-- The vault's ciphertexts and the keyed tag by which an identity is found again. Not a part of the
-- log: a row that is erased here is gone.
CREATE TABLE person_secret (
    region TEXT COLLATE "C" NOT NULL,
    person TEXT COLLATE "C" NOT NULL,
    tag BYTEA NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (region, person),
    CONSTRAINT person_secret_tag UNIQUE (region, tag)
);

-- The vault's ciphertexts of values that stand in the log as salted commitments only: account and
-- certificate numbers, each with its salt, under a key of its own.
CREATE TABLE committed_secret (
    region TEXT COLLATE "C" NOT NULL,
    commitment TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (region, commitment)
);

-- Facts of the deployment: its name, whether its clock is simulated.
CREATE TABLE meta (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

-- The state of the world, one table per kind of thing: `version` is the stream's version, `leaf` the
-- leaf hash of its last event, `body` canonical JSON. The columns in between are copies of fields of
-- the body, for lists. All of it can be rebuilt from the log.

-- A region's settings and its place in the tree.
CREATE TABLE region_state (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- Subsidy rules as adopted, one row per version.
CREATE TABLE policy (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- Working days.
CREATE TABLE calendar (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- A plan year: open, closing, closed, and its targets.
CREATE TABLE plan_year (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- A fund account: one per plan year and source.
CREATE TABLE account (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    year TEXT COLLATE "C",
    source TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- A subject as the rules know it: no name, no number.
CREATE TABLE person (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- What a caller may do, and since when.
CREATE TABLE credential (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    person TEXT COLLATE "C",
    role TEXT COLLATE "C",
    institution TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

CREATE TABLE institution (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    state TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

CREATE TABLE catalogue_entry (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    institution TEXT COLLATE "C",
    occupation TEXT COLLATE "C",
    state TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

CREATE TABLE class (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    state TEXT COLLATE "C",
    deliverer TEXT COLLATE "C",
    payee TEXT COLLATE "C",
    sponsor TEXT COLLATE "C",
    year TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

CREATE TABLE attendance (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- What became of a class's people: the statement that binds its claims.
CREATE TABLE employment (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- The slots in which a trainer or room is taken.
CREATE TABLE booking (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

CREATE TABLE assessment_session (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    state TEXT COLLATE "C",
    assessor TEXT COLLATE "C",
    payee TEXT COLLATE "C",
    year TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- Claim sheets.
CREATE TABLE sheet (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    state TEXT COLLATE "C",
    payee TEXT COLLATE "C",
    year TEXT COLLATE "C",
    occasion TEXT COLLATE "C",
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

CREATE TABLE voucher (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    leaf BYTEA,
    state TEXT COLLATE "C",
    year TEXT COLLATE "C",
    programme TEXT COLLATE "C",
    sheet TEXT COLLATE "C",
    due TEXT COLLATE "C",
    status_entry TEXT COLLATE "C", -- the place within its list, and what is said there
    body TEXT NOT NULL,
    PRIMARY KEY (region, id)
);

-- What a voucher belongs to. It changes seldom, so it stands apart: a move that leaves it as it is touches none of its indexes.
CREATE TABLE voucher_link (
    region TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    person TEXT COLLATE "C",
    occasion TEXT COLLATE "C", -- a class, or an assessment session
    status_list TEXT COLLATE "C",
    employer TEXT COLLATE "C",
    applicant TEXT COLLATE "C", -- the institution's person who applied for the holder
    written_off TEXT COLLATE "C", -- the sheet, of a voucher that has no class any more
    PRIMARY KEY (region, id)
);

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
