-- View: pg_class, pg_attribute of this database. Needs: nothing. Versions: 13 and later.
-- Cost: one scan of both; no table is opened. An entry keeps the number of the transaction that wrote it
-- last; one written more than two billion transactions ago may seem young, which cannot be seen here.
WITH written AS MATERIALIZED (
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.xmin AS entry_xmin, age(c.xmin) AS entry_age,
           (SELECT min(age(a.xmin)) FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND age(a.xmin) >= 0) AS columns_age
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND c.relkind IN ('r', 'p', 'i', 'I', 'v', 'm', 'f') AND age(c.xmin) >= 0
), youngest AS MATERIALIZED (
    SELECT * FROM written ORDER BY least(entry_age, columns_age), oid DESC LIMIT 20
), now AS (
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 AS next_transaction
)
SELECT y.oid::int8 AS oid, y.nspname::text AS schema, y.relname::text AS name,
       CASE WHEN y.relkind IN ('i', 'I') THEN 'index' WHEN y.relkind = 'v' THEN 'view'
            WHEN y.relkind = 'm' THEN 'materialized view' WHEN y.relkind = 'f' THEN 'foreign table'
            ELSE 'table' END AS kind,
       now.next_transaction - y.entry_age AS entry_transaction,
       now.next_transaction - y.columns_age AS columns_transaction,
       CASE WHEN current_setting('track_commit_timestamp') = 'on' THEN greatest(
                pg_xact_commit_timestamp(y.entry_xmin),
                (SELECT max(pg_xact_commit_timestamp(a.xmin)) FROM pg_attribute a
                 WHERE a.attrelid = y.oid AND a.attnum > 0))
       END AS committed_at
FROM youngest y, now
ORDER BY least(y.entry_age, y.columns_age), y.oid DESC
