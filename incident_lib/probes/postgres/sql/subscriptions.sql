-- View: pg_subscription, pg_stat_subscription of this database. Needs: nothing. Versions: 13 and later. Cost: none.
-- Joined by name, as 13 shows the number of a subscription to superusers only.
SELECT 'subscription' AS direction, s.subname::text AS name, NULL::text AS client_address,
       CASE WHEN NOT s.subenabled THEN 'disabled'
            WHEN EXISTS (SELECT FROM pg_stat_subscription AS w
                         WHERE w.subname = s.subname AND w.relid IS NULL AND w.pid IS NOT NULL) THEN 'streaming'
            ELSE 'without a worker' END AS state,
       NULL::text AS synchronous, NULL::int8 AS lag_bytes, NULL::float8 AS lag_seconds
FROM pg_subscription AS s
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY s.subname
LIMIT 100
