# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst day goes wrong too: an attempt that is killed at any moment and begun again, two at once, a clock that is wrong, what stands there already."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sqlite3
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import moments
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import beforehand, placing, recovering, vouching

NOTE = {"at": "2026-11-29T19:00:00Z", "medium": "disco", "kit": {"label": "MALETIN_20261129", "sha256": "a" * 64}, "bitacora": {"label": "BITACORA_20261129"}}
SHM = Path("/dev/shm")


class Killed(BaseException):
    """What no handler of ours sees."""


class Machine:
    """A machine with a kit of a file, a directory with a link, and a key; opened aside as often as wanted."""

    def __init__(self, top):
        self.top, self.bitacora = top, top / "lib" / "bitacora.sqlite"
        (top / "lib").mkdir()
        self.places = [top / "etc" / "respaldo.conf", top / "srv" / "inventario ñ", top / "lib" / "seal.key"]
        self.choice = vouching.Choice({"manifest": {"source": {"facts": {"real_paths": list(map(str, self.places))}}, "parts": [{}]}},
                                      vouching.CUSTODY, vouching.CUSTODY, 0, [])

    def opened(self, attempt, above=None):
        """Kit and bitácora as they come out of their copies."""
        aside = (above or self.top) / attempt
        conf, inventory, key = (aside / "maletin" / str(path).lstrip("/") for path in self.places)
        for path in (conf, key, inventory / "group_vars" / "all.yml"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(path.name * 1000)
        key.chmod(0o600)
        os.symlink("group_vars/all.yml", inventory / "enlace")
        (aside / "bitacora.sqlite").write_text("cadena")
        return aside

    def place(self, aside):
        targets = {"kit": aside / "maletin", "bitacora": aside / "bitacora.sqlite"}
        return recovering._in_their_places(self.choice, targets, aside, NOTE)

    def is_whole(self):
        conf, inventory, key = self.places
        link = inventory / "enlace"
        return (conf.read_text(), key.stat().st_mode & 0o777, os.readlink(link), link.read_text(), self.bitacora.read_text()) == (
            "respaldo.conf" * 1000, 0o600, "group_vars/all.yml", "all.yml" * 1000, "cadena")


def left(aside):
    return [path for path in aside.rglob("*") if path.is_symlink() or path.is_file()]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    made = Machine(tmp_path)
    monkeypatch.setenv("RESPALDO_BITACORA", str(made.bitacora))
    return made


@pytest.mark.parametrize("moment", [0, 1, 2, 3])
def test_killed_before_any_of_its_steps_it_is_begun_again_from_the_medium(machine, monkeypatch, moment):
    put, done = placing.put, []

    def until_killed(source, path):
        if len(done) == moment:
            raise Killed
        done.append(path)
        put(source, path)

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(placing, "put", until_killed)
        machine.place(machine.opened("primero"))
    assert not machine.bitacora.exists(), "the bitácora is the last: while it is not there, nothing runs by the inventory that is"
    again = machine.opened("segundo")
    placed, unplaced = machine.place(again)
    assert sorted(placed) == sorted(map(str, [*machine.places, machine.bitacora])) and not unplaced
    assert machine.is_whole() and not left(again), "no secret lies there a second time"


def change_a_byte(machine):
    (machine.places[1] / "group_vars" / "all.yml").write_text("all.ymL" * 1000)


def open_a_mode(machine):
    machine.places[2].chmod(0o644)


def add_a_file(machine):
    (machine.places[1] / "host_vars.yml").touch()


def take_a_file(machine):
    (machine.places[1] / "enlace").unlink()


def put_a_link(machine):
    machine.places[0].rename(machine.top / "otra")
    machine.places[0].symlink_to(machine.top / "otra")


@pytest.mark.parametrize("change", [change_a_byte, open_a_mode, add_a_file, take_a_file, put_a_link])
def test_what_is_not_the_same_is_never_taken_for_it_and_all_stays_aside(machine, change):
    machine.place(machine.opened("primero"))
    machine.bitacora.unlink()
    change(machine)
    again = machine.opened("segundo")
    before = sorted(left(again))
    with pytest.raises(BackupError) as caught:
        machine.place(again)
    assert caught.value.code == "RSP795" and "ya hay otra cosa ahí" in caught.value.spanish and sorted(left(again)) == before and not machine.bitacora.exists()


@pytest.mark.skipif(not SHM.is_dir() or not os.access(SHM, os.W_OK), reason="needs a second file system")
def test_places_on_other_file_systems_get_a_copy_with_its_modes(machine):
    """/var by itself, as many machines have it: a rename leads nowhere from there, and no directory is on all file systems of the places."""
    above = SHM / f"respaldo-prueba-{os.getpid()}"
    above.mkdir(mode=0o700)
    try:
        if above.stat().st_dev == machine.top.stat().st_dev:
            pytest.skip("temporary files are on the same one")
        aside = machine.opened("primero", above)
        _placed, unplaced = machine.place(aside)
        assert not unplaced and machine.is_whole() and not left(aside)
        assert [path.name for path in machine.top.rglob(".respaldo-*")] == []
        # and none is replaced there either
        aside = machine.opened("segundo", above)
        with pytest.raises(FileExistsError):
            placing.put(aside / "bitacora.sqlite", str(machine.bitacora))
        assert (aside / "bitacora.sqlite").exists() and machine.is_whole()
    finally:
        placing.drop(above)


def test_the_kit_alone_is_vouched_for_as_ever_where_the_bitacora_is_on_a_server():
    def asked(**more):
        return vouching.read({"kit": "MALETIN", "kit_sha256": "", "bitacora_sha256": "", "seal_key": "", "unvouched_reason": "", "bitacora_on_server": True,
                              **more}, by_key=True)

    kits = [{"label": name, "sha256": name[0] * 64} for name in ("c_20261129", "b_20261128", "a_20261127")]
    with pytest.raises(BackupError) as caught:
        asked(seal_key="a" * 64)
    assert caught.value.code == "RSP797" and "kit_sha256" in caught.value.spanish, "a key that seals a bitácora vouches for no kit without it"
    assert vouching.choose_alone(asked(kit_sha256="c" * 64), kits[:1], lambda *_of: False)[:2] == (kits[0], vouching.SHA256)
    assert vouching.choose_alone(asked(unvouched_reason="Acta 1"), kits, lambda *_of: False)[:2] == (kits[0], vouching.NOBODY)
    chosen = vouching.choose_alone(vouching.Asked({"kit": "", "bitacora": ""}, "", "", by_key=False), kits, lambda _what, kit: kit is not kits[0])
    assert chosen[:2] == (kits[1], vouching.CUSTODY) and "c_20261129" in chosen.remarks[0]
    with pytest.raises(BackupError) as caught:
        vouching.choose_alone(vouching.Asked({"kit": "", "bitacora": ""}, "", "", by_key=False), kits, lambda *_of: False)
    assert caught.value.code == "RSP797"


def test_two_at_once_are_one_that_works_and_one_that_says_so(tmp_path):
    with placing.alone(tmp_path / "aparte"):
        with pytest.raises(BackupError) as caught, placing.alone(tmp_path / "aparte"):
            pass
        assert caught.value.code == "RSP487"
    with placing.alone(tmp_path / "aparte"):
        pass


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_what_stands_in_the_place_of_the_bitacora_or_would_be_read_into_it_is_refused(tmp_path, ending):
    path, note = tmp_path / "bitacora.sqlite", tmp_path / "recuperacion.json"
    beforehand.refuse_a_bitacora(path, note)
    Path(f"{path}{ending}").touch()
    with pytest.raises(BackupError) as caught:
        beforehand.refuse_a_bitacora(path, note)
    assert caught.value.code == "RSP485" and f"{path}{ending} ocupa" in caught.value.spanish
    # an attempt that got no further than its note is no recovery that was
    note.write_text(json.dumps(NOTE))
    with pytest.raises(BackupError) as caught:
        beforehand.refuse_a_bitacora(path, note)
    assert caught.value.code == ("RSP485" if ending else "RSP484")
    assert ending or "MALETIN_20261129" in caught.value.spanish and "recover.yml" in caught.value.remedy


def test_why_a_log_of_another_bitacora_must_not_lie_there(tmp_path):
    """SQLite itself: the log of a database that was moved away is read into the one that takes its place."""
    old, new = tmp_path / "b.sqlite", tmp_path / "otra.sqlite"
    for path, rows in ((old, 1), (new, 500)):
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE t (a)")
            database.executemany("INSERT INTO t VALUES (?)", [(f"{path.name} {n}" * 20,) for n in range(rows)])
            database.commit()
    with contextlib.closing(sqlite3.connect(old)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("INSERT INTO t VALUES ('de la anterior')")
        database.commit()
        log = Path(f"{old}-wal").read_bytes()
    new.replace(old)
    Path(f"{old}-wal").write_bytes(log)
    with contextlib.closing(sqlite3.connect(old)) as database:
        try:
            rows = [row for (row,) in database.execute("SELECT a FROM t")]
        except sqlite3.DatabaseError:
            rows = []
    assert len(rows) != 500 or "de la anterior" in rows


def of(*times):
    return [{"label": "X", "manifest": {"started_at": each}} for each in times]


def test_a_clock_behind_the_copies_stops_it_and_one_far_ahead_is_told(monkeypatch):
    at = moments.now()
    hour = datetime.timedelta(hours=1)

    def later(by):
        return (datetime.datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ") + by).strftime("%Y-%m-%dT%H:%M:%SZ")

    beforehand.refuse_a_clock_behind(of(at, "nunca", None, later(hour / 2)))
    beforehand.refuse_a_clock_behind([])
    with pytest.raises(BackupError) as caught:
        beforehand.refuse_a_clock_behind(of(at, later(hour * 24 * 2800)))
    assert caught.value.code == "RSP486" and later(hour * 24 * 2800) in caught.value.spanish and "--reloj-comprobado" in caught.value.remedy
    assert beforehand.long_ago(of(at, later(-hour * 24 * 400))) == [] and beforehand.long_ago([]) == []
    (told,) = beforehand.long_ago(of(later(-hour * 24 * 46)))
    assert later(-hour * 24 * 46) in told and "compruebe el reloj" in told


@pytest.mark.parametrize("given, told", [
    ("", "no se indicó ninguno"), ("/no/existe", "/no/existe, que no es un directorio"), ([{"name": "boveda"}, {"name": "nube"}], "boveda, nube"),
    ({"name": "boveda"}, "boveda")])
def test_who_was_asked_for_a_password_is_named(given, told):
    error = BackupError("recovery_password_missing", label="X", custodians=beforehand.custodians(given))
    assert error.spanish == f"Nadie a quien se preguntó tiene la contraseña de X: {told}"
