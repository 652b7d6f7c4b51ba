-- View: pg_sequence, pg_class, pg_depend, pg_attrdef, pg_attribute of this database. Needs: nothing; SELECT on the
-- sequences to read them next. Versions: 13 and later. Cost: one scan of the catalogs; no sequence is opened. Those
-- with the least room come first, of the largest tables.
WITH columns AS MATERIALIZED (
    -- A serial or identity column owns its sequence; a default written by hand only refers to it.
    SELECT objid AS sequence, refobjid AS "table", refobjsubid AS number
    FROM pg_depend
    WHERE classid = 1259 AND refclassid = 1259 AND deptype IN ('a', 'i') AND refobjsubid > 0
    UNION ALL
    SELECT d.refobjid, f.adrelid, f.adnum
    FROM pg_depend AS d JOIN pg_attrdef AS f ON f.oid = d.objid
    WHERE d.classid = 2604 AND d.refclassid = 1259 AND d.deptype = 'n'
), uses AS (
    SELECT c.sequence, t.oid AS "table", t.relname, a.attname, a.atttypid,
           CASE a.atttypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END AS room,
           greatest(t.reltuples, 0) AS row_count
    FROM columns AS c
    JOIN pg_class AS t ON t.oid = c."table" AND t.relkind IN ('r', 'p')
    -- Each by the index, however few columns the statistics expect: two lists would be compared row by row.
    CROSS JOIN LATERAL (
        SELECT attname, atttypid FROM pg_attribute
        WHERE attrelid = c."table" AND attnum = c.number AND (atthasdef OR attidentity <> '') OFFSET 0
    ) AS a
), narrowest AS (
    SELECT DISTINCT ON (sequence) * FROM uses ORDER BY sequence, room, row_count DESC, "table"
), chosen AS MATERIALIZED (
    SELECT s.seqrelid::int8 AS sequence, n.nspname::text AS schema, c.relname::text AS name,
           u.relname::text AS "table", u.attname::text AS "column",
           CASE u.atttypid WHEN 21 THEN 'smallint' WHEN 23 THEN 'integer' WHEN 20 THEN 'bigint' END AS column_type,
           s.seqstart AS start_value, s.seqincrement AS increment, s.seqcycle AS is_cycling,
           CASE WHEN s.seqincrement > 0 THEN least(s.seqmax, coalesce(u.room, s.seqmax))
                ELSE greatest(s.seqmin, -coalesce(u.room, 9223372036854775807)) END AS limit_value,
           row_number() OVER (ORDER BY least(s.seqmax, coalesce(u.room, s.seqmax)), u.row_count DESC NULLS LAST,
                              s.seqrelid) AS position,
           count(*) OVER ()::int4 AS total_count
    FROM pg_sequence AS s
    JOIN pg_class AS c ON c.oid = s.seqrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN narrowest AS u ON u.sequence = s.seqrelid
    -- No session reads the temporary ones of other sessions, or on a standby those that are not logged.
    WHERE c.relpersistence <> 't' AND NOT (c.relpersistence = 'u' AND pg_is_in_recovery())
    ORDER BY position
    LIMIT 2000
)
SELECT sequence, schema, name, "table", "column", column_type, start_value, increment, is_cycling, limit_value,
       has_sequence_privilege(sequence::oid, 'SELECT, USAGE') AS may_read, total_count
FROM chosen
ORDER BY position
