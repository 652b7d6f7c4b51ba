-- View: pg_replication_slots. Needs: nothing. Versions: 13 and later (inactive_since from 17). Cost: none.
SELECT slot_name::text AS name, slot_type AS kind, database::text AS database, active, wal_status,
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                            ELSE pg_current_wal_lsn() END, restart_lsn)::int8 AS retained_bytes,
       (to_jsonb(s) ->> 'inactive_since')::timestamptz AS inactive_since,
       greatest(age(xmin), age(catalog_xmin))::int4 AS snapshot_age_transactions
FROM pg_replication_slots AS s
ORDER BY retained_bytes DESC NULLS FIRST
LIMIT 100
