# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Dovecot of these tests alone, with TLS, and an institution that reads its mailbox by our playbook."""

from __future__ import annotations

import contextlib
import imaplib
import json
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import tickets
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._mail import identities
from graph import server as graph

ROOT = Path(__file__).resolve().parents[3]
USER, PASSWORD = "soporte@example.org", "clave-de-soporte-ñ"
KEY = "0123456789abcdef0123456789abcdef"
SINCE = "2020-01-01"
ACTORS = {
    "jefe_oti": [{"name": "Rosa Vega", "from": SINCE, "email": "rvega@example.org"}],
    "soporte": [{"name": "Eva Ruiz", "from": SINCE, "email": "eruiz@example.org"}],
    "heads": [{"name": "Carmen Soto Vega", "office": "Oficina de Logística", "from": SINCE, "email": "csoto@example.org"},
              {"name": "Otro Jefe", "office": "Otra", "from": SINCE, "email": "otro@example.org"}],
    "egcr": {"infrastructure": {"titular": [{"name": "Ana Quispe", "from": SINCE, "email": "aquispe@example.org"}]}}}
_CONF = """
protocols = imap
listen = 127.0.0.1
base_dir = {top}/run
state_dir = {top}/state
log_path = {top}/log
ssl = required
ssl_cert = <{top}/cert.pem
ssl_key = <{top}/key.pem
auth_mechanisms = plain xoauth2
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_fsync = never
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {top}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={top}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
{more}
"""


class Dovecot:
    """A throw-away server with one mailbox."""

    def __init__(self, more: str = "", files: Mapping[str, str | bytes] | None = None, user: str = USER) -> None:
        self.top, self.user = Path(tempfile.mkdtemp(prefix="respaldo-dovecot-")), user
        self.top.chmod(0o755)
        who = pwd.getpwnam("nobody")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.certificate(self.top)
        (self.top / "users").write_text(f"{user}:{{PLAIN}}{PASSWORD}\n", "utf-8")
        self.home = self.top / "mail" / user
        self.home.mkdir(parents=True)
        for each in (self.top / "mail", self.home):
            os.chown(each, who.pw_uid, who.pw_gid)
        for name, content in (files or {}).items():
            (self.top / name).parent.mkdir(parents=True, exist_ok=True)
            (self.top / name).write_bytes(content if isinstance(content, bytes) else content.format(top=self.top).encode())
        told = _CONF.format(top=self.top, port=self.port, uid=who.pw_uid, gid=who.pw_gid, user="nobody", group="nogroup", more=more.format(top=self.top))
        (self.top / "conf").write_text(told, "utf-8")
        self.process = subprocess.Popen(["dovecot", "-F", "-c", str(self.top / "conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def certificate(top: Path) -> Path:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", top / "key.pem", "-out", top / "cert.pem"], check=True, capture_output=True)
        return top / "cert.pem"

    def _wait(self) -> None:
        until = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError, imaplib.IMAP4.error), self.session():
                return
            assert self.process.poll() is None and time.monotonic() < until, (self.top / "log").read_text("utf-8") if (self.top / "log").exists() else "no log"
            time.sleep(0.1)

    @contextlib.contextmanager
    def session(self) -> Iterator[imaplib.IMAP4]:
        session = imaplib.IMAP4_SSL("localhost", self.port, ssl_context=ssl.create_default_context(cafile=str(self.top / "cert.pem")), timeout=60)
        try:
            session.authenticate("PLAIN", lambda _told: f"\0{self.user}\0{PASSWORD}".encode())
            yield session
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                session.logout()

    def put(self, *mails: bytes | EmailMessage, folder: str = "INBOX") -> None:
        with self.session() as session:
            for mail in mails:
                raw = mail if isinstance(mail, bytes) else mail.as_bytes()
                status, told = session.append(folder, "", "", raw)
                assert status == "OK", told

    def lying(self, folder: str) -> list[bytes]:
        """The mails of a folder as they lie there."""
        with self.session() as session:
            status, count = session.select(f'"{folder}"', readonly=True)
            if status != "OK" or not int(count[0]):
                return []
            told = session.fetch("1:*", "(BODY.PEEK[])")[1]
            return [row[1] for row in told if isinstance(row, tuple)]

    def flags(self, folder: str) -> str:
        with self.session() as session:
            session.select(f'"{folder}"', readonly=True)
            return str(session.fetch("1:*", "(FLAGS)")[1])

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.top)


