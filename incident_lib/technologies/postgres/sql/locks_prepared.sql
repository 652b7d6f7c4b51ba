-- View: pg_prepared_xacts, pg_locks. Needs: nothing. Versions: 13 and later.
-- Cost: two scans of pg_locks; read only where a session waits for a prepared transaction. Such a transaction has no
-- process: what it holds is found by the lock on its own number, which shares its virtual transaction.
SELECT p.gid, p.prepared AS prepared_at, p.owner::text AS role, p.database::text AS database,
       extract(epoch FROM clock_timestamp() - p.prepared)::float8 AS prepared_seconds,
       waiter.pid AS waiter, held.mode AS held_mode, waiter.mode AS wanted_mode
FROM pg_prepared_xacts AS p
JOIN pg_locks AS its ON its.pid IS NULL AND its.locktype = 'transactionid' AND its.transactionid = p.transaction
JOIN pg_locks AS held ON held.pid IS NULL AND held.granted AND held.virtualtransaction = its.virtualtransaction
JOIN pg_locks AS waiter ON NOT waiter.granted AND waiter.locktype = held.locktype
 AND (waiter.database, waiter.relation, waiter.page, waiter.tuple, waiter.transactionid::text, waiter.classid,
      waiter.objid, waiter.objsubid, waiter.virtualxid)
     IS NOT DISTINCT FROM
     (held.database, held.relation, held.page, held.tuple, held.transactionid::text, held.classid, held.objid,
      held.objsubid, held.virtualxid)
ORDER BY p.prepared, p.gid
LIMIT 500
