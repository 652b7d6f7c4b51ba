-- View: pg_stat_activity. Needs: pg_monitor (what other roles do and wait for). Versions: 13 and later.
-- Cost: one scan of it; read 20 times, a tenth of a second apart.
SELECT coalesce(wait_event_type, 'CPU') AS wait_type, coalesce(wait_event, 'running') AS wait_event,
       left(query, 20000) AS query, count(*)::int4 AS session_count,
       max(extract(epoch FROM clock_timestamp() - query_start))::float8 AS longest_seconds
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()
  AND application_name IS DISTINCT FROM 'incident-workbench'
GROUP BY 1, 2, 3
