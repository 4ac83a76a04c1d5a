-- Database SIAF of the lab: one of every kind of object that a dump must bring back. Loaded into an empty database.
SET NAMES utf8mb4;
CREATE SEQUENCE comprobante START WITH 1000003 INCREMENT BY 7 MINVALUE 1 MAXVALUE 9000000000 CACHE 5 CYCLE;
SELECT NEXT VALUE FOR comprobante INTO @uno;
SELECT SETVAL(comprobante, 7654321) INTO @dos;

CREATE TABLE gasto (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    numero BIGINT NOT NULL DEFAULT (NEXT VALUE FOR comprobante),
    descripcion VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_spanish_ci NOT NULL,
    monto DECIMAL(14, 2) NOT NULL CHECK (monto >= 0),
    igv DECIMAL(14, 2) GENERATED ALWAYS AS (ROUND(monto * 0.18, 2)) VIRTUAL,
    total DECIMAL(14, 2) GENERATED ALWAYS AS (ROUND(monto * 1.18, 2)) STORED,
    oculto INT INVISIBLE DEFAULT 5,
    creado DATETIME(6) NOT NULL DEFAULT '2026-01-02 03:04:05.678901',
    FULLTEXT KEY texto (descripcion)
) ENGINE=InnoDB AUTO_INCREMENT=90001 COMMENT='Gastos «ñ» 🗂';
INSERT INTO gasto (descripcion, monto) SELECT CONCAT('Adquisición n.º ', seq, ' 😀 ñandú'), seq * 1.37 FROM seq_1_to_1000;

CREATE TABLE detalle (
    gasto BIGINT UNSIGNED NOT NULL,
    linea INT NOT NULL,
    `año ñandú` YEAR,
    PRIMARY KEY (gasto, linea),
    CONSTRAINT detalle_gasto FOREIGN KEY (gasto) REFERENCES gasto (id) ON DELETE CASCADE ON UPDATE RESTRICT
) ENGINE=InnoDB;
INSERT INTO detalle SELECT g.id, s.seq, 2020 + s.seq FROM gasto AS g JOIN seq_1_to_3 AS s;

