# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of mailbox.yml (backup_mailbox): without a request nothing is read; under one that was authorised a real mailbox is copied and given back."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import zoneinfo
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

from .conftest import PASSWORD, ROOT, Dovecot, Institution

SECRET = "SECRETO-de-Ana-4711"
HEADS = [{"name": "Carmen Soto Vega", "office": "Oficina de Logística", "from": "2020-01-01"}, {"name": "Otro Jefe", "office": "Otra", "from": "2020-01-01"}]
ACTORS = {"jefe_oti": [{"name": "Rosa Vega", "from": "2020-01-01"}], "soporte": [{"name": "Eva Ruiz", "from": "2020-01-01"}], "heads": HEADS,
          "egcr": {"infrastructure": {"titular": [{"name": "Ana Quispe", "from": "2020-01-01"}]}}}


def authorised(house: Institution, head: str, office: str, of: str = "mailbox", **more: object) -> str:
    told = house.run("request", request_step="open", request_person=head, request_office=office, request_what="Su correo", request_of=of,
                     request_reason="Vacaciones", **more)
    ticket = told.partition("Solicitud ")[2].partition(":")[0]
    for step, person, given in (("estimate", "Ana Quispe", {"request_volume": 10}), ("authorise", "Rosa Vega", {})):
        house.run("request", request_step=step, request_person=person, request_ticket=ticket, **given)
    return ticket


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    """A server that takes no mail of more than two kilobytes; one came before it was so."""
    server = Dovecot("mail_plugins = quota\nplugin {{\n  quota = count:User quota\n  quota_vsizes = yes\n  quota_max_mail_size = 2K\n}}")
    try:
        yield server
    finally:
        server.close()


