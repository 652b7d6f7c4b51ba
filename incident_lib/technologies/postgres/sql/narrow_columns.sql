-- View: pg_constraint, pg_attribute, pg_depend, pg_attrdef of this database: the columns that hold numbers of the
-- sequences KEYS and have less room than the columns these fill. Needs: nothing. Versions: 13 and later. Cost: one
-- scan of pg_constraint, and the columns of the tables that KEYS fill; sent only where such a sequence has come far.
WITH owners AS (
    SELECT objid AS sequence, refobjid AS "table", refobjsubid AS number
    FROM pg_depend
    WHERE classid = 1259 AND refclassid = 1259 AND deptype IN ('a', 'i') AND refobjsubid > 0
      AND objid = ANY ('{KEYS}'::oid[])
    UNION
    SELECT d.refobjid, f.adrelid, f.adnum
    FROM pg_depend AS d JOIN pg_attrdef AS f ON f.oid = d.objid
    WHERE d.classid = 2604 AND d.refclassid = 1259 AND d.deptype = 'n' AND d.refobjid = ANY ('{KEYS}'::oid[])
), filled AS (
    SELECT o.sequence, o."table", o.number, a.attname, a.atttypid
    FROM owners AS o JOIN pg_attribute AS a ON a.attrelid = o."table" AND a.attnum = o.number
    WHERE a.atttypid IN (20, 23)
), declared AS (
    SELECT f.sequence, c.conrelid AS "table", k.number, true AS is_declared
    FROM filled AS f
    JOIN pg_constraint AS c ON c.contype = 'f' AND c.confrelid = f."table"
    JOIN LATERAL unnest(c.conkey, c.confkey) AS k (number, key) ON k.key = f.number
), alike AS (
    -- Without a foreign key only a name says so: an id in the same table that refers to nothing else.
    SELECT f.sequence, a.attrelid, a.attnum, false
    FROM filled AS f JOIN pg_attribute AS a ON a.attrelid = f."table" AND a.attnum <> f.number
    WHERE a.atttypid = 23 AND a.attname ~ '(^|_)id$|[a-z]Id$' AND NOT a.attisdropped AND NOT a.atthasdef
      AND NOT EXISTS (SELECT FROM pg_constraint AS c
                      WHERE c.contype = 'f' AND c.conrelid = a.attrelid AND a.attnum = ANY (c.conkey))
)
SELECT u.sequence::int8 AS sequence, n.nspname::text AS schema, t.relname::text AS "table",
       a.attname::text AS "column",
       CASE a.atttypid WHEN 21 THEN 'smallint' ELSE 'integer' END AS column_type,
       CASE a.atttypid WHEN 21 THEN 32767 ELSE 2147483647 END::int8 AS limit_value,
       k.relname::text AS key_table, f.attname::text AS key_column, u.is_declared
FROM (SELECT * FROM declared UNION ALL SELECT * FROM alike) AS u
JOIN filled AS f ON f.sequence = u.sequence
JOIN pg_class AS k ON k.oid = f."table"
JOIN pg_class AS t ON t.oid = u."table"
JOIN pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_attribute AS a ON a.attrelid = u."table" AND a.attnum = u.number
WHERE a.atttypid IN (21, 23) AND a.atttypid <> f.atttypid AND t.relkind IN ('r', 'p')
ORDER BY u.is_declared DESC, t.reltuples DESC, t.oid
LIMIT 100
