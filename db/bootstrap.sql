-- Run once by a superuser with psql, before `msp-analytics migrate`; safe to repeat.
--   psql -v database=msp -v owner_password=… -v server_password=… -v worker_password=… -f db/bootstrap.sql
-- With -v backup_password=… too, the login msp_backup is made, which reads every tenant's rows and writes nothing.
-- Makes the database, the roles that hold rights and the three logins that hold roles. No login is a
-- superuser, owns what it serves, or inherits: a connection takes up the one role its process needs.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I NOLOGIN', name)
  FROM unnest(ARRAY['msp_api', 'msp_auth', 'msp_admin', 'msp_jobs', 'msp_report']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
SELECT format('CREATE ROLE %I LOGIN NOINHERIT', name)
  FROM unnest(ARRAY['msp_owner', 'msp_server', 'msp_worker']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE msp_owner PASSWORD :'owner_password';
ALTER ROLE msp_server PASSWORD :'server_password';
ALTER ROLE msp_worker PASSWORD :'worker_password';

-- HTTP workers and the snapshot keeper cannot become msp_jobs, the job worker cannot become msp_admin.
GRANT msp_api, msp_admin TO msp_server;
GRANT msp_jobs TO msp_worker;
-- The owner gives the look-up functions to msp_auth.
GRANT msp_auth TO msp_owner;

SELECT format('CREATE DATABASE %I OWNER msp_owner', :'database')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO msp_server, msp_worker, msp_report;

\if :{?backup_password}
SELECT 'CREATE ROLE msp_backup LOGIN BYPASSRLS'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'msp_backup') \gexec
ALTER ROLE msp_backup PASSWORD :'backup_password';
GRANT pg_read_all_data TO msp_backup;
GRANT CONNECT ON DATABASE :"database" TO msp_backup;
\endif
