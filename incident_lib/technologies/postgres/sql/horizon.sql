-- View: pg_stat_activity, pg_replication_slots, pg_prepared_xacts, pg_stat_replication. Needs: pg_monitor (sessions of
-- other roles). Versions: 13 and later. Cost: one scan of each.
WITH holders AS (
    SELECT 'session' AS kind, concat_ws(', ', 'pid ' || pid, nullif(application_name, ''), usename) AS name,
           pid, datname::text AS database, age(backend_xmin)::int4 AS age_transactions, xact_start AS since,
           backend_type, state, wait_event_type AS wait_type, wait_event,
           nullif(application_name, '') AS application, left(query, 20000) AS query, NULL::bool AS is_physical
    FROM pg_stat_activity
    WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND backend_type <> 'walsender'
      AND application_name IS DISTINCT FROM 'incident-workbench'
      -- What cleans up is not what cleanup waits for.
      AND backend_type <> 'autovacuum worker'
    UNION ALL
    SELECT 'prepared transaction', left(gid, 200), NULL, database::text, age(transaction)::int4, prepared,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM pg_prepared_xacts
    UNION ALL
    SELECT 'replication slot', slot_name::text, active_pid, database::text,
           greatest(age(xmin), age(catalog_xmin))::int4, NULL,
           NULL, NULL, NULL, NULL, NULL, NULL, slot_type = 'physical' AND active
    FROM pg_replication_slots WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL
    UNION ALL
    SELECT 'standby', coalesce(nullif(application_name, ''), host(client_addr)), pid, NULL,
           age(backend_xmin)::int4, NULL,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM pg_stat_replication WHERE backend_xmin IS NOT NULL
)
SELECT kind, name, pid, database, age_transactions, since AS since_at, backend_type, state, wait_type, wait_event,
       application, query, is_physical,
       extract(epoch FROM clock_timestamp() - since)::float8 AS held_seconds,
       count(*) OVER ()::int4 AS total_count
FROM holders
ORDER BY age_transactions DESC, since
LIMIT 50
