-- View: pg_stat_bgwriter, settings. Needs: nothing. Versions: 13. Cost: none; read twice.
SELECT clock_timestamp() AS at, stats_reset AS counted_since_at,
       checkpoints_timed AS timed_count, checkpoints_req AS requested_count,
       CASE WHEN NOT pg_is_in_recovery()
            THEN pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8 END AS wal_bytes,
       (SELECT setting::int8 * 1048576 FROM pg_settings WHERE name = 'max_wal_size') AS max_wal_bytes,
       (SELECT setting::float8 FROM pg_settings WHERE name = 'checkpoint_timeout') AS checkpoint_timeout_seconds,
       current_setting('checkpoint_completion_target')::float8 AS completion_target_ratio
FROM pg_stat_bgwriter
