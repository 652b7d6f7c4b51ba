-- View: pg_locks, pg_class, pg_namespace of this database. Needs: nothing. Versions: 13 and later.
-- Cost: a catalog look-up for each relation that a session waits for or has rows of locked; no lock on the relations
-- themselves.
SELECT c.oid::int8 AS relation, n.nspname || '.' || c.relname AS name
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid IN (SELECT relation FROM pg_locks
                WHERE relation IS NOT NULL AND (NOT granted OR locktype = 'tuple' OR mode <> 'AccessShareLock')
                  AND database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())))
LIMIT 1000
