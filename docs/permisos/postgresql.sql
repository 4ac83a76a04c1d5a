-- Copyright (c) 2026, perucompras.respaldo contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Lo que necesita la cuenta con que se copia PostgreSQL (14 o posterior) por contraseña: leer todo, y nada más. Las pruebas de restauración
-- usan un servidor aparte y desechable, así que tampoco piden más. Sin cuenta, respaldo entra por el socket como postgres y esto no hace falta.
--   psql -U postgres -v ON_ERROR_STOP=1 -v clave="$(cat ARCHIVO_DE_LA_CONTRASEÑA)" -f postgresql.sql
-- En el inventario: user: respaldo, password: "{{ vault_... }}", host: 127.0.0.1, globals: false (los roles y sus claves solo los lee un superusuario).
CREATE ROLE respaldo LOGIN NOCREATEDB NOCREATEROLE PASSWORD :'clave';
-- Todas las tablas, vistas y secuencias de todas las bases.
GRANT pg_read_all_data TO respaldo;
-- Donde hay seguridad por filas (RLS), sin esto la copia estaría incompleta y se rechaza.
ALTER ROLE respaldo BYPASSRLS;
-- En cada base a la que no todos pueden entrar:
--   GRANT CONNECT ON DATABASE siga TO respaldo;
