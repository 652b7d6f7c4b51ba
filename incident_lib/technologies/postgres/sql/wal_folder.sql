-- View: pg_ls_waldir, pg_ls_archive_statusdir. Needs: pg_monitor. Versions: 13 and later.
-- Cost: lists two folders of the server's.
SELECT (SELECT count(*)::int4 FROM pg_ls_waldir()) AS file_count,
       (SELECT coalesce(sum(size), 0)::int8 FROM pg_ls_waldir()) AS size_bytes,
       (SELECT count(*)::int4 FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready') AS waiting_count,
       (SELECT setting::int8 * 1048576 FROM pg_settings WHERE name = 'max_wal_size') AS max_bytes,
       (SELECT setting::int8 * 1048576 FROM pg_settings WHERE name = 'wal_keep_size') AS kept_bytes
