# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of playbooks/warn.yml (backup_warn) against a real mail server and a real service."""

from __future__ import annotations

import concurrent.futures
import datetime
import email
import email.policy
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "Cl4ve-Plantada-7f3a"
TOKEN = "T0ken-Plantado-91c4"
HOSTILE = "Nómina\r\nBcc: intruso@example.org"
INVENTORY = """
all:
  hosts:
    bd1:
      backup_systems:
        - {name: SIGA, kind: database, criticality: baja, office: OTI, source: {type: postgresql, databases: [siga], password: "{{ vault_not_there }}"}}
    bd2:
      one: {name: Trámites, kind: database, criticality: baja, office: OTI, source: {type: sqlite, path: /srv/t.sqlite}}
      backup_systems: ["{{ one }}"]
"""


class World:
    """A bitácora, an inventory, and the servers that take messages."""

    def __init__(self, directory):
        self.directory = directory
        self.file = directory / "bitacora.sqlite"
        self.inbox = directory / "inbox"
        self.inbox.mkdir()
        (directory / "hosts.yml").write_text(INVENTORY, "utf-8")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
                       check=True, capture_output=True)
        self.process = subprocess.Popen([sys.executable, Path(__file__).with_name("receiver.py"), self.inbox, directory / "cert.pem", directory / "key.pem"])
        limit = time.monotonic() + 30
        while not (self.inbox / "ports").exists():
            assert self.process.poll() is None and time.monotonic() < limit
            time.sleep(0.05)
        self.ports = json.loads((self.inbox / "ports").read_text())

    def record(self, type_, hours, **body):
        from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

        at = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        told = {"system": "SIGA", "kind": "database", "label": "SIGA_20260101", "started_at": at, "trust_level": "T2", "medium": "nas", "size": 10, **body}
        with open_store(str(self.file)) as store:
            store.append(type_, told, at, "test")

    def mail(self, **changed):
        return {"host": "127.0.0.1", "port": self.ports["mail"], "ca_file": str(self.directory / "cert.pem"), "username": "respaldo",
                "password": PASSWORD, "sender": "respaldo@example.org", "to": ["oti@example.org"], **changed}

    def service(self, path="taken"):
        return {"name": "chat", "url": f"json://user:{TOKEN}@127.0.0.1:{self.ports['service']}/{path}"}

    def warn(self, *options, mail=None, services=(), summary="", watched=(), actors=None):
        given = {"backup_warn_mail": mail or {}, "backup_warn_services": list(services), "warn_summary_from": summary,
                 "backup_warn_watched": list(watched), **({"backup_actors": actors} if actors else {})}
        settings = dict(os.environ, RESPALDO_BITACORA=str(self.file), ANSIBLE_LOCAL_TEMP=str(self.directory / "ansible"), HOME=str(self.directory))
        done = subprocess.run([os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.directory / "hosts.yml"),
                               "playbooks/warn.yml", "-e", json.dumps(given), *options],
                              cwd=ROOT, env=settings, capture_output=True, text=True, timeout=180, check=False)
        done.output = done.stdout + done.stderr
        stored = self.file.read_bytes() + b"".join(each.read_bytes() for each in self.directory.glob("logs/*"))
        for secret in (PASSWORD, TOKEN):
            assert secret not in done.output and secret.encode() not in stored
        return done

    def taken(self):
        """What arrived since the last look: (kind, message)."""
        found = []
        for path in sorted(self.inbox.glob("*.taken")):
            data = path.read_bytes()
            found.append((path.stem[4:], email.message_from_bytes(data, policy=email.policy.default) if "mail" in path.name else json.loads(data)))
            path.rename(path.with_suffix(".seen" + str(time.monotonic_ns())))
        return found

    def entries(self, type_):
        from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

        with open_store(str(self.file), readonly=True) as store:
            return store.entries(type=type_)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.record("copy_made", 2)
    made.record("copy_made", 2, system="Trámites", label="Tramites_20260101")
    yield made
    made.process.terminate()
    made.process.wait(10)


