-- View: pg_stat_database. Needs: nothing. Versions: 13 and later (session counts from 14). Cost: none; read twice.
SELECT datname::text AS database, clock_timestamp() AS at,
       xact_commit AS commit_count, xact_rollback AS rollback_count,
       deadlocks AS deadlock_count, conflicts AS conflict_count,
       temp_bytes AS temporary_bytes, temp_files AS temporary_file_count,
       blks_read AS block_read_count, blks_hit AS block_hit_count,
       CASE WHEN current_setting('track_io_timing')::bool THEN blk_read_time / 1000 END AS block_read_seconds,
       CASE WHEN current_setting('track_io_timing')::bool THEN blk_write_time / 1000 END AS block_write_seconds,
       (to_jsonb(d) ->> 'sessions')::int8 AS session_count,
       (to_jsonb(d) ->> 'sessions_abandoned')::int8 AS abandoned_count,
       (to_jsonb(d) ->> 'sessions_fatal')::int8 AS fatal_count,
       (to_jsonb(d) ->> 'sessions_killed')::int8 AS killed_count,
       checksum_failures AS checksum_failure_count, checksum_last_failure AS checksum_failed_at
FROM pg_stat_database AS d
WHERE datname IS NOT NULL
ORDER BY xact_commit + xact_rollback DESC
LIMIT 100
