-- View: pg_stat_statements_info; SCHEMA is where the extension lives. Needs: nothing.
-- Versions: extension 1.9 and later, which came with 14. Cost: none; read twice.
SELECT dealloc AS evicted_count, stats_reset AS counted_since_at,
       current_setting('pg_stat_statements.max')::int4 AS entry_limit
FROM SCHEMA.pg_stat_statements_info