class Shut:
    """A door before the server that takes connections and lets nothing through until it is opened."""

    def __init__(self, port: int) -> None:
        self._far, self._open = port, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.came = self._listener.getsockname()[1], threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self) -> None:
        self._open.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                self.came.set()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        self._open.wait()
        far = socket.create_connection(("127.0.0.1", self._far))
        threading.Thread(target=self._pump, args=(near, far), daemon=True).start()
        self._pump(far, near)

    @staticmethod
    def _pump(of: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := of.recv(1 << 14):
                to.sendall(chunk)
            to.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._open.set()
        self._listener.close()


def _restored_while_another_tries(house: Institution, key: tuple[str, ...], **given: object) -> str:
    """A restore into a mailbox, and another of the same copy while the first is at it: that one gives nothing, and says who is."""
    door = Shut(house.dovecot.port)
    words, settings = house.command("restore", *key, **given, restore_source={"port": door.port})
    first = subprocess.Popen(words, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert door.came.wait(300), first.communicate()
        second = house.run("restore", *key, wanted=2, **given)
        begun = house.entries("restore_started")
        assert "RSP148" in second and begun[-2]["run"] in second and begun[-1]["run"] != begun[-2]["run"]
        door.open()
        told, _none = first.communicate(timeout=600)
        # all but the one that the server does not take: the end is no good one, and says so
        assert first.returncode == 2 and "RSP147: 1 elementos" in told, told
    finally:
        first.kill()
        first.wait(60)
        door.close()
    return second + told


def test_a_mailbox_is_copied_under_a_request_and_never_else(dovecot: Dovecot, tmp_path: Path) -> None:
    dovecot.put(f"Subject: {SECRET}\r\n\r\n{SECRET}\r\n".encode(), b"Subject: dos\r\n\r\nx\r\n")
    large, owner = dovecot.home / "Maildir/new/1.M1.planted", dovecot.home.stat()
    large.write_bytes(b"Subject: tres\r\n\r\n" + b"x" * 3000 + b"\r\n")
    os.chown(large, owner.st_uid, owner.st_gid)
    before = dovecot.flags("INBOX")
    house = Institution(tmp_path, dovecot)
    key = house.holds_a_mailbox(backup_actors=ACTORS)
    logins = (dovecot.top / "log").read_text("utf-8").count("Login: user")

    told = house.run("mailbox", *key)
    assert "Solo a solicitud" in told and len(house.entries("copy_not_due")) == 1
    of_another = authorised(house, "Otro Jefe", "Otra", request_system="AnaQuispe")
    assert "RSP762" in house.run("mailbox", *key, wanted=2, backup_request={"ticket": of_another, "requester": "Otro Jefe"})
    assert "RSP763" in house.run("mailbox", *key, wanted=2, backup_request={"ticket": "2026-0099", "requester": "Carmen Soto Vega"})
    assert house.entries("copy_started") == [] and (dovecot.top / "log").read_text("utf-8").count("Login: user") == logins, "something was read"

    today = datetime.datetime.now(zoneinfo.ZoneInfo("America/Lima")).date()
    until = f"{today + datetime.timedelta(days=30)}"
    ticket = authorised(house, "Carmen Soto Vega", "Oficina de Logística", request_system="AnaQuispe", request_until=until)
    told += house.run("mailbox", *key, backup_request={"ticket": ticket, "requester": "Carmen Soto Vega", "reason": "Vacaciones"})
    made, = house.entries("copy_made")
    assert (made["ticket"], made["requester"], made["encrypted"], made["objects"]) == (ticket, "Carmen Soto Vega", True, 3)
    assert "Vacaciones" in made["reason_text"] and made["retention_until"] == f"{today + datetime.timedelta(days=30)}"
    assert dovecot.flags("INBOX") == before
    told += house.run("verify", *key, verify_level="T4")
    verified, = house.entries("copy_verified")
    assert verified["trust_level"] == "T4" and {"mailbox_listed", "source_mails"} <= set(verified["checks"])
    assert [each for each in verified["warnings_es"] if each.startswith("Del buzón como está ahora, 3 mensajes son como en la copia, 3 de ellos comparados")]
    # back as files in an emergency, and into the mailbox under a request that names it: without either nothing is opened
    back = {"restore_host": "localhost", "restore_kind": "mailbox", "restore_system": "AnaQuispe"}
    assert "RSP754" in house.run("restore", *key, wanted=2, **back, restore_target=str(tmp_path / "vuelta"))
    told += house.run("restore", *key, **back, restore_target=str(tmp_path / "vuelta"), restore_emergency="La jefatura lo pide", restore_mail_format="eml",
                      restore_mail_subject="dos", restore_mail_folders="inbox", restore_mail_since="2026-01-01")
    head, line = map(json.loads, (tmp_path / "vuelta/indice/00001.jsonl").read_text("ascii").splitlines())
    assert head["name"] == "INBOX" and (tmp_path / "vuelta" / line["file"]).read_bytes() == b"Subject: dos\r\n\r\nx\r\n"
    ticket = authorised(house, "Carmen Soto Vega", "Oficina de Logística", "restore", request_system="AnaQuispe")
    refused = house.run("restore", *key, wanted=2, **back, restore_mailbox="AnaQuispe", restore_ticket=ticket, restore_source={"user": "jefa@example.org"})
    assert "RSP101" in refused and "jefa@example.org" in refused and len(house.entries("restored")) == 1
    told += _restored_while_another_tries(house, key, **back, restore_mailbox="AnaQuispe", restore_ticket=ticket)
    files, into = house.entries("restored")
    assert files["trust_level"] == "T0" and files["wanted"] == ["1 carpeta", "recibidos desde 2026-01-01T05:00:00Z", "con palabras del asunto"]
    assert (into["target"], into["objects"], into["ticket"]) == (f"Restaurado {made['label']}, en el buzón AnaQuispe", 2, ticket) and "wanted" not in into
    assert (into["not_back"], into["trust_level"]) == (1, "T0") and any("INBOX:" in each for each in into["warnings_es"]) and "not_back" not in files
    with open_store(house.url, readonly=True) as store:
        assert [row["resultado"] for row in store.rows() if row["resultado"].startswith("Restaurada")] == ["Restaurada", "Restaurada en parte"]
    assert house.requests()[ticket].state == "restored" and dovecot.flags("INBOX") == before
    assert len(dovecot.lying(f"Restaurado {made['label']}.INBOX")) == 2
    elsewhere = (path for path in tmp_path.rglob("*") if path.is_file() and "vuelta" not in path.parts and path.name != "hosts.yml")
    seen = told.encode() + b"".join(path.read_bytes() for path in elsewhere)
    assert SECRET.encode() not in seen and PASSWORD.encode() not in seen and b"Subject: dos" not in seen

    # until that day it stays; after it, it is given back no more, and goes, though it is the last one
    assert f"se conserva hasta el {made['retention_until']}, como dice su solicitud" in house.run("prune", *key)
    shelf = tmp_path / "copias/mailbox/AnaQuispe"
    assert (shelf / made["label"]).is_dir()
    entries = house.entries("copy_started", "copy_made")
    house.url = str(tmp_path / "despues.sqlite")
    with open_store(house.url) as store:
        for entry in entries:
            body = {name: value for name, value in entry.items() if name in result.SCHEMA or name in ("host", "run")}
            store.append(entry["type"], {**body, "retention_until": "2026-01-31"}, entry["at_event"], entry["run"])
    back = {"restore_host": "localhost", "restore_kind": "mailbox", "restore_system": "AnaQuispe", "restore_target": str(tmp_path / "otra"),
            "restore_emergency": "La jefatura lo pide"}
    assert "RSP150" in house.run("restore", *key, wanted=2, **back) and not (tmp_path / "otra").exists()
    house.run("prune", *key)
    pruned, = house.entries("copy_pruned")
    assert pruned["label"] == made["label"] and "2026-01-31" in pruned["reason_text"] and not (shelf / made["label"]).exists()
