-- View: pg_subscription, pg_subscription_rel, pg_class, pg_stat_subscription of this database.
-- Needs: nothing. Versions: 13 and later. Cost: none.
-- Joined by name, as 13 shows the number of a subscription to superusers only.
SELECT 'subscription' AS direction, s.subname::text AS name, NULL::text AS client_address,
       CASE WHEN NOT s.subenabled THEN 'disabled'
            WHEN w.pid IS NOT NULL THEN 'streaming'
            ELSE 'without a worker' END AS state,
       NULL::text AS synchronous, NULL::int8 AS lag_bytes,
       -- How long the last message was on its way; both clocks are part of it.
       greatest(extract(epoch FROM w.last_msg_receipt_time - w.last_msg_send_time), 0)::float8 AS lag_seconds,
       -- The publisher says something every half minute at least. A worker that waits for a lock hears nothing.
       extract(epoch FROM clock_timestamp() - w.last_msg_receipt_time)::float8 AS silent_seconds,
       -- A first copy began ('d') and nobody is at it: it failed, and is tried again every few seconds.
       array(SELECT t.relname::text
             FROM pg_subscription_rel AS r JOIN pg_class AS t ON t.oid = r.srrelid
             WHERE r.srsubid = s.oid AND r.srsubstate = 'd' AND s.subenabled AND NOT EXISTS (
                 SELECT FROM pg_stat_subscription AS c
                 WHERE c.subname = s.subname AND c.relid = r.srrelid AND c.pid IS NOT NULL)
             ORDER BY 1 LIMIT 10) AS failed_copies
FROM pg_subscription AS s
LEFT JOIN LATERAL (
    SELECT * FROM pg_stat_subscription AS w
    WHERE w.subname = s.subname AND w.relid IS NULL AND w.pid IS NOT NULL
      AND coalesce(to_jsonb(w) ->> 'worker_type', 'apply') = 'apply' AND to_jsonb(w) ->> 'leader_pid' IS NULL
    LIMIT 1
) AS w ON true
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY s.subname
LIMIT 100
