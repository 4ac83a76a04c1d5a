# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FLOAT comes back exact wherever its table has a key, though the tool writes six digits; what can't be exact is told, or refused."""

from __future__ import annotations

import contextlib
import subprocess
from typing import Any, Iterator, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import mariadb_text as texts
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb import MariaDB

from .conftest import Maria, Shelf, altered, expect

_KEYS = ("a int, b char(3) CHARACTER SET latin1, c varbinary(4), d timestamp DEFAULT '2001-01-01', e decimal(9,2), f enum('x','''ñ'), g uuid, h datetime(3), "
         "i varchar(20) COLLATE utf8mb4_bin")
_SQL = """
CREATE TABLE `t.``$1` ({keys}, x float, y float unsigned, z float(9,2), n float, cambio timestamp DEFAULT '2020-01-01' ON UPDATE CURRENT_TIMESTAMP,
  doble double AS (x * 2) STORED, PRIMARY KEY (a, b, c, d, e, f, g, h, i));
INSERT INTO `t.``$1` (a, b, c, d, e, f, g, h, i, x, y, z, n) SELECT seq, 'ñ', x'00ff27', '2020-03-01 05:06:07', -1.25,
  '''ñ', '00000000-0000-0000-0000-00000000000a',
  '2020-02-02 02:02:02.123', '\\\\\\'\\n; --', IF(seq % 5, seq * 0.1234567, seq), 1e30 / seq, seq / 3, NULL FROM seq_1_to_2500;
INSERT INTO `t.``$1` (a, b, c, d, e, f, g, h, i, x, y) VALUES (-7, '', '', '2020-03-01', 0, 'x', '00000000-0000-0000-0000-00000000000b', '2020-02-02', '',
  -16777217, 1.17549435e-38);
CREATE TABLE huella (n int);
CREATE TRIGGER deja AFTER UPDATE ON `t.``$1` FOR EACH ROW INSERT INTO huella VALUES (1);
CREATE TABLE m (id int PRIMARY KEY, x float) ENGINE=MyISAM;
INSERT INTO m VALUES (1, 16777217), (2, 0.5);
CREATE TABLE sin (x float); INSERT INTO sin VALUES (0.123456789);
CREATE TABLE clave (x float PRIMARY KEY); INSERT INTO clave VALUES (0.123456789);
"""
_ALL = ("SELECT SHA2(GROUP_CONCAT(a, ':', CAST(x AS DOUBLE), ':', CAST(y AS DOUBLE), COALESCE(z, 'N'), cambio, doble ORDER BY a), 256), COUNT(*) "
        "FROM `{0}`.`t.``$1`")


@pytest.fixture(scope="module")
def exact(maria: Maria) -> Iterator[Maria]:
    maria.sql("SET GLOBAL group_concat_max_len = 10000000; CREATE DATABASE medidas CHARACTER SET utf8mb4")
    maria.sql(_SQL.format(keys=_KEYS), "medidas")
    yield maria
    maria.sql("DROP DATABASE medidas")


def source(server: Maria, kind: Any = MariaDB, **more: Any) -> Any:
    return kind(["medidas"], **server.options(globals=False, **more))


