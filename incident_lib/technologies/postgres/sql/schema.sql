-- View: pg_class, pg_namespace of this database. Needs: nothing. Versions: 13 and later.
-- Cost: one scan of pg_class. Temporary tables, TOAST and the system's own relations do not count.
SELECT current_database()::text AS database,
       pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS next_transaction,
       current_setting('track_commit_timestamp') = 'on' AS tells_times,
       count(*) FILTER (WHERE c.relkind IN ('r', 'p'))::int4 AS table_count,
       count(*) FILTER (WHERE c.relkind IN ('i', 'I'))::int4 AS index_count,
       count(*) FILTER (WHERE c.relkind IN ('v', 'm'))::int4 AS view_count,
       sum(c.relnatts) FILTER (WHERE c.relkind IN ('r', 'p'))::int8 AS column_count
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
