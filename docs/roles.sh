#!/bin/sh
# Run once by a new database container: the owner of the schema, the app's role, the database.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" <<SQL
CREATE ROLE plumbline_owner LOGIN PASSWORD '$OWNER_PASSWORD';
CREATE ROLE plumbline_app LOGIN PASSWORD '$APP_PASSWORD';
CREATE DATABASE plumbline OWNER plumbline_owner;
SQL
