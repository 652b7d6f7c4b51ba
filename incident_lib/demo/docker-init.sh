#!/bin/sh
# The rest of schema.sql that needs the image: the roles' passwords, and an extension that the embedded server
# does not have. The postgres image runs it once, after schema.sql.
set -eu
psql --username postgres --dbname shop --set ON_ERROR_STOP=1 --set password="$DEMO_PASSWORD" <<'SQL'
ALTER ROLE app PASSWORD :'password';
ALTER ROLE reporting PASSWORD :'password';
ALTER ROLE workbench PASSWORD :'password';
ALTER ROLE operator PASSWORD :'password';
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
SQL
