-- View: pg_settings, pg_tablespace; then df of those folders. Needs: pg_monitor (without it the folder is hidden).
-- Versions: 13 and later. Cost: none.
SELECT (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS path, pg_backend_pid() AS pid,
       (SELECT setting = 'posix' FROM pg_settings WHERE name = 'dynamic_shared_memory_type') AS uses_shm,
       (SELECT json_object_agg(spcname, pg_tablespace_location(oid)) FROM pg_tablespace
        WHERE pg_tablespace_location(oid) <> '') AS tablespaces
