-- Parts the tables that grow with every voucher by region, for a database whose log outgrows one table. Run by
-- `hefu migrate --partitions N`, or as the tables' owner or a superuser, while no server runs:
--   psql -v ON_ERROR_STOP=1 -c "SET hefu.partitions = 16" -f partition.sql -f grants.sql DATABASE
-- Each table is copied as it is and replaced in one transaction; what was parted before is parted anew if it has another number of parts.
-- Interrupted, it goes on from the table at which it stopped. While hefu is connected to the database nothing is parted: a snapshot from
-- before the copy would find the new table empty.
DO $$
DECLARE
    parts CONSTANT INTEGER := current_setting('hefu.partitions');
    target TEXT;
    again TEXT[]; -- what makes the table's keys and indexes
    statement TEXT;
    columns TEXT;
    made_up TEXT;
    empty BOOLEAN;
    served BOOLEAN;
BEGIN
    -- Who just left may still be on the way out.
    FOR attempt IN 1 .. 30 LOOP
        SELECT EXISTS (SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'hefu' AND pid <> pg_backend_pid()) INTO served;
        EXIT WHEN NOT served;
        PERFORM pg_sleep(0.1), pg_stat_clear_snapshot();
    END LOOP;
    IF served THEN
        RAISE object_in_use USING MESSAGE = 'hefu is connected to this database: stop its servers first';
    END IF;
    -- The next migration is the owner's, whoever runs this.
    EXECUTE format('SET ROLE %s', (SELECT relowner::regrole FROM pg_class WHERE oid = 'event'::regclass));
    FOREACH target IN ARRAY ARRAY['event', 'voucher', 'voucher_link'] LOOP
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', target);
        IF (SELECT count(*) FROM pg_inherits WHERE inhparent = target::regclass) <> parts THEN
            SELECT array_agg(CASE
                    WHEN conname IS NULL THEN replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
                    ELSE format('ALTER TABLE %I ADD CONSTRAINT %I %s', target, conname, pg_get_constraintdef(pg_constraint.oid))
                END)
                INTO again
                FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid AND conrelid = indrelid
                WHERE indrelid = target::regclass;
            -- How roughly each column is sampled (0008).
            SELECT again || array_agg(format('ALTER TABLE %I ALTER COLUMN %I SET STATISTICS %s', target, attname, coalesce(attstattarget, -1)))
                INTO again
                FROM pg_attribute WHERE attrelid = target::regclass AND attnum > 0 AND NOT attisdropped;
            EXECUTE format('ALTER TABLE %I RENAME TO %I', target, target || '_before');
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION) PARTITION BY HASH (region)',
                target, target || '_before');
            FOR part IN 0 .. parts - 1 LOOP
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
                    format('%s_%s_of_%s', target, part, parts), target, parts, part);
            END LOOP;
            EXECUTE format('INSERT INTO %I SELECT * FROM %I', target, target || '_before');
            EXECUTE format('DROP TABLE %I', target || '_before');
            FOREACH statement IN ARRAY again LOOP
                EXECUTE statement;
            END LOOP;
            PERFORM pg_stat_clear_snapshot();
            IF EXISTS (SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'hefu' AND pid <> pg_backend_pid()) THEN
                RAISE object_in_use USING MESSAGE = 'hefu has connected to this database meanwhile: stop its servers and start again';
            END IF;
        END IF;
        COMMIT;
        -- Plans are good from the first one on (0002).
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', target);
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %I)', target) INTO empty;
        IF empty THEN
            SELECT string_agg(attname, ', '), string_agg(
                CASE
                    WHEN attname = 'region' THEN format('(n %% %s)::text', 10 * parts)
                    WHEN attname = 'epoch' THEN '0'
                    WHEN atttypid = 'bytea'::regtype THEN 'sha256(n::text::bytea)'
                    ELSE 'n::' || atttypid::regtype
                END, ', ')
                INTO columns, made_up
                FROM pg_attribute WHERE attrelid = target::regclass AND attnum > 0 AND NOT attisdropped;
            EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM generate_series(1, %s) AS n', target, columns, made_up, 200 * parts);
        END IF;
        EXECUTE format('ANALYZE %I', target);
        IF empty THEN
            EXECUTE format('TRUNCATE %I', target);
        END IF;
        COMMIT;
    END LOOP;
END $$;
