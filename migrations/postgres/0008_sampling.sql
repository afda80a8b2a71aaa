-- ANALYZE reads rows in proportion to the column that is sampled most, and takes each value of every column apart. Every statement is an
-- index look-up whose plan was made once (0002), so what a column holds is of use only where it is part of an index, and there roughly:
-- bodies of kilobytes are not sampled at all. With PostgreSQL's own 100, autovacuum took an eighth of two cores while a young database grew.
DO $$
DECLARE
    target RECORD;
BEGIN
    FOR target IN
        SELECT relname AS name, string_agg(format('ALTER COLUMN %I SET STATISTICS %s', attname, CASE
                WHEN EXISTS (SELECT FROM pg_index WHERE indrelid = pg_class.oid AND attnum = ANY (indkey)) THEN 10
                ELSE 0
            END), ', ') AS columns
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
            AND relname <> '_sqlx_migrations'
        GROUP BY relname
    LOOP
        EXECUTE format('ALTER TABLE %I %s', target.name, target.columns);
    END LOOP;
END $$;