class Institution:
    """An inventory without systems that need copying, its bitácora, and what runs our playbooks."""

    def __init__(self, top: Path, dovecot: Dovecot) -> None:
        self.top, self.dovecot, self.url = top, dovecot, str(top / "bitacora.sqlite")
        self.box = {"host": "localhost", "port": dovecot.port, "ca_file": str(dovecot.top / "cert.pem"), "username": USER, "password": PASSWORD}
        here = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_actors": ACTORS, "backup_letters_key": KEY,
            "backup_request_mail_box": self.box, "backup_request_mail_origin": {"domains": ["example.org"], "authserv_ids": ["mx.example.org"]},
            "backup_systems": [{"name": "SIGA", "kind": "database", "criticality": "baja", "office": "Oficina de Logística",
                                "source": {"type": "sqlite", "path": str(top / "siga.sqlite")}}]}
        (top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": here}}}), "utf-8")

    def holds_a_mailbox(self, **more: object) -> tuple[str, str]:
        """The inventory is of one mailbox, AnaQuispe, whose copies have a password; gives the option of ansible-playbook that opens the vault."""
        here = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False,
            "backup_media": [{"name": "local", "path": str(self.top / "copias"), "create": True}], "backup_custody_directory": str(self.top / "custodia"),
            "backup_systems": [{"name": "AnaQuispe", "kind": "mailbox", "criticality": "baja", "office": "Oficina de Logística",
                                "source": {"type": "imap", "host": "localhost", "port": self.dovecot.port, "user": USER, "password": PASSWORD,
                                           "work_dir": "/tmp", "ca_certs": str(self.dovecot.top / "cert.pem")}}], **more}
        (self.top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": here}}}), "utf-8")
        (self.top / "llave").write_text("llave\n", "utf-8")
        return "--vault-password-file", str(self.top / "llave")

    def command(self, playbook: str, *options: str, **given: object) -> tuple[list[str], dict[str, str]]:
        settings = dict(os.environ, RESPALDO_BITACORA=self.url, ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"), HOME=str(self.top))
        return ([os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "hosts.yml"), f"playbooks/{playbook}.yml",
                 "-e", json.dumps(given), *options], settings)

    def run(self, playbook: str = "requests", *options: str, wanted: int = 0, **given: object) -> str:
        words, settings = self.command(playbook, *options, **given)
        done = subprocess.run(words, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == wanted, done.stdout + done.stderr
        return done.stdout + done.stderr

    def entries(self, *types: str) -> list[dict]:
        with open_store(self.url, readonly=True) as store:
            return store.entries(type=types)

    def requests(self) -> dict[str, requests.Request]:
        with open_store(self.url, readonly=True) as store:
            found = requests.told(tickets.history(store, requests.EVENTS, requests.EXECUTED_BY))
        assert found.odd == []
        return found.requests


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("graph")
    Dovecot.certificate(directory)
    return directory


@pytest.fixture
def there(certified: Path) -> Iterator[graph.FakeGraph]:
    """A fake of Microsoft Graph; no request of a test may be unlike what Microsoft describes, nor more than four at once."""
    fake = graph.FakeGraph(certified)
    yield fake
    fake.close()
    assert fake.wrong == [] and fake.most_at_once <= 4


@pytest.fixture
def house(tmp_path: Path, dovecot: Dovecot) -> Institution:
    """An institution with an empty mailbox."""
    with dovecot.session() as session:
        for folder in ("INBOX", "Atendidos", "Revisar"):
            status, count = session.select(folder)
            if status == "OK" and int(count[0]):
                session.store("1:*", "+FLAGS", r"(\Deleted)")
                session.expunge()
    return Institution(tmp_path, dovecot)


def letter(sender: str, subject: str, text: str, **headers: str) -> EmailMessage:
    """A mail as the institution's server stamps it when it is believed."""
    mail = EmailMessage()
    mail["Authentication-Results"] = f"mx.example.org; dmarc=pass header.from={sender.rpartition('@')[2]}"
    mail["Received"] = "from pc.example.org by mx.example.org with ESMTPS; Sat, 28 Nov 2026 10:00:00 -0500"
    mail["From"], mail["To"], mail["Subject"] = f"Alguien <{sender}>", USER, subject
    mail["Message-ID"] = f"<{os.urandom(8).hex()}@example.org>"
    for name, value in headers.items():
        del mail[name.replace("_", "-")]
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def answer(sender: str, ticket: str, text: str, **headers: str) -> EmailMessage:
    """An answer to a letter of ours to this sender."""
    ours = identities.mark(KEY.encode(), "example.org", ticket, "conformity", sender, os.urandom(8).hex())
    return letter(sender, f"Re: [Solicitud {ticket}]", text, In_Reply_To=ours, **headers)
