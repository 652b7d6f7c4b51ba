-- View: pg_stat_user_tables, pg_class of this database. Needs: nothing. Versions: 13 and later.
-- Cost: one scan of pg_class; sizes are the planner's page counts, so no table is opened.
WITH tables AS MATERIALIZED (
    SELECT s.schemaname::text AS schema, s.relname::text AS "table",
           s.n_live_tup AS live_row_count, s.n_dead_tup AS dead_row_count,
           greatest(s.last_vacuum, s.last_autovacuum) AS last_vacuum_at,
           greatest(s.last_analyze, s.last_autoanalyze) AS last_analyze_at,
           s.seq_scan AS sequential_scan_count, s.seq_tup_read AS sequential_row_count,
           s.idx_scan AS index_scan_count,
           c.relpages::int8 * current_setting('block_size')::int8 AS size_bytes,
           nullif(c.reltuples, -1)::float8 AS estimated_row_count,
           CASE WHEN c.relfrozenxid = '0'::xid THEN 0 ELSE age(c.relfrozenxid)::int4 END AS transaction_age,
           c.reloptions,
           row_number() OVER (ORDER BY s.n_dead_tup DESC) AS by_dead_rows,
           row_number() OVER (ORDER BY c.relpages DESC) AS by_size,
           row_number() OVER (ORDER BY s.seq_tup_read DESC) AS by_scanned_rows,
           count(*) OVER ()::int4 AS total_count
    FROM pg_stat_user_tables AS s JOIN pg_class AS c ON c.oid = s.relid
)
SELECT schema, "table", live_row_count, dead_row_count, last_vacuum_at, last_analyze_at,
       sequential_scan_count, sequential_row_count, index_scan_count, size_bytes, estimated_row_count,
       transaction_age,
       least(
         coalesce(o.threshold, current_setting('autovacuum_vacuum_threshold')::float8)
           + coalesce(o.scale, current_setting('autovacuum_vacuum_scale_factor')::float8)
             * coalesce(estimated_row_count, 0),
         coalesce(o.maximum, nullif(current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1))
       ) AS vacuum_threshold_rows,
       coalesce(o.enabled, true) AND current_setting('autovacuum')::bool AS autovacuum_is_on,
       total_count
FROM tables AS t
CROSS JOIN LATERAL (
    SELECT max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold')::float8 AS threshold,
           max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor')::float8 AS scale,
           nullif(max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_max_threshold')::float8, -1)
             AS maximum,
           bool_and(option_value::bool) FILTER (WHERE option_name = 'autovacuum_enabled') AS enabled
    FROM pg_options_to_table(t.reloptions)
) AS o
WHERE by_dead_rows <= 50 OR by_size <= 20 OR by_scanned_rows <= 20
ORDER BY by_dead_rows
