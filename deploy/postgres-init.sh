#!/bin/sh
# Runs once in the PostgreSQL image: the role that migrates and projects, the role of the web, the database.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
    -v owner_password="$OUTCRY_OWNER_PASSWORD" -v web_password="$OUTCRY_WEB_PASSWORD" <<'SQL'
CREATE ROLE outcry LOGIN PASSWORD :'owner_password';
CREATE ROLE outcry_web LOGIN PASSWORD :'web_password';
CREATE DATABASE outcry OWNER outcry;
SQL
