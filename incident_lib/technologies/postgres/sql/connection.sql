-- View: settings, pg_stat_activity, pg_shdepend. Needs: nothing. Versions: 13 and later. Cost: none.
SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::int4 AS version_number,
       current_database()::text AS database,
       pg_is_in_recovery() AS in_recovery,
       current_user::text AS role,
       current_setting('is_superuser') = 'on' AS role_is_superuser,
       pg_has_role(current_user, 'pg_monitor', 'USAGE') AS role_sees_everything,
       -- pg_shdepend is shared by all databases, so it answers with this one's pg_class locked.
       EXISTS (SELECT FROM pg_shdepend d, pg_roles r
               WHERE r.rolname = current_user AND d.refclassid = 1260 AND d.refobjid = r.oid
                 AND d.classid = 1259 AND d.deptype = 'o'
                 AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()))
         AS role_owns_tables,
       (SELECT count(*)::int4 FROM pg_stat_activity
        WHERE usename = current_user AND pid <> pg_backend_pid()
          AND application_name IS DISTINCT FROM 'incident-workbench') AS role_other_session_count,
       clock_timestamp() AS server_time_at,
       current_setting('statement_timeout') AS statement_timeout,
       current_setting('default_transaction_read_only') AS read_only
