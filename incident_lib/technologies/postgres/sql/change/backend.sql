-- View: pg_stat_activity, pg_locks, pg_roles. Needs: pg_monitor (start and query of other roles). Versions: 13 and later.
-- Cost: one scan of each; pg_blocking_pids only for those that wait. Numbers only are put in: $PID.
SELECT a.pid, a.backend_type AS kind, nullif(a.application_name, '') AS application, a.usename::text AS role,
       a.datname::text AS database, host(a.client_addr) AS client_address, a.state,
       a.wait_event_type AS wait_type, a.wait_event, a.leader_pid,
       (extract(epoch FROM a.backend_start) * 1000000)::int8 AS backend_started_micros,
       (extract(epoch FROM a.xact_start) * 1000000)::int8 AS transaction_started_micros,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       left(a.query, 10000) AS query,
       (SELECT count(*)::int4 FROM pg_locks WHERE pid = a.pid AND granted) AS lock_count,
       (SELECT count(DISTINCT w.pid)::int4 FROM pg_locks AS w
        WHERE NOT w.granted AND w.pid <> a.pid AND a.pid = ANY (pg_blocking_pids(w.pid))) AS waiter_count,
       current_user::text AS our_role,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS we_are_superuser,
       (SELECT rolsuper FROM pg_roles WHERE oid = a.usesysid) AS it_is_superuser,
       pg_has_role('pg_signal_backend', 'USAGE') AS we_may_signal,
       CASE WHEN a.usesysid IS NULL THEN false ELSE pg_has_role(a.usesysid, 'USAGE') END AS we_are_of_its_role
FROM pg_stat_activity AS a
WHERE a.pid = $PID AND a.pid <> pg_backend_pid()
