-- View: pg_index, pg_class, pg_namespace, pg_stat_progress_create_index. Needs: pg_monitor (builds of other roles).
-- Versions: 13 and later. Cost: one scan of pg_index; no index is opened.
SELECT n.nspname::text AS schema, c.relname::text AS index, t.relname::text AS "table",
       EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = c.oid) AS is_being_built,
       count(*) OVER ()::int4 AS total_count
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i'
ORDER BY 1, 2
LIMIT 50
