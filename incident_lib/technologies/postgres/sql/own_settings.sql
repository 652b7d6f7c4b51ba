-- View: pg_db_role_setting, pg_roles, pg_database. Needs: nothing. Versions: 13 and later. Cost: one scan of each.
-- Limits that a role or a database has of its own, our role's left out; on a standby all is read-only anyway.
SELECT r.rolname::text AS role, d.datname::text AS database, split_part(c.setting, '=', 1) AS name,
       substr(c.setting, strpos(c.setting, '=') + 1) AS value
FROM pg_db_role_setting AS s
CROSS JOIN LATERAL unnest(s.setconfig) AS c(setting)
LEFT JOIN pg_roles AS r ON r.oid = s.setrole
LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
WHERE r.rolname IS DISTINCT FROM current_user
  AND (split_part(c.setting, '=', 1) IN (
           'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout',
           'transaction_timeout', 'temp_file_limit')
       OR split_part(c.setting, '=', 1) = 'default_transaction_read_only' AND NOT pg_is_in_recovery())
ORDER BY (s.setrole <> 0)::int4 + (s.setdatabase <> 0)::int4 DESC, r.rolname, d.datname, 3
LIMIT 100
