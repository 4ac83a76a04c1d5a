PRAGMA journal_mode = WAL;
PRAGMA user_version = 7;
PRAGMA application_id = 20190001;
CREATE TABLE "trámite" (id INTEGER PRIMARY KEY AUTOINCREMENT, "año ñandú" TEXT NOT NULL, valor REAL, datos BLOB, doble GENERATED ALWAYS AS (valor * 2) VIRTUAL);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO "trámite" ("año ñandú", valor, datos) SELECT 'trámite ' || i || ' 😀', i * 1.37, randomblob(0) FROM n;
INSERT INTO "trámite" VALUES (90001, 'último', NULL, x'00ff5c27');
CREATE TABLE paso ("trámite" INTEGER REFERENCES "trámite" (id) ON DELETE CASCADE, orden INTEGER, PRIMARY KEY ("trámite", orden)) WITHOUT ROWID, STRICT;
INSERT INTO paso VALUES (1, 1), (1, 2), (2, 1);
CREATE INDEX por_anio ON "trámite" ("año ñandú") WHERE valor > 10;
CREATE VIEW resumen AS SELECT count(*) AS cuantos FROM "trámite";
CREATE TRIGGER no_borrar BEFORE DELETE ON paso BEGIN SELECT RAISE(ABORT, 'no'); END;
CREATE VIRTUAL TABLE busqueda USING fts5(texto);
INSERT INTO busqueda VALUES ('compras públicas'), ('catálogo electrónico');
