-- View: pg_stat_progress_vacuum, pg_stat_activity, pg_class, pg_namespace. Needs: pg_monitor (what other roles do).
-- Versions: 13 and later (the room for dead rows is counted in bytes from 17, indexes too). Cost: none.
SELECT p.pid, p.datname::text AS database, n.nspname || '.' || c.relname AS "table", p.phase,
       a.backend_type = 'autovacuum worker' AS is_automatic,
       a.query LIKE '%(to prevent wraparound)%' AS is_for_wraparound,
       a.xact_start AS started_at, extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS run_seconds,
       a.wait_event_type AS wait_type, a.wait_event,
       p.heap_blks_total * current_setting('block_size')::int8 AS size_bytes,
       p.heap_blks_scanned::float8 / nullif(p.heap_blks_total, 0) AS scanned_ratio,
       p.heap_blks_vacuumed::float8 / nullif(p.heap_blks_total, 0) AS vacuumed_ratio,
       p.index_vacuum_count::int4 AS index_pass_count,
       coalesce(to_jsonb(p) ->> 'num_dead_item_ids', to_jsonb(p) ->> 'num_dead_tuples')::int8 AS dead_row_count,
       coalesce(
         (to_jsonb(p) ->> 'dead_tuple_bytes')::float8 / nullif((to_jsonb(p) ->> 'max_dead_tuple_bytes')::float8, 0),
         (to_jsonb(p) ->> 'num_dead_tuples')::float8 / nullif((to_jsonb(p) ->> 'max_dead_tuples')::float8, 0)
       ) AS memory_ratio,
       (to_jsonb(p) ->> 'indexes_total')::int4 AS index_count,
       (to_jsonb(p) ->> 'indexes_processed')::int4 AS index_done_count,
       count(*) OVER ()::int4 AS total_count
FROM pg_stat_progress_vacuum AS p
LEFT JOIN pg_stat_activity AS a ON a.pid = p.pid
LEFT JOIN pg_class AS c
  ON c.oid = p.relid AND p.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY a.xact_start
LIMIT 50
