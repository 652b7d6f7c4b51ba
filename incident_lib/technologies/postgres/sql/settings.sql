-- View: pg_settings. Needs: pg_monitor (settings that only superusers see). Versions: 13 and later. Cost: none.
SELECT name, setting AS value, unit, source, setting IS NOT DISTINCT FROM boot_val AS is_default, pending_restart
FROM pg_settings
WHERE pending_restart OR name IN (
    'archive_mode', 'autovacuum', 'autovacuum_max_workers', 'autovacuum_naptime', 'autovacuum_vacuum_cost_delay',
    'autovacuum_vacuum_scale_factor', 'checkpoint_timeout', 'data_checksums', 'deadlock_timeout',
    'effective_cache_size', 'fsync', 'full_page_writes', 'hot_standby', 'hot_standby_feedback',
    'idle_session_timeout', 'listen_addresses', 'log_lock_waits', 'log_min_duration_statement',
    'maintenance_work_mem', 'max_connections', 'max_locks_per_transaction', 'max_parallel_workers',
    'max_prepared_transactions', 'max_replication_slots', 'max_slot_wal_keep_size', 'max_wal_senders',
    'max_wal_size', 'max_worker_processes', 'port', 'random_page_cost', 'reserved_connections',
    'shared_buffers', 'shared_preload_libraries', 'ssl', 'superuser_reserved_connections',
    'synchronous_commit', 'synchronous_standby_names', 'temp_file_limit', 'track_activities', 'track_counts',
    'track_io_timing', 'wal_level', 'wal_keep_size', 'work_mem', 'zero_damaged_pages', 'ignore_checksum_failure')
ORDER BY name
