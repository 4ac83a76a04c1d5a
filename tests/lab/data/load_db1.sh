#!/bin/sh
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Loads the sample databases of db1; does nothing when these very files were loaded before.
set -eu
cd "$(dirname "$0")"
stamp=/var/lib/lab/databases
digest=$(cat ./*.sql load_db1.sh | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$digest" ]; then
    echo unchanged
    exit 0
fi

as_postgres() { (cd / && exec setpriv --reuid postgres --regid postgres --init-groups "$@"); }
psql_file() { as_postgres psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$1" <"$2"; }

for database in siga pgbench contrib vacia 'Órgano año ñandú' "$(printf 'rara "comilla" / %%')"; do
    as_postgres env PGOPTIONS="-c client_min_messages=warning" dropdb --if-exists --force "$database"
done
as_postgres psql --no-psqlrc --quiet --dbname postgres <<'SQL'
SET client_min_messages = error;
DROP TABLESPACE IF EXISTS lab_disco;
DROP ROLE IF EXISTS siga_dueno, siga_lector, "Usuario Ñ", respaldo;
SQL
install -d -o postgres -g postgres -m 0700 /srv/lab-tablespace
psql_file postgres postgresql_globals.sql
as_postgres createdb --owner siga_dueno siga
as_postgres createdb --template template0 --encoding UTF8 --lc-collate es_PE.UTF-8 --lc-ctype es_PE.UTF-8 'Órgano año ñandú'
as_postgres createdb --template template0 --encoding LATIN1 --locale C "$(printf 'rara "comilla" / %%')"
as_postgres createdb vacia
as_postgres createdb pgbench
as_postgres createdb contrib
psql_file siga postgresql_siga.sql
psql_file contrib postgresql_contrib.sql
as_postgres /usr/lib/postgresql/15/bin/pgbench --initialize --scale 2 --foreign-keys --partitions 3 --quiet pgbench >/dev/null 2>&1
as_postgres psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname 'Órgano año ñandú' --command "CREATE TABLE \"año ñandú\" AS SELECT n, 'Perú ' || n AS texto FROM generate_series(1, 321) AS n"
printf '%s\n' "CREATE TABLE texto (t text); INSERT INTO texto VALUES ('Órgano ñ');" \
    | as_postgres env PGCLIENTENCODING=UTF8 psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$(printf 'rara "comilla" / %%')"

for database in siaf world dbt3 vacia 'trámite ñandú'; do
    mariadb --execute "DROP DATABASE IF EXISTS \`$database\`; CREATE DATABASE \`$database\` CHARACTER SET utf8mb4 COLLATE utf8mb4_spanish_ci"
done
mariadb --execute "DROP ROLE IF EXISTS siaf_lector; DROP USER IF EXISTS respaldo@'%', 'Usuaria Ñ'@'10.%'"
mariadb --default-character-set=utf8mb4 siaf <mariadb_siaf.sql
mariadb --default-character-set=utf8mb4 <mariadb_globals.sql
sample=/usr/local/share/lab/mariadb
# The files are written for MariaDB's test tool: plain SQL but for its lines that begin with two dashes and a word.
cat "$sample/world_schema.inc" "$sample/world.inc" | mariadb --default-character-set=latin1 world >/dev/null
mariadb --default-character-set=utf8mb4 dbt3 <"$sample/dbt3_s001.inc"
mariadb --default-character-set=utf8mb4 'trámite ñandú' --execute "CREATE TABLE \`año ñandú\` ENGINE=InnoDB AS SELECT seq AS n, CONCAT('Perú ', seq, ' 😀') AS texto FROM seq_1_to_321"

install -d /srv/datos
rm -f /srv/datos/*.sqlite*
sqlite3 -bail /srv/datos/tramites.sqlite <sqlite_tramites.sql >/dev/null
sqlite3 -bail '/srv/datos/Órgano ñandú.sqlite' 'CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1), (2), (3);'
sqlite3 -bail /srv/datos/vacia.sqlite 'PRAGMA user_version = 1;'

mkdir -p "$(dirname "$stamp")"
printf '%s' "$digest" >"$stamp"
echo loaded
