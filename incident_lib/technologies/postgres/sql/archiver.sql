-- View: pg_stat_archiver, settings. Needs: nothing. Versions: 13 and later. Cost: none.
SELECT current_setting('archive_mode') <> 'off' AS archiving_is_on,
       last_archived_time AS archived_at, last_archived_wal AS archived_file,
       last_failed_time AS failed_at, last_failed_wal AS failed_file,
       failed_count AS failure_count
FROM pg_stat_archiver
