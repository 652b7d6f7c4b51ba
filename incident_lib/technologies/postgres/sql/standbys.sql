-- View: pg_stat_replication, pg_replication_slots, pg_stat_wal_receiver, settings. Needs: pg_monitor.
-- Versions: 13 and later. Cost: none.
SELECT 'downstream' AS direction, nullif(application_name, '') AS name, host(client_addr) AS client_address,
       state, sync_state AS synchronous,
       EXISTS (SELECT FROM pg_replication_slots AS s WHERE s.active_pid = pid AND s.slot_type = 'logical')
         AS is_logical,
       CASE WHEN NOT pg_is_in_recovery()
            THEN pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::int8 END AS lag_bytes,
       -- An idle primary keeps the last lag it measured: nothing left to replay is no lag. Who replays nothing
       -- (a base backup, pg_receivewal) has none: what is measured for it grows for ever.
       CASE WHEN replay_lsn IS NULL THEN NULL WHEN NOT pg_is_in_recovery() AND replay_lsn >= pg_current_wal_lsn() THEN 0
            ELSE extract(epoch FROM replay_lag)::float8 END AS lag_seconds,
       CASE WHEN NOT pg_is_in_recovery()
            THEN pg_wal_lsn_diff(pg_current_wal_lsn(), sent_lsn)::int8 END AS unsent_bytes,
       pg_wal_lsn_diff(sent_lsn, flush_lsn)::int8 AS unwritten_bytes,
       pg_wal_lsn_diff(flush_lsn, replay_lsn)::int8 AS unreplayed_bytes,
       NULL::bool AS is_paused, NULL::float8 AS delay_seconds, NULL::bool AS has_upstream,
       NULL::float8 AS newest_seconds, NULL::bool AS passes_feedback, NULL::float8 AS patience_seconds,
       NULL::int4 AS upstream_port
FROM pg_stat_replication
UNION ALL
SELECT 'upstream', w.sender_host, NULL,
       CASE WHEN w.pid IS NULL THEN 'not streaming' ELSE coalesce(w.status, 'streaming') END, NULL, false,
       pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::int8,
       CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END,
       NULL, NULL, NULL,
       pg_is_wal_replay_paused(),
       (SELECT setting::float8 / 1000 FROM pg_settings WHERE name = 'recovery_min_apply_delay'),
       -- Hidden without pg_monitor, as it may hold a password.
       (SELECT setting <> '' FROM pg_settings WHERE name = 'primary_conninfo'),
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8,
       current_setting('hot_standby_feedback') = 'on',
       (SELECT nullif(setting::float8, -1) / 1000 FROM pg_settings WHERE name = 'max_standby_streaming_delay'),
       w.sender_port
FROM (SELECT) AS us LEFT JOIN pg_stat_wal_receiver AS w ON true
WHERE pg_is_in_recovery()
LIMIT 100
