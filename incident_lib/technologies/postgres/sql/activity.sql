-- View: pg_stat_activity. Needs: pg_monitor (state and client of other roles). Versions: 13 and later. Cost: none.
SELECT nullif(application_name, '') AS application, usename::text AS role, datname::text AS database,
       host(client_addr) AS client_address, state,
       count(*)::int4 AS session_count,
       min(state_change) AS oldest_state_change_at,
       max(backend_start) AS newest_start_at,
       count(*) FILTER (WHERE backend_start > clock_timestamp() - interval '10 seconds')::int4 AS young_count,
       current_setting('max_connections')::int4 - current_setting('superuser_reserved_connections')::int4
         - coalesce(current_setting('reserved_connections', true), '0')::int4 AS limit_count,
       count(*) OVER ()::int4 AS total_count
FROM pg_stat_activity
WHERE (backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL))
  AND pid <> pg_backend_pid()
  AND application_name IS DISTINCT FROM 'incident-workbench'
GROUP BY 1, 2, 3, 4, 5
ORDER BY session_count DESC, 1, 2, 3, 4, 5
LIMIT 200
