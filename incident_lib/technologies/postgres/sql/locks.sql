-- View: pg_locks, pg_stat_activity. Needs: pg_monitor (what other roles do). Versions: 13 and later.
-- Cost: one scan of both; pg_blocking_pids only for those that wait. It locks no relation.
WITH locks AS MATERIALIZED (
    SELECT * FROM pg_locks
), waiting AS MATERIALIZED (
    SELECT DISTINCT ON (pid) pid, locktype, mode, database, relation, transactionid, virtualxid,
           classid, objid, objsubid,
           -- waitstart came with 14; read by name, so that one statement serves all versions.
           (to_jsonb(held) ->> 'waitstart')::timestamptz AS waitstart
    FROM locks AS held
    WHERE NOT granted AND pid <> pg_backend_pid()
    ORDER BY pid
), rows_held AS MATERIALIZED (
    -- Who waits for the transaction that changed a row holds the lock on that row, which names its table.
    SELECT DISTINCT ON (pid) pid, database, relation FROM locks
    WHERE granted AND locktype = 'tuple' AND pid IS NOT NULL ORDER BY pid
), blocked AS MATERIALIZED (
    -- pg_blocking_pids knows no process that replays: it waits for whoever holds a lock on the same table.
    SELECT waiting.*, coalesce(nullif(pg_blocking_pids(pid), '{}'), CASE WHEN pg_is_in_recovery() THEN
             array(SELECT other.pid FROM locks AS other
                   WHERE other.granted AND other.pid <> waiting.pid AND waiting.mode = 'AccessExclusiveLock'
                     AND waiting.locktype = 'relation' AND other.locktype = 'relation'
                     AND other.database = waiting.database AND other.relation = waiting.relation) END) AS blocked_by
    FROM waiting
), involved AS (
    SELECT pid FROM blocked UNION SELECT unnest(blocked_by) FROM blocked
)
SELECT i.pid, coalesce(array(SELECT DISTINCT unnest(b.blocked_by)), '{}') AS blocked_by,
       nullif(a.application_name, '') AS application, a.usename::text AS role, a.datname::text AS database,
       host(a.client_addr) AS client_address, a.state, a.backend_type AS kind,
       a.wait_event_type AS wait_type, a.wait_event,
       a.xact_start AS transaction_started_at, a.query_start AS query_started_at,
       a.state_change AS state_changed_at,
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
       CASE WHEN a.state = 'active'
            THEN extract(epoch FROM clock_timestamp() - a.query_start)::float8 END AS query_seconds,
       extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
       left(a.query, 20000) AS query,
       b.locktype AS lock_type, b.mode AS lock_mode,
       coalesce(b.database, r.database)::int8 AS lock_database,
       coalesce(b.relation, r.relation)::int8 AS lock_relation,
       CASE b.locktype WHEN 'advisory' THEN concat_ws(', ', b.classid::text, b.objid::text)
                       WHEN 'object' THEN concat_ws(', ', b.classid::text, b.objid::text)
                       WHEN 'transactionid' THEN b.transactionid::text
                       WHEN 'virtualxid' THEN b.virtualxid END AS lock_object,
       coalesce(b.waitstart, CASE WHEN b.pid IS NOT NULL THEN a.query_start END) AS wait_started_at,
       extract(epoch FROM clock_timestamp()
         - coalesce(b.waitstart, CASE WHEN b.pid IS NOT NULL THEN a.query_start END))::float8 AS wait_seconds,
       b.pid IS NOT NULL AND b.waitstart IS NULL AS wait_is_estimate,
       count(*) OVER ()::int4 AS total_count
FROM involved AS i
LEFT JOIN blocked AS b ON b.pid = i.pid
LEFT JOIN pg_stat_activity AS a ON a.pid = i.pid
LEFT JOIN rows_held AS r ON r.pid = b.pid AND b.locktype = 'transactionid'
ORDER BY b.pid IS NOT NULL, wait_started_at, i.pid
LIMIT 500
