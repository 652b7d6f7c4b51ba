-- View: pg_stat_statements with the texts, of KEYS alone; SCHEMA is where the extension lives. Needs: pg_monitor.
-- Versions: extension 1.8 and later. Cost: reads the file of texts once.
SELECT DISTINCT ON (key) key, r.rolname::text AS role, d.datname::text AS database, left(s.query, 20000) AS query
FROM (SELECT dbid::int8::text || '/' || userid::int8::text || '/' || queryid::text AS key, dbid, userid, query
      FROM SCHEMA.pg_stat_statements(true)) AS s
LEFT JOIN pg_roles AS r ON r.oid = s.userid
LEFT JOIN pg_database AS d ON d.oid = s.dbid
WHERE key IN (KEYS)
