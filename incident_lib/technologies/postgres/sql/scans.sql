-- View: pg_class, pg_namespace, pg_index of this database, and how often each large table was read from end to end.
-- Needs: nothing. Versions: 13 and later. Cost: one scan of pg_class, no table is opened; read twice.
WITH large AS MATERIALIZED (
    SELECT c.oid, n.nspname, c.relname, c.relpages, c.reltuples
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384 AND c.relpersistence <> 't' AND c.relpages >= 128
    ORDER BY c.relpages DESC
    LIMIT 100
)
SELECT nspname::text AS schema, relname::text AS "table", clock_timestamp() AS at,
       relpages::int8 * current_setting('block_size')::int8 AS size_bytes,
       nullif(reltuples, -1)::float8 AS estimated_row_count,
       pg_stat_get_numscans(oid) AS sequential_scan_count,
       pg_stat_get_tuples_returned(oid) AS sequential_row_count,
       (pg_stat_get_tuples_fetched(oid)
         + coalesce((SELECT sum(pg_stat_get_tuples_fetched(i.indexrelid)) FROM pg_index AS i WHERE i.indrelid = oid), 0)
       )::int8 AS indexed_row_count
FROM large
