-- View: pg_stat_activity, pg_locks. Needs: pg_monitor (transactions of other roles). Versions: 13 and later.
-- Cost: one scan of both, without pg_blocking_pids; read only where a session waits.
WITH waiting AS (
    SELECT DISTINCT pid FROM pg_locks WHERE NOT granted
), advisory AS (
    SELECT pid, array_agg(DISTINCT concat_ws(', ', classid::text, objid::text)) AS objects
    FROM pg_locks WHERE granted AND locktype = 'advisory' AND pid IS NOT NULL GROUP BY pid
)
SELECT a.pid, a.xact_start AS transaction_started_at, w.pid IS NOT NULL AS is_waiting,
       coalesce(h.objects, '{}') AS advisory
FROM pg_stat_activity AS a LEFT JOIN waiting AS w ON w.pid = a.pid LEFT JOIN advisory AS h ON h.pid = a.pid
WHERE a.xact_start IS NOT NULL OR w.pid IS NOT NULL OR h.pid IS NOT NULL
LIMIT 5000
