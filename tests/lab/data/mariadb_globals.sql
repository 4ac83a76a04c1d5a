-- Accounts and roles of the lab: what only a dump of the system tables brings back.
CREATE USER respaldo@'%' IDENTIFIED BY 'lab-respaldo';
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES, RELOAD, PROCESS, REPLICATION CLIENT, BINLOG MONITOR ON *.* TO respaldo@'%';
GRANT SELECT ON mysql.* TO respaldo@'%';
CREATE ROLE siaf_lector;
CREATE USER 'Usuaria Ñ'@'10.%' IDENTIFIED BY 'lab-ñ' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3;
GRANT siaf_lector TO 'Usuaria Ñ'@'10.%';
GRANT SELECT ON siaf.* TO siaf_lector;
GRANT INSERT (descripcion) ON siaf.gasto TO 'Usuaria Ñ'@'10.%';
