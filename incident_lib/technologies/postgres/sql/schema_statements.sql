-- View: pg_stat_activity. Needs: pg_monitor for the sessions of other roles. Versions: 13 and later.
-- Cost: one scan of it. A session shows the last statement that it ran, with its time, until it runs another.
SELECT pid, usename::text AS role, nullif(application_name, '') AS application, state,
       query_start AS started_at,
       CASE WHEN state <> 'active' THEN state_change END AS ended_at,
       left(query, 20000) AS query
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND query_start IS NOT NULL
  AND datname = current_database()
  AND query ~* '^[[:space:]]*(alter|drop|create([[:space:]]+or[[:space:]]+replace)?)[[:space:]]+(unique[[:space:]]+|unlogged[[:space:]]+|materialized[[:space:]]+|foreign[[:space:]]+)?(table|index|view|schema|type|trigger|function|procedure|sequence|domain|policy|extension)[[:space:]]'
ORDER BY query_start DESC
LIMIT 20
