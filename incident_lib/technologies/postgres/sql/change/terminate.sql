-- View: pg_stat_activity. Needs: the same role, or pg_signal_backend. Versions: 13 and later.
-- Cost: one signal. A process id that another session uses by now has another start, and is left alone;
-- so is a commit that waits for a synchronous standby, which would only lose its protection.
SELECT pg_terminate_backend(pid) AS signalled
FROM pg_stat_activity
WHERE pid = $PID AND (extract(epoch FROM backend_start) * 1000000)::int8 = $BACKEND
  AND coalesce((extract(epoch FROM xact_start) * 1000000)::int8, 0) = $TRANSACTION
  AND wait_event IS DISTINCT FROM 'SyncRep'
