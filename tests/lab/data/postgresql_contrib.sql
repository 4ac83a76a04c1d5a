-- Every extension that Debian ships with PostgreSQL, with the tables some of them own.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
DO $$
DECLARE extension text;
BEGIN
    FOR extension IN SELECT name FROM pg_available_extensions WHERE name !~ 'plperl|plpython|jsonb_pl|hstore_pl|ltree_pl' ORDER BY name LOOP
        EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I CASCADE', extension);
    END LOOP;
END $$;
CREATE TABLE punto (c cube, e earth, i isbn13, s seg, l lo, q query_int);
INSERT INTO punto VALUES (cube(ARRAY[1, 2], ARRAY[3, 4]), ll_to_earth(-12.05, -77.04), '978-0-306-40615-7', '1.0 .. 2.5', NULL, '1&2');
CREATE TABLE cifrado (dato bytea);
INSERT INTO cifrado VALUES (digest('laboratorio', 'sha256'));
CREATE TABLE en_disco (n integer PRIMARY KEY) TABLESPACE lab_disco;
INSERT INTO en_disco SELECT generate_series(1, 100);
