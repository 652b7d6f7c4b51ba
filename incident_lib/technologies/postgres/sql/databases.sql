-- View: pg_database, pg_stat_database, pg_database_size. Needs: pg_monitor (sizes of databases that our role may
-- not enter). Versions: 13 and later. Cost: reads the size of every file of every database, no lock.
SELECT d.datname::text AS database,
       CASE WHEN pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
              OR has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) END AS size_bytes,
       age(d.datfrozenxid)::int4 AS transaction_age,
       s.numbackends - (d.datname = current_database())::int4 AS connection_count,
       nullif(d.datconnlimit, -1) AS connection_limit,
       d.datallowconn AS allows_connections,
       count(*) OVER ()::int4 AS total_count
FROM pg_database AS d LEFT JOIN pg_stat_database AS s ON s.datid = d.oid
WHERE NOT d.datistemplate
ORDER BY s.numbackends DESC, d.datname
LIMIT 50
