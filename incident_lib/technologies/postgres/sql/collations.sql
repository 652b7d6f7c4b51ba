-- View: pg_index, pg_collation, pg_database; from 15 the version of the database's own collation. Needs: nothing.
-- Versions: 13 and later. Cost: one scan of pg_index, and one question to the library for each collation in use.
-- Only those whose version is another than when they were recorded.
WITH used AS (
    SELECT i.collation, count(*)::int4 AS index_count
    FROM (SELECT DISTINCT indexrelid, unnest(indcollation) AS collation FROM pg_index WHERE indrelid >= 16384) AS i
    WHERE i.collation <> 0
    GROUP BY i.collation
)
SELECT c.collname::text AS name, c.collversion AS recorded_version,
       pg_collation_actual_version(c.oid) AS actual_version, u.index_count, false AS is_of_database
FROM used AS u JOIN pg_collation AS c ON c.oid = u.collation
WHERE c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid) AND c.collversion IS NOT NULL
LIMIT 50
