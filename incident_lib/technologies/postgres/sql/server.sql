-- View: pg_database, pg_prepared_xacts, pg_stat_activity, settings. Needs: nothing; pg_monitor to see the workers of
-- autovacuum. Versions: 13 and later. Cost: none.
SELECT pg_postmaster_start_time() AS started_at,
       pg_conf_load_time() AS configuration_loaded_at,
       pg_is_in_recovery() AS in_recovery,
       current_setting('autovacuum') = 'on' AS autovacuum_is_on,
       (SELECT max(age(datfrozenxid))::int4 FROM pg_database) AS transaction_age,
       (SELECT datname::text FROM pg_database ORDER BY age(datfrozenxid) DESC LIMIT 1)
         AS transaction_age_database,
       (SELECT max(mxid_age(datminmxid))::int4 FROM pg_database) AS multixact_age,
       (SELECT count(*)::int4 FROM pg_prepared_xacts) AS prepared_transaction_count,
       (SELECT extract(epoch FROM clock_timestamp() - min(prepared))::float8 FROM pg_prepared_xacts)
         AS oldest_prepared_seconds,
       (SELECT min(prepared) FROM pg_prepared_xacts) AS oldest_prepared_at,
       (SELECT left(gid, 200) FROM pg_prepared_xacts ORDER BY prepared LIMIT 1) AS oldest_prepared_name,
       CASE WHEN pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
            THEN (SELECT count(*)::int4 FROM pg_stat_activity WHERE backend_type = 'autovacuum worker') END
         AS autovacuum_worker_count,
       current_setting('autovacuum_max_workers')::int4 AS autovacuum_worker_limit,
       CASE WHEN NOT pg_is_in_recovery() THEN pg_notification_queue_usage() END AS notify_queue_ratio