def test_a_life_of_warnings(world):
    """New, silent while it lasts, worse, solved; check mode sends nothing; names can't forge a header."""
    world.record("copy_failed", 1, error_code="RSP402", error_message_es=HOSTILE)
    mail = world.mail()
    shown = world.warn("--check", "-v", mail=mail)
    assert shown.returncode == 0 and "[Respaldo] 1 nuevo" in shown.output, shown.output
    assert not world.taken() and not [row for row in world.entries("warning_sent") if not row.get("simulated")]
    first = world.warn(mail=mail)
    assert first.returncode == 0, first.output
    (kind, letter), = world.taken()
    assert kind == "mail" and letter["Subject"].startswith("[Respaldo] 1 nuevo") and letter["Bcc"] is None and letter["To"] == "oti@example.org"
    text = letter.get_body(("plain",)).get_content()
    assert "Copia fallida: SIGA (Base de datos)" in text and "RSP402: Nómina Bcc: intruso@example.org" in text
    assert "<h2>Nuevo</h2>" in letter.get_body(("html",)).get_content()
    assert world.warn(mail=mail).returncode == 0 and not world.taken()
    world.record("copy_failed", 1)
    assert world.warn(mail=mail).returncode == 0
    assert "EMPEORÓ" in world.taken()[0][1].get_body(("plain",)).get_content()
    world.record("copy_made", 0)
    assert world.warn(mail=mail).returncode == 0
    assert "1 resuelto" in world.taken()[0][1]["Subject"]
    assert world.warn(mail=mail).returncode == 0 and not world.taken()
    assert [row["warning_state"] for row in world.entries("warning_sent")] == ["new", "worsened", "solved"]


def test_a_series_of_missed_starts_is_an_entry_once_and_a_purpose_that_failed_a_warning(world):
    """The start of a simulation is none; what the entry tells is what the warning says."""
    world.record("schedule_set", 24 * 40, purpose="transfer", schedule="month 1 06:30; America/Lima; 5; 120")
    world.record("run_started", 30, run="r1", playbook="custody.yml")
    world.record("run_ended", 29, run="r1", verdict="failed")
    assert world.warn("--check", mail=world.mail()).returncode == 0 and world.entries("schedule_missed") == []
    for _each in range(2):
        done = world.warn(mail=world.mail())
        assert done.returncode == 0, done.output
    entry, = world.entries("schedule_missed")
    assert (entry["purpose"], entry["error_code"]) == ("transfer", "RSP745") and entry["objects"] >= 1
    told = {row["warning"]: row["note_es"] for row in world.entries("warning_sent")}
    assert told["schedule:transfer"].startswith(f"RSP745: {entry['error_message_es']}") and told["purpose:custody"].startswith("RSP776: ")


def test_a_server_that_is_down_is_told_again_and_each_channel_stands_alone(world):
    world.record("copy_failed", 1)
    down = world.warn(mail=world.mail(port=1), services=[world.service()])
    assert down.returncode == 2 and "RSP906" in down.output, down.output
    assert [kind for kind, _data in world.taken()] == ["service"]
    failed, = world.entries("warning_failed")
    assert (failed["medium"], failed["error_code"]) == ("correo", "RSP906")
    back = world.warn(mail=world.mail(), services=[world.service()])
    assert back.returncode == 0, back.output
    assert [kind for kind, _data in world.taken()] == ["mail"]
    assert world.warn(mail=world.mail(), services=[world.service()]).returncode == 0 and not world.taken()


@pytest.mark.parametrize("changed, code, words", [
    ({"password": "Otra-" + PASSWORD[::-1]}, "RSP907", "respaldo"),
    ({"ca_file": None}, "RSP906", "certificate"),
    ({"security": "none"}, "RSP101", "in clear"),
    ({"to": ["oti@example.org\nBcc: x@example.org"]}, "RSP101", "is not an address"),
])
def test_mail_that_can_t_go_says_why_without_the_secret(world, changed, code, words):
    world.record("copy_failed", 1)
    mail = {name: value for name, value in world.mail(**changed).items() if value is not None}
    done = world.warn("-vvv", mail=mail)
    assert done.returncode == 2 and code in done.output and words in done.output, done.output
    assert mail["password"] not in done.output and not world.taken() and not world.entries("warning_sent")


def test_two_runs_at_once_tell_it_once(world):
    world.record("copy_failed", 1)
    with concurrent.futures.ThreadPoolExecutor() as both:
        done = list(both.map(lambda _number: world.warn(mail=world.mail()), range(2)))
    assert [run.returncode for run in done] == [0, 0], done[0].output + done[1].output
    told = [(entry["run"], entry["warning"], entry["note_es"]) for entry in world.entries("warning_sent")]
    assert len(world.taken()) == 1 and len(told) == 1, told


