-- Database SIGA of the lab: one of every kind of object that a dump must bring back. Loaded into an empty database.
\set ON_ERROR_STOP on
SET client_min_messages = error;
BEGIN;

CREATE EXTENSION pg_trgm;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;
CREATE EXTENSION unaccent;
CREATE SCHEMA logistica AUTHORIZATION siga_dueno;
CREATE SCHEMA "Órgano";
CREATE SCHEMA auditoria;
CREATE EXTENSION ltree SCHEMA logistica;
COMMENT ON SCHEMA logistica IS 'Órganos de línea: «logística», ñandú, 日本語, 🗂';

CREATE TYPE logistica.estado AS ENUM ('borrador', 'en trámite', 'atendido', 'anulado');
CREATE TYPE logistica.direccion AS (calle text, numero integer, distrito text);
CREATE TYPE logistica.rango_soles AS RANGE (subtype = numeric, multirange_type_name = logistica.multirango_soles);
CREATE DOMAIN logistica.ruc AS varchar(11) CONSTRAINT once_digitos CHECK (VALUE ~ '^[0-9]{11}$');
CREATE DOMAIN logistica.monto AS numeric(14, 2) DEFAULT 0 NOT NULL CHECK (VALUE >= 0);
CREATE COLLATION logistica.espanol (provider = icu, locale = 'es-PE');
CREATE CAST (logistica.direccion AS text) WITH INOUT;

CREATE SEQUENCE logistica.expediente_numero START 1000003 INCREMENT 7 MINVALUE -5 MAXVALUE 9000000000 CACHE 3 CYCLE;
CREATE SEQUENCE logistica.nunca_usada START 42;
CREATE SEQUENCE logistica.cuenta_atras INCREMENT -3 START -1 MINVALUE -1000 MAXVALUE -1;

