-- View: pg_database, pg_index. Needs: nothing. Versions: 15 and later. Cost: one scan of pg_index, and one question
-- to the library. The collation of the database itself, where its version is another than when it was made.
-- A locale of ICU stands in a column of its own, which has another name from 17 on.
SELECT coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', datcollate::text) AS name,
       datcollversion AS recorded_version,
       pg_database_collation_actual_version(oid) AS actual_version,
       (SELECT count(*)::int4 FROM pg_index WHERE indrelid >= 16384 AND 100 = ANY (indcollation)) AS index_count,
       true AS is_of_database
FROM pg_database AS d
WHERE datname = current_database() AND datcollversion IS NOT NULL
  AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)
