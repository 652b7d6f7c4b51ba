-- View: pg_roles, pg_stat_activity. Needs: nothing. Versions: 13 and later. Cost: one scan of both.
-- The roles with a limit of connections of their own, which superusers are free of; our session is not counted.
SELECT r.rolname::text AS role, r.rolconnlimit AS limit_count, count(s.pid)::int4 AS connection_count
FROM pg_roles AS r
LEFT JOIN pg_stat_activity AS s
       ON s.usesysid = r.oid AND s.pid <> pg_backend_pid()
      AND s.application_name IS DISTINCT FROM 'incident-workbench'
WHERE r.rolconnlimit >= 0 AND NOT r.rolsuper AND r.rolcanlogin
GROUP BY r.rolname, r.rolconnlimit
ORDER BY count(s.pid)::float8 / greatest(r.rolconnlimit, 1) DESC, r.rolname
LIMIT 50
