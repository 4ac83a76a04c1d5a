# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MariaDB: what the owner of a database, or who forges a copy, tries to become. Each must gain nothing, and the copy stay what it is."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb import MariaDB

from .conftest import Maria, Shelf, expect

_GRANT = "GRANT ALL PRIVILEGES ON *.* TO app@localhost WITH GRANT OPTION;"
_FORGED = """
DELIMITER //
CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO BEGIN SET @x = '
-- Dumping routines for database x
{0}
-- Dumping events for database x
'; END//
CREATE PROCEDURE p() BEGIN SELECT '
--
-- Dumping events for database ''x''
--
-- Dumping routines for database x
{0}
'; END//
DELIMITER ;
""".format(_GRANT)
_HIDING = """
DELIMITER //
CREATE PROCEDURE h() BEGIN SELECT '
--
-- Table structure for table `falsa`
--

'; END//
CREATE TRIGGER sella BEFORE INSERT ON t FOR EACH ROW BEGIN /* it's
--
-- Table structure for table `otra`
--
*/ SET NEW.i = NEW.i; END//
DELIMITER ;
"""


@pytest.fixture
def owned(maria: Maria) -> Iterator[Maria]:
    """A database whose owner has rights on it and nowhere else, with the texts he would try."""
    maria.sql("CREATE DATABASE tienda; CREATE USER app@localhost; GRANT ALL ON tienda.* TO app@localhost; CREATE TABLE tienda.t (i int, v varchar(90)); "
              "INSERT INTO tienda.t VALUES (1, 'it''s; a\\n-- Table structure for table `x`'), (2, ';\\n')")
    done = subprocess.run(["mariadb", "--no-defaults", "--user=app", "--socket=" + maria.socket, "--default-character-set=utf8mb4", "tienda"],
                          input=_FORGED, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    yield maria
    for name in maria.names():
        if name.startswith("tienda"):
            maria.sql("DROP DATABASE `{0}`".format(name))
    maria.sql("DROP USER app@localhost")


def powers(server: Maria) -> str:
    return server.sql("SHOW GRANTS FOR app@localhost")


def accounts(server: Maria) -> str:
    return server.sql("SELECT User, Host FROM mysql.user ORDER BY 1, 2")


def test_texts_that_look_like_lines_of_the_dump_do_nothing(owned: Maria, shelf: Shelf) -> None:
    """S9: a text in an event, a routine or a trigger ran as root of the server, or hid an object, or made a good copy look bad."""
    before, names = powers(owned), owned.names()
    made = shelf.make(MariaDB(["tienda"], **owned.options()))
    assert made.fields["objects"] == 1
    with shelf.open() as copy:
        source = MariaDB(["tienda"], **owned.options())
        copy.verify_structure(source)
        tried(lambda: source.rehearse(copy, ""))
        assert powers(owned) == before and owned.names() == names
        assert source.rehearse(copy, "") == ["sql_load_into_scratch", "dump_compare"]
        source.restore(copy, "tienda_b", False)
        source.restore(copy, "tienda_b", True)
    assert powers(owned) == before
    events = "SELECT EVENT_DEFINITION FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{0}'"
    assert owned.sql(events.format("tienda_b")) == owned.sql(events.format("tienda")) != ""


def test_a_text_is_no_table(owned: Maria, shelf: Shelf) -> None:
    """S9: a text that looks like the line before a table counted as one: a good copy looked bad, or another table could go missing unseen."""
    owned.sql(_HIDING, "tienda")
    made = shelf.make(MariaDB(["tienda"], **owned.options()))
    assert made.fields["objects"] == 1
    with shelf.open() as copy:
        source = MariaDB(["tienda"], **owned.options())
        copy.verify_structure(source)
        source.rehearse(copy, "")


def forge(shelf: Shelf, change: Callable[[bytes], bytes], facts: Any = None) -> None:
    """What a server that was taken would have written: another text or other facts, with all sums right."""
    directory = Path(shelf.directory())
    listing = directory / "SHA256SUMS"
    manifest_file = next(directory.glob("*.json"))
    manifest = json.loads(manifest_file.read_text())
    row = next(row for row in manifest["parts"] if "database" in row["facts"])
    file = directory / row["file"]
    plain = change(subprocess.run(["zstd", "-dcq", str(file)], capture_output=True, check=True).stdout)
    packed = subprocess.run(["zstd", "-cq"], input=plain, capture_output=True, check=True).stdout
    row.update(size=len(packed), size_original=len(plain), sha256=hashlib.sha256(packed).hexdigest())
    row["facts"].update(facts or {})
    for path, content in ((file, packed), (manifest_file, json.dumps(manifest).encode())):
        path.chmod(0o600)
        path.write_bytes(content)
    listing.chmod(0o600)
    listing.write_text("".join("{0}  {1}\n".format(hashlib.sha256(path.read_bytes()).hexdigest(), path.name)
                               for path in [directory / each["file"] for each in manifest["parts"]] + [manifest_file]))


def plain_text(shelf: Shelf) -> bytes:
    taken: List[bytes] = []

    def kept(text: bytes) -> bytes:
        taken.append(text)
        return text

    forge(shelf, kept)
    return taken[0]


def tried(work: Callable[[], Any]) -> None:
    """An attempt may end well or be refused with a code; it must not end otherwise."""
    with contextlib.suppress(BackupError):
        work()


def with_line(line: bytes, sandbox: bool = False) -> Callable[[bytes], bytes]:
    """A dump with a line of another's between its tables, and as a tool writes it that knows no sandbox."""
    def change(text: bytes) -> bytes:
        if not sandbox:
            text = b"\n".join(each for each in text.split(b"\n") if b"enable the sandbox mode" not in each)
        return text.replace(b"\n--\n-- Dumping data for table", b"\n" + line + b"\n--\n-- Dumping data for table", 1)
    return change


@pytest.mark.parametrize("sandbox", (False, True))
def test_a_command_of_the_client_in_a_text_is_never_run(owned: Maria, shelf: Shelf, tmp_path: Path, sandbox: bool) -> None:
    """S9, S10: without the line of the sandbox, which older tools don't write, the client ran `\\!` as root of the system."""
    canary = tmp_path / "PWNED"
    tmp_path.chmod(0o777)
    shelf.make(MariaDB(["tienda"], **owned.options()))
    commands = ["\\! touch {0}".format(canary), "\nsystem touch {0}\n".format(canary), "\ntee {0}\n".format(canary), "\nsource /etc/hostname\n"]
    forge(shelf, with_line("\n".join(commands).encode(), sandbox))
    with shelf.open() as copy:
        source = MariaDB(["tienda"], **owned.options())
        tried(lambda: source.rehearse(copy, ""))
        tried(lambda: source.restore(copy, "tienda_b", False))
    assert not canary.exists()
    assert "tienda_b" not in owned.names()


def test_a_forged_text_can_grant_nothing(owned: Maria, shelf: Shelf, tmp_path: Path) -> None:
    """S9, S10: a statement in the copy of a server that was taken gave its user all rights of the clean one; another wrote files."""
    before, known = powers(owned), accounts(owned)
    shelf.make(MariaDB(["tienda"], **owned.options()))
    file, pristine = tmp_path / "written", b""
    tmp_path.chmod(0o777)
    for line, fault in ((_GRANT, "restore_denied"), ("CREATE USER intruso@localhost;", "restore_denied"),
                        ("SELECT 'x' INTO OUTFILE '{0}';".format(file), "restore_denied"), ("SET GLOBAL event_scheduler = ON;", "restore_denied"),
                        ("CREATE TABLE mysql.intrusa (i int);", "restore_denied"), ("USE mysql;", "restore_denied"),
                        ("CREATE TABLE robo AS SELECT * FROM mysql.user;", "restore_denied")):
        pristine = pristine or plain_text(shelf)
        forge(shelf, lambda text, line=line: with_line(line.encode())(pristine))
        with shelf.open() as copy:
            source = MariaDB(["tienda"], **owned.options())
            if line in (_GRANT, "USE mysql;"):      # each takes a server's start
                tried(lambda source=source, copy=copy: source.rehearse(copy, ""))
            assert powers(owned) == before and accounts(owned) == known, line
            expect(fault, lambda source=source, copy=copy: source.restore(copy, "tienda_b", False))
        assert powers(owned) == before and accounts(owned) == known and not file.exists(), line
    assert "tienda_b" not in owned.names()


def test_values_of_a_manifest_are_no_statements(owned: Maria, shelf: Shelf, tmp_path: Path) -> None:
    """S10: the character set of a manifest stood raw in a statement, and a line `\\!` in it ran as root of the system."""
    canary = tmp_path / "PWNED"
    tmp_path.chmod(0o777)
    shelf.make(MariaDB(["tienda"], **owned.options()))
    for key, value in (("charset", "utf8mb4;\n\\! touch {0}\nCREATE DATABASE x".format(canary)), ("collation", "x; DROP DATABASE tienda"),
                       ("charset", ["utf8mb4"]), ("charset", ""), ("engines", ["InnoDB"]), ("engines", {"x y": 1}), ("size", "mucho"), ("size", -1),
                       ("tables", 10 ** 400), ("database", "mysql"), ("database", "a\0b"), ("database", 7), ("reads", "mysql"), ("reads", ["mysql"])):
        manifest = json.loads(next(Path(shelf.directory()).glob("*.json")).read_text())
        kept = dict(next(row["facts"] for row in manifest["parts"] if "database" in row["facts"]))
        forge(shelf, lambda text: text, {key: value})
        source = MariaDB(["tienda"], **owned.options())
        with shelf.open() as copy:
            tried(lambda source=source, copy=copy: source.restore(copy, "tienda_b", False))
            assert not canary.exists()
            expect("manifest_unreadable", lambda source=source, copy=copy: source.rehearse(copy, ""))
            expect("manifest_unreadable", lambda source=source, copy=copy: source.restore(copy, "tienda_b", False))
        forge(shelf, lambda text: text, kept)
    assert not canary.exists() and "tienda" in owned.names()


def test_names_with_line_ends_are_copied_and_come_back(mortal_maria: Maria, shelf: Shelf) -> None:
    """S9: a name that looks like lines of the dump made a good copy look bad, or another table go missing unseen."""
    mortal_maria.sql("CREATE DATABASE raro; CREATE TABLE raro.`n\n--\n-- Table structure for table x\n--\n\nz` (`c\nd` int, e int); "
                     "INSERT INTO raro.`n\n--\n-- Table structure for table x\n--\n\nz` VALUES (1, 2)")
    made = shelf.make(MariaDB(["raro"], **mortal_maria.options()))
    assert made.fields["objects"] == 1
    with shelf.open() as copy:
        MariaDB(["raro"], **mortal_maria.options()).rehearse(copy, "")
