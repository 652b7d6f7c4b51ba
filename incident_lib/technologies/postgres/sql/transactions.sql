-- View: pg_stat_activity, pg_locks. Needs: pg_monitor (all but our own role). Versions: 13 and later.
-- Cost: one scan of both; pg_blocking_pids only for those that wait.
WITH blocking AS (
    SELECT blocker AS pid, count(DISTINCT waiter.pid)::int4 AS blocking_count
    FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) AS waiter,
         unnest(pg_blocking_pids(waiter.pid)) AS blocker
    GROUP BY 1
)
SELECT a.pid, nullif(application_name, '') AS application, usename::text AS role, datname::text AS database,
       host(client_addr) AS client_address, state,
       backend_start AS backend_started_at, xact_start AS transaction_started_at,
       query_start AS query_started_at, state_change AS state_changed_at,
       extract(epoch FROM clock_timestamp() - xact_start)::float8 AS transaction_seconds,
       CASE WHEN state = 'active'
            THEN extract(epoch FROM clock_timestamp() - query_start)::float8 END AS query_seconds,
       extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_seconds,
       wait_event_type AS wait_type, wait_event,
       age(backend_xmin)::int4 AS snapshot_age_transactions,
       coalesce(b.blocking_count, 0) AS blocking_count,
       left(query, 20000) AS query,
       count(*) OVER ()::int4 AS total_count
FROM pg_stat_activity AS a LEFT JOIN blocking AS b ON b.pid = a.pid
WHERE backend_type = 'client backend' AND state <> 'idle'
  AND a.pid <> pg_backend_pid()
  AND application_name IS DISTINCT FROM 'incident-workbench'
ORDER BY xact_start NULLS LAST, query_start
LIMIT 100
