-- View: pg_extension, pg_namespace. Needs: nothing. Versions: 13 and later. Cost: none.
SELECT n.nspname::text AS schema, e.extversion AS version
FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
