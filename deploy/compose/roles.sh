#!/bin/sh
# Run once by the database's image, when it makes the cluster: the roles of docs/running.md, with the one password of
# this machine. The image's own superuser is used by nothing of the service.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE calendar_app NOLOGIN NOBYPASSRLS;
CREATE ROLE calendar_owner LOGIN NOSUPERUSER PASSWORD :'password' IN ROLE calendar_app;
CREATE ROLE calendar_service LOGIN NOSUPERUSER NOINHERIT PASSWORD :'password' IN ROLE calendar_app;
CREATE DATABASE calendar_connect OWNER calendar_owner;
SQL
