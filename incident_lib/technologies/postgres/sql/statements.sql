-- View: pg_stat_statements without the texts; SCHEMA is where the extension lives. Needs: pg_monitor (other roles).
-- Versions: extension 1.8 and later. Cost: one pass over its shared memory; read twice.
SELECT dbid::int8::text || '/' || userid::int8::text || '/' || queryid::text AS key,
       clock_timestamp() AS at,
       sum(calls)::int8 AS call_count,
       (sum(total_exec_time) / 1000)::float8 AS total_seconds,
       sum(rows)::int8 AS row_count,
       sum(shared_blks_read)::int8 AS block_read_count,
       sum(temp_blks_read + temp_blks_written)::int8 AS temporary_block_count
FROM SCHEMA.pg_stat_statements(false)
WHERE queryid IS NOT NULL
GROUP BY 1
