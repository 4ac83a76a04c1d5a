-- Copyright (c) 2026, perucompras.respaldo contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Lo que necesita la cuenta con que se copia MariaDB (10.5 o posterior) por contraseña: leer la base, sin cambiar nada de ella. Las pruebas de
-- restauración usan un servidor aparte y desechable, así que tampoco piden más. Sin cuenta, respaldo entra por el socket como root y esto no hace falta.
-- En el cliente mariadb, como root:  SET @clave = '...'; SET @base = 'siga'; SOURCE mariadb.sql
-- En el inventario: user: respaldo, password: "{{ vault_... }}", host: 127.0.0.1, globals: false (las cuentas solo las lee quien ve todo mysql.*).
EXECUTE IMMEDIATE CONCAT('CREATE USER IF NOT EXISTS respaldo@''127.0.0.1'' IDENTIFIED BY ', QUOTE(@clave));
-- Filas, vistas, disparadores y eventos de la base; LOCK TABLES, por las tablas sin transacciones. Repita con cada base.
EXECUTE IMMEDIATE CONCAT('GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON `', REPLACE(REPLACE(REPLACE(@base, '`', '``'), '_', '\\_'), '%', '\\%'),
                         '`.* TO respaldo@''127.0.0.1''');
-- El texto de procedimientos y funciones, que son de otras cuentas.
GRANT SELECT ON mysql.proc TO respaldo@'127.0.0.1';
