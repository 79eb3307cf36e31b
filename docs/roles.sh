#!/bin/sh
# Run once by a new database container: the owner of the schema, the app's role, the database.
set -eu
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d postgres <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
CREATE ROLE plumbline_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE plumbline_app LOGIN PASSWORD :'app_password';
CREATE DATABASE plumbline OWNER plumbline_owner;
SQL
