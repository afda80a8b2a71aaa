-- The rights of a serving process. Run after every migration; run it yourself, as a role that may
-- create roles, if the migrating role may not:  psql -v ON_ERROR_STOP=1 -f grants.sql DATABASE
-- Then:  GRANT hefu_service TO <the role that hefu connects as>;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hefu_service') THEN
        CREATE ROLE hefu_service NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'hefu_service', 'MEMBER') THEN
        EXECUTE format('GRANT hefu_service TO %I', current_user);
    END IF;
EXCEPTION
    -- Another database of this cluster is being set up at the same moment: the role is there now.
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO hefu_service;
-- The log is append-only for everybody who serves, and so is what was signed of it. A tile may be made again, out of the log.
REVOKE UPDATE, DELETE, TRUNCATE ON event, checkpoint FROM hefu_service;
REVOKE DELETE, TRUNCATE ON tile FROM hefu_service;
-- Which tables there are is the owner's to say.
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON _sqlx_migrations FROM hefu_service;
-- A part of a table (partition.sql) is reached by way of the table only.
DO $$
DECLARE
    part REGCLASS;
BEGIN
    FOR part IN SELECT oid FROM pg_class WHERE relispartition AND relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
        EXECUTE format('REVOKE ALL ON %s FROM hefu_service', part);
    END LOOP;
END
$$;
