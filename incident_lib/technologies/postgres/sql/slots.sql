-- View: pg_replication_slots, pg_stat_replication, settings. Needs: nothing; pg_monitor for the name of a consumer.
-- Versions: 13 and later (inactive_since, invalidation_reason from 17). Cost: none.
SELECT slot_name::text AS name, slot_type AS kind, database::text AS database, s.active, wal_status,
       pg_wal_lsn_diff(here.position, restart_lsn)::int8 AS retained_bytes,
       (to_jsonb(s) ->> 'inactive_since')::timestamptz AS inactive_since,
       greatest(age(xmin), age(catalog_xmin))::int4 AS snapshot_age_transactions,
       s.active_pid, nullif(r.application_name, '') AS consumer,
       pg_wal_lsn_diff(here.position, confirmed_flush_lsn)::int8 AS unconfirmed_bytes,
       pg_wal_lsn_diff(restart_lsn, '0/0')::int8 AS restart_position,
       pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::int8 AS confirmed_position,
       safe_wal_size AS left_bytes,
       (SELECT setting::int8 * 1048576 FROM pg_settings WHERE name = 'max_slot_wal_keep_size' AND setting <> '-1')
         AS limit_bytes,
       (SELECT setting::int8 * 1048576 FROM pg_settings WHERE name = 'max_wal_size') AS max_wal_bytes,
       to_jsonb(s) ->> 'invalidation_reason' AS invalidation_reason
FROM pg_replication_slots AS s
CROSS JOIN (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                        ELSE pg_current_wal_lsn() END AS position) AS here
LEFT JOIN pg_stat_replication AS r ON r.pid = s.active_pid
ORDER BY retained_bytes DESC NULLS FIRST
LIMIT 100
