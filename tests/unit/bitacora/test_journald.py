# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries as lines of systemd's journal, at a real socket of its kind: each once, with its number, no text that anybody typed; and no run that minds."""

from __future__ import annotations

import socket
import sqlite3

import pytest

from plugins.plugin_utils._bitacora import journald
from plugins.plugin_utils._bitacora.recorder import Recorder

SECRET = "clave de la base: Zapallo-2026"


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """A socket where journald's would be; what came, read by the protocol."""
    path = str(tmp_path / "socket")
    monkeypatch.setattr(journald.tell, "__defaults__", (path,))
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(path)
    listening.settimeout(5)

    def read(count):
        return [dict(line.split("=", 1) for line in listening.recv(65536).decode("utf-8").splitlines()) for _each in range(count)]

    yield read
    listening.setblocking(False)
    with pytest.raises(BlockingIOError):
        listening.recv(1)                # nothing was said twice
    listening.close()


def run(tmp_path, url=None, **more):
    recorder = Recorder(str(url or tmp_path / "bitacora.sqlite"), tmp_path / "journal", None, {"playbook": "site.yml", "executed_by": "ana"}, to_journald=True)
    recorder.start()
    started = {"event": "copy_started", "system": "SIGA", "kind": "database", "label": "SIGA_20261129", "requester": SECRET, **more}
    recorder.take("db1", "perucompras.respaldo.backup_label", started, False)
    recorder.take("db1", "perucompras.respaldo.backup_database", {**started, "event": "copy_failed", "error_code": "RSP404", "error_message": SECRET,
                                                                  "error_message_es": SECRET, "warnings": [SECRET], "reason_text": SECRET}, False)
    recorder.end({})
    return recorder


def test_each_entry_is_a_line_with_its_number_and_nothing_that_was_typed(tmp_path, journal):
    recorder = run(tmp_path)
    told = journal(4)
    assert [row["RESPALDO_EVENT"] for row in told] == ["run_started", "copy_started", "copy_failed", "run_ended"]
    with sqlite3.connect(tmp_path / "bitacora.sqlite") as store:
        assert [(row["RESPALDO_NUMBER"], row["RESPALDO_EVENT"]) for row in told] == [
            (str(n), type_) for n, type_ in store.execute("SELECT n, type FROM entries ORDER BY n")]
    assert all(row["SYSLOG_IDENTIFIER"] == "respaldo" and row["RESPALDO_RUN"] == recorder.run for row in told)
    failed = told[2]
    assert failed["MESSAGE"] == "Fallida: SIGA, SIGA_20261129, RSP404 (bitácora: N.º 3)" and failed["PRIORITY"] == "3" and failed["RESPALDO_HOST"] == "db1"
    assert told[3]["MESSAGE"] == "Ejecución terminada: con fallas (bitácora: N.º 4)" and told[0]["MESSAGE"].startswith("Ejecución iniciada: site.yml ")
    assert told[1]["PRIORITY"] == "6" and told[3]["RESPALDO_VERDICT"] == "failed"
    assert not any("Zapallo" in value for row in told for value in row.values())


def test_an_entry_that_waits_is_told_once_and_says_so(tmp_path, journal):
    (tmp_path / "no").write_text("no es un directorio", "utf-8")
    recorder = run(tmp_path, tmp_path / "no" / "bitacora.sqlite")
    assert recorder.journal_file and all("en espera" in row["MESSAGE"] and "RESPALDO_NUMBER" not in row for row in journal(4))


@pytest.mark.parametrize("there", ["nothing", "a file", "full"])
def test_no_run_minds_a_journal_that_takes_nothing(tmp_path, monkeypatch, there):
    path, full = tmp_path / "socket", socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if there == "a file":
        path.write_text("", "utf-8")
    if there == "full":
        full.bind(str(path))
        filling = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        filling.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                filling.sendto(b"x", str(path))
    monkeypatch.setattr(journald.tell, "__defaults__", (str(path),))
    assert not run(tmp_path).unwritten
    full.close()


def test_what_would_end_a_field_begins_none(tmp_path, journal):
    run(tmp_path, medium="a\nPRIORITY=0")
    assert [row["PRIORITY"] for row in journal(4)] == ["6", "6", "3", "3"]