CREATE FUNCTION logistica.igv(logistica.monto) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT round($1 * 0.18, 2) $$;
CREATE FUNCTION logistica.suma_estado(numeric, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1, 0) + coalesce($2, 0) $$;
CREATE AGGREGATE logistica.suma_segura(numeric) (SFUNC = logistica.suma_estado, STYPE = numeric, INITCOND = '0');
CREATE FUNCTION logistica.parecidos(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT lower($1) = lower($2) $$;
CREATE OPERATOR logistica.=~= (LEFTARG = text, RIGHTARG = text, FUNCTION = logistica.parecidos);

CREATE TABLE logistica.proveedor (
    id bigint GENERATED ALWAYS AS IDENTITY (START 101 INCREMENT 11) PRIMARY KEY,
    ruc logistica.ruc NOT NULL UNIQUE,
    nombre citext NOT NULL,
    razon text COLLATE logistica.espanol,
    domicilio logistica.direccion,
    atributos hstore,
    ruta logistica.ltree,
    creado timestamptz NOT NULL DEFAULT '2026-01-02 03:04:05.678901-05'
);
CREATE INDEX proveedor_nombre_trgm ON logistica.proveedor USING gin ((nombre::text) gin_trgm_ops);
CREATE INDEX proveedor_parcial ON logistica.proveedor (razon) INCLUDE (ruc) WHERE razon IS NOT NULL;
INSERT INTO logistica.proveedor (ruc, nombre, razon, domicilio, atributos, ruta)
SELECT lpad((20100000000 + n)::text, 11, '0'), 'Proveedor ' || n, CASE WHEN n % 3 = 0 THEN NULL ELSE 'Compañía Ñandú «' || n || '» S.A.C.' END,
       ROW('Av. República de Panamá', n, CASE WHEN n % 2 = 0 THEN 'San Isidro' END)::logistica.direccion,
       hstore(ARRAY['tamaño', 'nulo'], ARRAY[n::text, NULL]), ('peru.lima.d' || n)::logistica.ltree
FROM generate_series(1, 500) AS n;

CREATE TABLE logistica.expediente (
    numero bigint DEFAULT nextval('logistica.expediente_numero') PRIMARY KEY,
    proveedor_id bigint NOT NULL REFERENCES logistica.proveedor ON DELETE RESTRICT,
    estado logistica.estado NOT NULL DEFAULT 'borrador',
    valor logistica.monto,
    valor_igv numeric GENERATED ALWAYS AS (round(valor * 1.18, 2)) STORED,
    vigencia daterange,
    cubre int4multirange,
    tramo logistica.rango_soles,
    etiquetas text[] DEFAULT '{}',
    matriz integer[][],
    CONSTRAINT vigencia_sin_cruce EXCLUDE USING gist (vigencia WITH &&) WHERE (estado = 'anulado')
);
INSERT INTO logistica.expediente (proveedor_id, estado, valor, vigencia, cubre, tramo, etiquetas, matriz)
SELECT p.id, (enum_range(NULL::logistica.estado))[1 + (p.id % 3)::integer], p.id * 1.37,
       daterange('2026-01-01', NULL), int4multirange(int4range(1, 3), int4range(7, 9)), logistica.rango_soles(1.5, 99.99),
       ARRAY['a,b', 'c"d', NULL, 'ñ'], ARRAY[[1, 2], [3, 4]]
FROM logistica.proveedor AS p;
SELECT setval('logistica.expediente_numero', 7654321, true) \g /dev/null
SELECT nextval('logistica.cuenta_atras'), nextval('logistica.cuenta_atras') \g /dev/null

-- Values that a text dump can lose: infinities, NaN, extreme numbers and dates, control characters, -0, deep JSON.
CREATE TABLE auditoria.valores (
    id smallserial PRIMARY KEY, b boolean, s smallint, i integer, l bigint, r real, d double precision, n numeric, m money,
    c char(5), v varchar(20), t text, bin bytea, dia date, hora time(3), hora_zona timetz, momento timestamp, momento_zona timestamptz,
    lapso interval, u uuid, j json, jb jsonb, x xml, red inet, bloque cidr, mac macaddr, bits bit(5), bitsv bit varying,
    punto point, linea line, caja box, poligono polygon, circulo circle, busqueda tsvector, consulta tsquery, lsn pg_lsn, oid_valor oid
);
INSERT INTO auditoria.valores (b, s, i, l, r, d, n, m, c, v, t, bin, dia, hora, hora_zona, momento, momento_zona, lapso, u, j, jb, x, red, bloque, mac,
                               bits, bitsv, punto, linea, caja, poligono, circulo, busqueda, consulta, lsn, oid_valor) VALUES
    (true, -32768, -2147483648, -9223372036854775808, '-Infinity', '-0', 'NaN', '-12.34', 'ab', '', E'tab\t line\n back\\slash \\. end\r', '\x00ff5c2e0a',
     '-infinity', '23:59:59.999', '00:00:00+15:59', '-infinity', 'infinity', '-1 year 2 mons -3 days 04:05:06.789', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
     '{"b": 1, "a" : [1,2,  3], "a": "ñ"}', '{"ñ": {"😀": [null, true, 1e400]}}', '<a b="ñ">&lt;</a>', '2001:db8::1/64', '10.0.0.0/8', '08:00:2b:01:02:03',
     B'10101', B'1', '(1.5,-2)', '{1,-1,0}', '(1,1),(0,0)', '((0,0),(1,1),(2,0))', '<(0,0),3>', to_tsvector('spanish', 'las compras públicas'),
     to_tsquery('spanish', 'compra & !venta'), '16/B374D848', 4294967295),
    (false, 32767, 2147483647, 9223372036854775807, 'NaN', 1.7976931348623157e308, 12345678901234567890.123456789012345678901234567890, '92233720368547758.07',
     '     ', 'Órgano', '', '', '4713-01-01 BC', '24:00:00', '12:00:00-05', '294276-12-31 23:59:59.999999', '4713-01-01 00:00:00+00 BC', '178000000 years',
     '00000000-0000-0000-0000-000000000000', 'null', '[]', NULL, '0.0.0.0/0', '::/0', '00:00:00:00:00:00', B'00000', B'', '(Infinity,NaN)', NULL, NULL, NULL, NULL,
     '', '', '0/0', 0),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- 12 MiB that no compressor makes smaller: a copy of this database does not fit the lab's small medium.
CREATE TABLE auditoria.adjunto (id integer PRIMARY KEY, contenido bytea NOT NULL);
ALTER TABLE auditoria.adjunto ALTER COLUMN contenido SET STORAGE EXTERNAL;
INSERT INTO auditoria.adjunto
SELECT a, (SELECT string_agg(sha512(('lab' || a || '/' || b)::bytea), ''::bytea ORDER BY b) FROM generate_series(1, 16384) AS b)
FROM generate_series(1, 12) AS a;

CREATE TABLE auditoria.movimiento (
    id bigserial, fecha date NOT NULL, "año ñandú" integer NOT NULL, texto text DEFAULT 'x', PRIMARY KEY (fecha, "año ñandú", id)
) PARTITION BY RANGE (fecha);
CREATE TABLE auditoria.movimiento_2025 PARTITION OF auditoria.movimiento FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE auditoria.movimiento_2026 PARTITION OF auditoria.movimiento FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST ("año ñandú");
CREATE TABLE auditoria."movimiento 2026 ñ" PARTITION OF auditoria.movimiento_2026 FOR VALUES IN (1, 2, 3);
CREATE TABLE auditoria.movimiento_resto PARTITION OF auditoria.movimiento DEFAULT;
CREATE TABLE auditoria.movimiento_2026_otros PARTITION OF auditoria.movimiento_2026 DEFAULT;
CREATE INDEX ON auditoria.movimiento (texto);
INSERT INTO auditoria.movimiento (fecha, "año ñandú", texto)
SELECT DATE '2024-06-01' + n, n % 7, 'movimiento ' || n FROM generate_series(1, 1000) AS n;

CREATE TABLE "Órgano"."año ñandú" ("Código Único" integer PRIMARY KEY, "comilla ""doble""" text, "select" text, "salto
de línea" text);
INSERT INTO "Órgano"."año ñandú" VALUES (1, 'Perú', '''', 'ñ'), (2, NULL, '$$', E'\\');
COMMENT ON COLUMN "Órgano"."año ñandú"."Código Único" IS 'comentario con ''comillas'' y
salto de línea';
CREATE TABLE "Órgano".vacia ();
CREATE TABLE "Órgano".padre (id integer);
CREATE TABLE "Órgano".hija (extra text) INHERITS ("Órgano".padre);
INSERT INTO "Órgano".hija VALUES (1, 'heredada');
CREATE UNLOGGED TABLE auditoria.sin_registro AS SELECT generate_series(1, 10) AS n;

-- Two tables that refer to each other: data must be loaded before the keys.
CREATE TABLE logistica.jefe (id integer PRIMARY KEY, oficina integer);
CREATE TABLE logistica.oficina (id integer PRIMARY KEY, jefe integer REFERENCES logistica.jefe DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE logistica.jefe ADD CONSTRAINT jefe_oficina FOREIGN KEY (oficina) REFERENCES logistica.oficina DEFERRABLE INITIALLY DEFERRED;
INSERT INTO logistica.jefe VALUES (1, 1);
INSERT INTO logistica.oficina VALUES (1, 1);
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE logistica.oficina ADD CONSTRAINT sin_validar CHECK (id < 1) NOT VALID;

CREATE VIEW logistica.expediente_abierto WITH (security_barrier) AS
SELECT e.numero, p.nombre, e.valor, logistica.igv(e.valor) AS igv FROM logistica.expediente e JOIN logistica.proveedor p ON p.id = e.proveedor_id
WHERE e.estado <> 'atendido';
CREATE MATERIALIZED VIEW logistica.resumen AS
SELECT estado, count(*) AS cuantos, logistica.suma_segura(valor) AS total FROM logistica.expediente GROUP BY estado;
CREATE UNIQUE INDEX ON logistica.resumen (estado);
CREATE MATERIALIZED VIEW logistica.resumen_sin_datos AS SELECT 1 AS uno WITH NO DATA;
CREATE RECURSIVE VIEW logistica.cuenta (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM cuenta WHERE n < 5;

CREATE TABLE auditoria.bitacora_siga (id bigserial PRIMARY KEY, tabla text, operacion text, fila jsonb);
CREATE FUNCTION auditoria.anotar() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = auditoria, pg_temp AS $f$
BEGIN
    INSERT INTO auditoria.bitacora_siga (tabla, operacion, fila) VALUES (TG_TABLE_NAME, TG_OP, to_jsonb(coalesce(NEW, OLD)));
    RETURN coalesce(NEW, OLD);
END $f$;
CREATE TRIGGER anota AFTER INSERT OR UPDATE OR DELETE ON logistica.oficina FOR EACH ROW EXECUTE FUNCTION auditoria.anotar();
CREATE TRIGGER "anota ñ" BEFORE UPDATE OF nombre ON logistica.proveedor FOR EACH ROW WHEN (OLD.nombre IS DISTINCT FROM NEW.nombre)
EXECUTE FUNCTION auditoria.anotar();
ALTER TABLE logistica.proveedor DISABLE TRIGGER "anota ñ";
CREATE PROCEDURE logistica.anular(p_numero bigint) LANGUAGE plpgsql AS $$ BEGIN UPDATE logistica.expediente SET estado = 'anulado' WHERE numero = p_numero; END $$;
CREATE FUNCTION logistica.buscar(q text, OUT numero bigint, OUT nombre citext) RETURNS SETOF record LANGUAGE sql STABLE
AS $$ SELECT e.numero, e.nombre FROM logistica.expediente_abierto e WHERE e.nombre ILIKE '%' || q || '%' $$;
CREATE RULE no_borrar AS ON DELETE TO auditoria.bitacora_siga DO INSTEAD NOTHING;
CREATE STATISTICS logistica.valor_estado (dependencies, ndistinct) ON valor, estado FROM logistica.expediente;
CREATE TEXT SEARCH CONFIGURATION logistica.espanol_sin_tildes (COPY = spanish);
ALTER TEXT SEARCH CONFIGURATION logistica.espanol_sin_tildes ALTER MAPPING FOR hword, word WITH unaccent, spanish_stem;

ALTER TABLE logistica.expediente ENABLE ROW LEVEL SECURITY;
ALTER TABLE logistica.expediente FORCE ROW LEVEL SECURITY;
CREATE POLICY solo_abiertos ON logistica.expediente FOR SELECT TO siga_lector USING (estado <> 'anulado');
CREATE POLICY todo_dueno ON logistica.expediente TO siga_dueno USING (true) WITH CHECK (valor < 1000000);
ALTER TABLE logistica.expediente OWNER TO siga_dueno;
GRANT USAGE ON SCHEMA logistica, "Órgano" TO siga_lector, "Usuario Ñ";
GRANT SELECT ON ALL TABLES IN SCHEMA logistica TO siga_lector WITH GRANT OPTION;
GRANT SELECT ("Código Único"), UPDATE ("select") ON "Órgano"."año ñandú" TO "Usuario Ñ";
REVOKE EXECUTE ON FUNCTION auditoria.anotar() FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE siga_dueno IN SCHEMA logistica GRANT SELECT ON TABLES TO siga_lector;

SELECT lo_from_bytea(70001, decode(repeat('00ff10', 100000), 'hex')) \g /dev/null
SELECT lo_from_bytea(70002, ''::bytea) \g /dev/null
COMMENT ON LARGE OBJECT 70001 IS 'Expediente escaneado';
ALTER LARGE OBJECT 70001 OWNER TO siga_dueno;
GRANT SELECT ON LARGE OBJECT 70001 TO siga_lector;

CREATE PUBLICATION siga_publica FOR TABLE logistica.proveedor (id, ruc);
CREATE FOREIGN DATA WRAPPER sin_manejador;
CREATE SERVER otro_servidor FOREIGN DATA WRAPPER sin_manejador OPTIONS (host 'otro');
CREATE USER MAPPING FOR siga_lector SERVER otro_servidor OPTIONS ("user" 'x');
CREATE FOREIGN TABLE auditoria.remota (a integer) SERVER otro_servidor;
CREATE FUNCTION auditoria.al_crear() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER vigila ON ddl_command_start EXECUTE FUNCTION auditoria.al_crear();
ALTER DATABASE siga SET search_path = logistica, public;
ALTER DATABASE siga SET "lab.ajuste" = 'valor ñ';
ALTER ROLE siga_lector IN DATABASE siga SET statement_timeout = '5min';
COMMENT ON DATABASE siga IS 'Base de datos del laboratorio';
COMMIT;
REFRESH MATERIALIZED VIEW logistica.resumen;
ANALYZE;
