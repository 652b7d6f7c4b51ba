-- View: pg_stat_replication, pg_replication_slots, pg_stat_wal_receiver. Needs: pg_monitor. Versions: 13 and later. Cost: none.
SELECT 'downstream' AS direction, nullif(application_name, '') AS name, host(client_addr) AS client_address,
       state, sync_state AS synchronous,
       EXISTS (SELECT FROM pg_replication_slots AS s WHERE s.active_pid = pid AND s.slot_type = 'logical')
         AS is_logical,
       CASE WHEN NOT pg_is_in_recovery()
            THEN pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::int8 END AS lag_bytes,
       -- An idle primary keeps the last lag it measured: nothing left to replay is no lag.
       CASE WHEN NOT pg_is_in_recovery() AND replay_lsn >= pg_current_wal_lsn() THEN 0
            ELSE extract(epoch FROM replay_lag)::float8 END AS lag_seconds
FROM pg_stat_replication
UNION ALL
SELECT 'upstream', w.sender_host, NULL, coalesce(w.status, 'not streaming'), NULL, false,
       pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::int8,
       CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END
FROM (SELECT) AS us LEFT JOIN pg_stat_wal_receiver AS w ON true
WHERE pg_is_in_recovery()
LIMIT 100
