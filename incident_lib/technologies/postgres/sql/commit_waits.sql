-- View: pg_stat_activity, pg_stat_replication, settings. Needs: pg_monitor (what sessions wait for, and standbys).
-- Versions: 13 and later. Cost: two scans of pg_stat_activity; read again half a second later where a commit waits.
WITH waiting AS (
    SELECT pid, application_name, xact_start, query_start FROM pg_stat_activity
    WHERE wait_event_type = 'IPC' AND wait_event = 'SyncRep'
)
SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE current_setting('synchronous_standby_names') END AS standby_names,
       current_setting('synchronous_commit') AS synchronous_commit,
       array(SELECT application_name FROM pg_stat_replication
             WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')
             ORDER BY sync_priority, application_name LIMIT 50) AS standbys,
       array(SELECT concat(application_name, ' (', state, ', ', sync_state, ')') FROM pg_stat_replication
             WHERE NOT (state = 'streaming' AND sync_state IN ('sync', 'quorum'))
             ORDER BY application_name LIMIT 50) AS others,
       array(SELECT pid FROM waiting ORDER BY query_start, pid LIMIT 1000) AS waiting_pids,
       array(SELECT concat(pid, ' ', extract(epoch FROM xact_start)) FROM waiting LIMIT 1000) AS commits,
       array(SELECT DISTINCT application_name FROM waiting WHERE application_name <> '' ORDER BY 1 LIMIT 20)
         AS applications,
       (SELECT min(query_start) FROM waiting) AS oldest_started_at,
       (SELECT extract(epoch FROM clock_timestamp() - min(query_start))::float8 FROM waiting) AS longest_seconds
