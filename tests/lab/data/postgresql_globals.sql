-- Roles and tablespaces of the lab: what only `pg_dumpall --globals-only` brings back.
\set ON_ERROR_STOP on
CREATE ROLE siga_dueno NOLOGIN;
CREATE ROLE siga_lector LOGIN PASSWORD 'lab-lector' CONNECTION LIMIT 7 VALID UNTIL '2030-01-01';
CREATE ROLE "Usuario Ñ" LOGIN PASSWORD 'lab-ñ' CREATEDB NOINHERIT;
-- Reads everything and writes nothing: how a copy is made over TCP.
CREATE ROLE respaldo LOGIN PASSWORD 'lab-respaldo' BYPASSRLS IN ROLE pg_read_all_data;
GRANT siga_lector TO "Usuario Ñ" WITH ADMIN OPTION;
ALTER ROLE siga_lector SET work_mem = '8MB';
COMMENT ON ROLE siga_dueno IS 'Dueño de SIGA';
CREATE TABLESPACE lab_disco LOCATION '/srv/lab-tablespace';