def test_a_service_takes_it_or_refuses_it_or_is_not_one(world):
    world.record("copy_failed", 1)
    refused = world.warn("-vvv", services=[world.service("refuse")])
    assert refused.returncode == 2 and "RSP906" in refused.output and not world.entries("warning_sent"), refused.output
    unknown = world.warn(services=[{"name": "chat", "url": f"nosuch://{TOKEN}"}])
    assert unknown.returncode == 2 and "RSP101" in unknown.output
    taken = world.warn("-vvv", services=[world.service()])
    assert taken.returncode == 0, taken.output
    (_kind, data), = world.taken()
    assert data["title"].startswith("[Respaldo] 1 nuevo") and "Copia fallida: SIGA" in data["message"]


def test_one_summary_a_day_even_when_all_is_well(world):
    assert world.warn(mail=world.mail(to=["oti@example.org", "nobody@example.org"]), summary="00:00").returncode == 0
    (_kind, letter), = world.taken()
    assert "Resumen del día: sin avisos en curso" in letter["Subject"] and "2 copias generadas" in letter.get_body(("plain",)).get_content()
    assert world.warn(mail=world.mail(), summary="00:00").returncode == 0 and not world.taken()
    full = world.warn(mail=world.mail(), watched=[{"name": "disco", "path": "/proc"}])
    assert full.returncode == 0, full.output
    assert "Medio casi lleno" in world.taken()[0][1].get_body(("plain",)).get_content()


def test_each_designated_person_gets_their_own_and_who_can_t_be_reached_loses_nothing(world):
    """Three days: an address that the server refuses, its mend, and another person designated."""
    def person(name, address, **dates):
        return {"name": name, "from": "2026-01-01", "email": address, **dates}

    def actors(infrastructure, database):
        return {"soporte": [person("Sara", "sara@example.org")], "egcr": {
            "database": {"titular": database}, "infrastructure": {"titular": [person("Inés", infrastructure)]}}}

    def told():
        return {letter["To"]: letter.get_body(("plain",)).get_content() for _kind, letter in world.taken()}

    world.record("copy_failed", 1, error_code="RSP202", error_message_es="no se puede leer", error_remedy_es="Revise el servidor")
    world.record("restore_failed", 1, system="Trámites", label="Tramites_20260101", ticket="2026-9", error_code="RSP405", error_message_es="no está")
    mail = world.mail(by_role=True)
    day = {"mail": mail, "watched": [{"name": "disco", "path": "/proc"}], "summary": "00:00"}
    before = actors("nobody@example.org", [person("Ana", "ana@example.org")])
    first = world.warn(**day, actors=before)
    assert first.returncode == 2 and "RSP906" in first.output, first.output
    letters = told()
    assert set(letters) == {"ana@example.org", "sara@example.org", "oti@example.org"}
    ana, sara, general = (letters[f"{name}@example.org"] for name in ("ana", "sara", "oti"))
    assert "Copia fallida: SIGA" in ana and "Qué hacer: Revise el servidor" in ana and "Restauración fallida: Trámites" in ana and "disco" not in ana
    assert "Restauración fallida: Trámites" in sara and "2026-9" in sara and "SIGA" not in sara and "24 horas" not in sara
    assert "Para Sara (Soporte): solo lo que le concierne." in sara
    assert "Aviso que no llegó a su destinatario" in general and "nobody@example.org: Medio casi lleno" in general and "Copia fallida: SIGA" not in general
    assert "Ana (EGCR de Base de Datos), 2" in general
    assert {row["post"]: row["responsible"] for row in world.entries("designation_changed")} == {
        "soporte": "Sara", "egcr.database.titular": "Ana", "egcr.infrastructure.titular": "Inés"}

    mended = world.warn(**day, actors=actors("ines@example.org", before["egcr"]["database"]["titular"]))
    assert mended.returncode == 0, mended.output
    letters = told()
    assert set(letters) == {"ines@example.org", "oti@example.org"} and "disco" in letters["ines@example.org"] and "RESUELTO" in letters["oti@example.org"]

    day_before = (datetime.date.today() - datetime.timedelta(days=3)).isoformat()
    since = (datetime.date.today() - datetime.timedelta(days=2)).isoformat()
    handed = world.warn(**day, actors=actors("ines@example.org", [person("Ana", "ana@example.org", until=day_before),
                                                                  {**person("Marta", "marta@example.org"), "from": since}]))
    assert handed.returncode == 0, handed.output
    letters = told()
    assert set(letters) == {"marta@example.org"} and "NUEVO" in letters["marta@example.org"] and "Copia fallida: SIGA" in letters["marta@example.org"]
    change = world.entries("designation_changed")[-1]
    assert len(world.entries("designation_changed")) == 4 and change["responsible"] == "Marta" and "Antes: Ana, hasta el" in change["note_es"]
    assert "nobody@example.org" in world.entries("warning_failed")[0]["medium"]