def test_every_value_comes_back_by_us_and_by_the_stock_commands(exact: Maria, shelf: Shelf) -> None:
    made = shelf.make(source(exact))
    told = " ".join(made.fields["warnings"])
    assert "sin.x (1 values)" in told and "clave.x (1 values; it is a key, so rows may not come back at all)" in told
    assert "t.`$1" not in told and "m.x" not in told
    assert sorted(made.manifest["parts"][0]["facts"]["exact"]) == [["m", "x"], ["t.`$1", "x"], ["t.`$1", "y"]]
    proving = source(exact)
    with shelf.open() as copy:
        copy.verify_structure(proving)
        assert proving.rehearse(copy, "") == ["sql_load_into_scratch", "dump_compare"]
        proving.restore(copy, "vuelve", False)
        # once more over it: what stood there is kept as exact
        proving.restore(copy, "vuelve", True)
    kept = next(name for name in exact.names() if name.startswith("vuelve_before"))
    script = "\n".join(made.manifest["restore"]).replace("mariadb ", "mariadb --no-defaults --user=root --socket={0} ".format(exact.socket))
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=shelf.directory(), capture_output=True, text=True, check=False,
                          env={"TARGET": "a_mano", "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    wanted = exact.sql(_ALL.format("medidas"))
    assert wanted.endswith("\t2501\n")
    for name in ("vuelve", kept, "a_mano"):
        assert exact.sql(_ALL.format(name)) == wanted, name
        assert exact.sql("SELECT CAST(x AS DOUBLE) FROM `{0}`.m ORDER BY id".format(name)) == "16777216\n0.5\n"
        assert exact.sql("SELECT COUNT(*) FROM `{0}`.huella; SHOW TABLES IN `{0}` LIKE 'respaldo%'".format(name)) == "0\n"     # no trigger ran
        exact.sql("DROP DATABASE `{0}`".format(name))


def test_a_value_that_is_another_is_a_difference_and_one_without_its_lines_no_copy(exact: Maria, shelf: Shelf) -> None:
    shelf.make(source(exact))
    with shelf.open() as copy:
        error = expect("restored_differs", lambda: source(exact).rehearse(altered(copy, b"(1,16777216)", b"(1,16777215)"), ""))
    assert "Exact values of column `x` of table `m`" in error.message
    whole = b"-- MariaDB dump 10\n--\n-- Exact values of column `x` of table `m`\n--\n\n-- Dump completed\n"
    for wanted, found in ((1, whole), (0, whole.replace(b"Exact", b"Other"))):
        check = texts.DumpCheck("f", texts.SQL, exact=wanted)
        check.feed(found)
        check.finish()
        other = texts.DumpCheck("f", texts.SQL, exact=wanted + 1)
        other.feed(found)
        expect("structure_unreadable", other.finish)


class Busy(MariaDB):
    """A source whose rows change as soon as the exact values were asked for, before the tool begins."""

    server: Any = None

    @contextlib.contextmanager
    def _dumping(self, name: str, facts: Any) -> Iterator[List[Any]]:
        whole = self.live.writing

        @contextlib.contextmanager
        def writing(*arguments: Any, **more: Any) -> Iterator[List[Any]]:
            with whole(*arguments, **more) as stages:
                self.server.sql("UPDATE medidas.m SET x = 33333335 WHERE id = 1")
                yield stages
        self.live.writing = writing     # type: ignore[method-assign]
        with super()._dumping(name, facts) as stages:
            yield stages


def test_rows_that_change_meanwhile_are_told_keep_their_own_value_and_damage_nothing(exact: Maria, shelf: Shelf) -> None:
    Busy.server = exact
    made = shelf.make(source(exact, Busy))
    assert "changed while they were copied" in " ".join(made.fields["warnings"]) and "m.x" in " ".join(made.fields["warnings"])
    proving = source(exact)
    with shelf.open() as copy:
        proving.rehearse(copy, "")
        assert "FLOAT values that its tool rounded: m.x" in " ".join(proving.remarks())
        assert source(exact).restore(copy, "vuelve", False)["left_out"]
    assert exact.sql("SELECT x FROM vuelve.m ORDER BY id") == "33333300\n0.5\n"      # not 16777217, which it was before
    assert exact.sql(_ALL.format("vuelve")) == exact.sql(_ALL.format("medidas"))
    exact.sql("DROP DATABASE vuelve; UPDATE medidas.m SET x = 16777217 WHERE id = 1")
    exact.sql("DROP TABLE medidas.sin, medidas.clave")
    error = expect("missing_refused", lambda: shelf.make(source(exact, Busy, on_missing="refuse"), "SIGA_20261123"))
    assert "m.x" in error.message
    exact.sql("UPDATE medidas.m SET x = 16777217 WHERE id = 1")
    shelf.make(source(exact, on_missing="refuse"), "SIGA_20261124")      # all of it is exact: nothing to refuse
