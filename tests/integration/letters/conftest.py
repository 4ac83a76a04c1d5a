# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An institution of five people, a bitácora with requests, and a real mail server that takes their letters by playbooks/letters.yml
(role perucompras.respaldo.request_letters)."""

from __future__ import annotations

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
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
PASSWORD, KEY = "Cl4ve-Plantada-7f3a", "clave-de-identificadores-0123456789abcdef"
SINCE = "2020-01-01"
ACTORS = {
    "jefe_oti": [{"name": "Rosa Vega", "from": SINCE, "email": "rosa@example.org"}],
    "soporte": [{"name": "Eva Ruiz", "from": SINCE, "email": "soporte@example.org"}],
    "heads": [{"name": "Carmen Soto", "office": "Oficina de Logística", "from": SINCE, "email": "carmen@example.org"}],
    "egcr": {"infrastructure": {"titular": [{"name": "Luis Paz", "from": SINCE, "email": "luis@example.org"}]}}}


class Institution:
    def __init__(self, directory):
        self.directory, self.file, self.inbox = directory, directory / "bitacora.sqlite", directory / "inbox"
        self.inbox.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", directory / "server.key", "-out", directory / "server.pem"],
                       check=True, capture_output=True)
        self.server = subprocess.Popen([sys.executable, Path(__file__).with_name("mailserver.py"), self.inbox, directory / "server.pem",
                                        directory / "server.key"])
        limit = time.monotonic() + 60
        while not (self.inbox / "ports").exists():
            assert self.server.poll() is None and time.monotonic() < limit
            time.sleep(0.05)
        self.ports = json.loads((self.inbox / "ports").read_text())
        self.secrets = [PASSWORD, KEY]

    def record(self, type_, hours=1.0, **body):
        at = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        with open_store(str(self.file)) as store:
            return store.append(type_, {"event": type_, **body}, at, "test").n

    def opened(self, ticket="2026-0001", person="Carmen Soto", post="heads", **more):
        return self.record("request_opened", ticket=ticket, request="restore", office="Oficina de Logística", requester=person, person=person, post=post,
                           **{"reason_text": "La carpeta contratos", "proof": "word", **more})

    def step(self, name, person, post, ticket="2026-0001", **more):
        return self.record("request_" + name, ticket=ticket, person=person, post=post, **more)

    def mail(self, **changed):
        return {"host": "127.0.0.1", "port": self.ports["starttls"], "ca_file": str(self.directory / "server.pem"), "username": "respaldo@example.org",
                "password": PASSWORD, "sender": "respaldo@example.org", "reply_to": "soporte@example.org", **changed}

    def command(self, *options, mail=None, name="letters", **given):
        variables = {"backup_letters_mail": mail or self.mail(), "backup_letters_key": KEY, "backup_actors": ACTORS, **given}
        path = self.directory / f"given-{time.monotonic_ns()}.json"
        path.write_text(json.dumps(variables))
        return [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", "localhost,", f"playbooks/{name}.yml", "-e", f"@{path}", *options]

    def settings(self):
        return dict(os.environ, RESPALDO_BITACORA=str(self.file), ANSIBLE_LOCAL_TEMP=str(self.directory / "ansible"), HOME=str(self.directory),
                    ANSIBLE_NOCOLOR="1")

    def letters(self, *options, **given):
        done = subprocess.run(self.command(*options, **given), cwd=ROOT, env=self.settings(), capture_output=True, text=True, timeout=300, check=False)
        done.output = done.stdout + done.stderr
        kept = self.file.read_bytes() + b"".join(each.read_bytes() for each in self.directory.glob("logs/*"))
        for secret in self.secrets:
            assert secret not in done.output and secret.encode() not in kept
        return done

    def mood(self, word):
        (self.inbox / "mood").write_text(word)

    def taken(self):
        found = []
        for path in sorted(self.inbox.glob("*.eml")):
            found.append(email.message_from_bytes(path.read_bytes(), policy=email.policy.default))
            path.rename(path.with_suffix(".eml-seen"))
        return found

    def entries(self, *types):
        with open_store(str(self.file), readonly=True) as store:
            return [entry for entry in store.entries(type=types) if not entry.get("simulated")]

    def begun(self, *options, **given):
        """A run that goes on while the test does."""
        return subprocess.Popen(self.command(*options, **given), cwd=ROOT, env=self.settings(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                start_new_session=True)

    def wait_for(self, name):
        limit = time.monotonic() + 240
        while not (self.inbox / name).exists():
            assert time.monotonic() < limit, name
            time.sleep(0.05)


@pytest.fixture
def institution(tmp_path):
    made = Institution(tmp_path)
    yield made
    made.server.terminate()
    made.server.wait(30)
