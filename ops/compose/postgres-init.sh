#!/bin/bash
# Run once by the PostgreSQL container, on its empty cluster: the server's roles and database (db/bootstrap.sql), and a
# database each for n8n and Metabase, whose logins cannot enter the server's. Passwords are read by psql itself.
set -euo pipefail
secrets=${SECRETS_DIR:-/run/secrets}
bootstrap=${BOOTSTRAP:-/bootstrap.sql}

psql -X -q -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres <<SQL
\\set database msp
\\set owner_password \`cat '$secrets/owner_password'\`
\\set server_password \`cat '$secrets/server_password'\`
\\set worker_password \`cat '$secrets/worker_password'\`
\\set n8n_password \`cat '$secrets/n8n_db_password'\`
\\set metabase_password \`cat '$secrets/metabase_db_password'\`
\\i '$bootstrap'
CREATE ROLE n8n LOGIN PASSWORD :'n8n_password';
CREATE DATABASE n8n OWNER n8n;
REVOKE ALL ON DATABASE n8n FROM PUBLIC;
CREATE ROLE metabase LOGIN PASSWORD :'metabase_password';
CREATE DATABASE metabase OWNER metabase;
REVOKE ALL ON DATABASE metabase FROM PUBLIC;
SQL
