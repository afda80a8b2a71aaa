-- A plan is made once for each connection, from what is known of the tables then. Of a table that was never analysed PostgreSQL takes any
-- index that begins with the region for as good as the one that names the row, and would read a whole region for each row until the
-- first ANALYZE. So tables with several indexes are analysed once with rows like those to come, which go again. In a
-- transaction of its own: a table that is truncated in the one that made it counts as empty, and whoever plans for an empty table reads
-- all of it; after any other it counts as never looked at, and as small.
DO $$
DECLARE
    target RECORD;
BEGIN
    FOR target IN
        SELECT relname AS name, string_agg(attname, ', ') AS columns, string_agg(
            CASE
                WHEN attname = 'region' THEN '(n % 10)::text'
                WHEN attname = 'epoch' THEN '0'
                WHEN atttypid = 'bytea'::regtype THEN 'sha256(n::text::bytea)'
                ELSE 'n::' || atttypid::regtype
            END, ', ') AS made_up
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attnum > 0
            AND (SELECT count(*) FROM pg_index WHERE indrelid = pg_class.oid) > 1
        GROUP BY relname
    LOOP
        EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM generate_series(1, 200) AS n', target.name, target.columns, target.made_up);
        EXECUTE format('ANALYZE %I', target.name);
        EXECUTE format('TRUNCATE %I', target.name);
    END LOOP;
END $$;