CREATE TABLE valores (
    id INT AUTO_INCREMENT PRIMARY KEY, b BIT(9), t TINYINT, s SMALLINT UNSIGNED, m MEDIUMINT, l BIGINT UNSIGNED, f FLOAT, d DOUBLE, n DECIMAL(65, 30),
    c CHAR(5), v VARBINARY(20), bl BLOB, tx LONGTEXT CHARACTER SET utf8mb4, e ENUM('sí', 'no', ''), st SET('a', 'ñ', 'c'), j JSON, dia DATE, hora TIME(6),
    momento DATETIME(6), marca TIMESTAMP(6) NULL, an YEAR, g GEOMETRY, u UUID, red INET6, lat VARCHAR(20) CHARACTER SET latin1
) ENGINE=InnoDB;
INSERT INTO valores (b, t, s, m, l, f, d, n, c, v, bl, tx, e, st, j, dia, hora, momento, marca, an, g, u, red, lat) VALUES
    (b'101010101', -128, 65535, -8388608, 18446744073709551615, -0.0, 1.7976931348623157e308, -1234567890.123456789, 'ab', X'00FF5C27220A1A0D',
     X'000102030405', 'comilla '' doble " barra \\ cero \0 fin\r\n😀', 'sí', 'a,ñ', '{"ñ": [1, null, "😀"]}', '1000-01-01', '-838:59:59.999999',
     '9999-12-31 23:59:59.999999', '2026-11-23 04:59:59.000001', 1901, ST_GeomFromText('POINT(-77.04 -12.05)'), 'ffffffff-ffff-ffff-ffff-ffffffffffff',
     '2001:db8::1', 'Órgano ñ'),
    (b'0', 127, 0, 8388607, 0, 3.4e38, 5e-324, 0, '', '', '', '', '', '', '[]', '2026-02-28', '00:00:00', '1000-01-01 00:00:00', '1970-01-01 12:00:01', 2155,
     ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'), '00000000-0000-0000-0000-000000000000', '::', ''),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- 12 MiB that no compressor makes smaller: a copy of this database does not fit the lab's small medium.
CREATE TABLE adjunto (id INT PRIMARY KEY, contenido LONGBLOB NOT NULL) ENGINE=InnoDB;
SET SESSION group_concat_max_len = 16 * 1024 * 1024;
INSERT INTO adjunto
SELECT a.seq, UNHEX(GROUP_CONCAT(SHA2(CONCAT('lab', a.seq, '/', b.seq), 512) ORDER BY b.seq SEPARATOR ''))
FROM seq_1_to_12 AS a JOIN seq_1_to_16384 AS b GROUP BY a.seq;

CREATE TABLE archivo_myisam (id INT AUTO_INCREMENT PRIMARY KEY, texto VARCHAR(50), FULLTEXT (texto)) ENGINE=MyISAM;
INSERT INTO archivo_myisam (texto) SELECT CONCAT('fila ', seq) FROM seq_1_to_200;
CREATE TABLE archivo_aria (id INT PRIMARY KEY, texto TEXT) ENGINE=Aria TRANSACTIONAL=1;
INSERT INTO archivo_aria SELECT seq, REPEAT('ñ', seq) FROM seq_1_to_300;
CREATE TABLE movimiento (id INT NOT NULL, fecha DATE NOT NULL, PRIMARY KEY (id, fecha)) ENGINE=InnoDB
PARTITION BY RANGE (YEAR(fecha)) (PARTITION p2025 VALUES LESS THAN (2026), PARTITION p2026 VALUES LESS THAN (2027), PARTITION resto VALUES LESS THAN MAXVALUE);
INSERT INTO movimiento SELECT seq, DATE_ADD('2025-01-01', INTERVAL seq DAY) FROM seq_1_to_900;
CREATE TABLE historial (id INT PRIMARY KEY, valor INT) ENGINE=InnoDB WITH SYSTEM VERSIONING;
INSERT INTO historial VALUES (1, 10), (2, 20);
UPDATE historial SET valor = 11 WHERE id = 1;
CREATE TABLE `Órgano con espacio``s` (`Código Único` INT PRIMARY KEY, `select` TEXT) ENGINE=InnoDB;
INSERT INTO `Órgano con espacio``s` VALUES (1, 'Perú'), (2, NULL);

CREATE SQL SECURITY DEFINER VIEW resumen AS SELECT COUNT(*) AS cuantos, SUM(total) AS total FROM gasto;
CREATE VIEW `vista de vista ñ` AS SELECT cuantos * 2 AS doble FROM resumen;
CREATE TABLE bitacora_siaf (id INT AUTO_INCREMENT PRIMARY KEY, texto VARCHAR(300)) ENGINE=InnoDB;
DELIMITER //
CREATE TRIGGER gasto_nuevo BEFORE INSERT ON gasto FOR EACH ROW BEGIN INSERT INTO bitacora_siaf (texto) VALUES (CONCAT('gasto ', NEW.descripcion)); END//
CREATE TRIGGER gasto_nuevo_dos BEFORE INSERT ON gasto FOR EACH ROW FOLLOWS gasto_nuevo BEGIN SET NEW.monto = NEW.monto + 0; END//
CREATE FUNCTION igv(monto DECIMAL(14, 2)) RETURNS DECIMAL(14, 2) DETERMINISTIC NO SQL COMMENT 'Impuesto ñ' RETURN ROUND(monto * 0.18, 2)//
CREATE PROCEDURE anular(IN numero INT) MODIFIES SQL DATA BEGIN DELETE FROM gasto WHERE id = numero; END//
CREATE AGGREGATE FUNCTION suma_segura(x DECIMAL(14, 2)) RETURNS DECIMAL(14, 2)
BEGIN
    DECLARE suma DECIMAL(14, 2) DEFAULT 0;
    DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN suma;
    LOOP
        FETCH GROUP NEXT ROW;
        SET suma = suma + COALESCE(x, 0);
    END LOOP;
END//
SET sql_mode = 'ORACLE'//
CREATE OR REPLACE PACKAGE utilidades AS FUNCTION doble(x INT) RETURN INT; END//
CREATE OR REPLACE PACKAGE BODY utilidades AS FUNCTION doble(x INT) RETURN INT AS BEGIN RETURN x * 2; END; END//
SET sql_mode = DEFAULT//
CREATE EVENT limpieza ON SCHEDULE EVERY 1 MONTH STARTS '2030-01-01 02:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'Limpieza ñ'
DO DELETE FROM bitacora_siaf WHERE id < 0//
DELIMITER ;
