-- View: pg_stat_activity, pg_locks, settings. Needs: nothing. Versions: 13 and later. Cost: one scan of both.
-- Counted are the sessions that take a slot of max_connections; processes of the server and WAL senders have
-- slots of their own, and without pg_monitor the kind of a foreign session is hidden.
WITH sessions AS (
    SELECT count(*)::int4 AS connection_count
    FROM pg_stat_activity
    WHERE (backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL))
      AND pid <> pg_backend_pid()
      AND application_name IS DISTINCT FROM 'incident-workbench'
), capacity AS (
    SELECT current_setting('max_connections')::int4 AS max_connections,
           current_setting('superuser_reserved_connections')::int4
             + coalesce(current_setting('reserved_connections', true), '0')::int4 AS reserved_count
)
SELECT connection_count, max_connections, reserved_count,
       max_connections - reserved_count AS usable_count,
       (SELECT count(*)::int4 FROM pg_locks WHERE NOT fastpath AND pid IS DISTINCT FROM pg_backend_pid())
         AS lock_count,
       current_setting('max_locks_per_transaction')::int4
         * (max_connections + current_setting('max_prepared_transactions')::int4) AS lock_slot_count
FROM sessions, capacity
