-- View: pg_locks, and the last value of the sequences KEYS. Needs: SELECT on them. Versions: 13 and later.
-- Cost: a short lock on each of at most 100 sequences, and one page of each; those that are locked, or
-- waits for, are left alone.
SELECT sequence::int8 AS sequence, pg_sequence_last_value(sequence) AS last_value
FROM unnest('{KEYS}'::oid[]) AS sequence
WHERE sequence NOT IN (
    SELECT relation FROM pg_locks
    WHERE relation IS NOT NULL AND locktype = 'relation'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))
