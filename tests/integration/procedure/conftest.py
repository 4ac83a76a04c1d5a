# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An institution where a file is lost: five people with mailboxes (a real Dovecot), the mail server between them (postoffice.py), a share of a real Samba
(share.py) that is copied by restic, and our playbooks."""

from __future__ import annotations

import contextlib
import email
import email.policy
import imaplib
import json
import os
import smtplib
import ssl
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import tickets
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests
from mail.conftest import Dovecot

from .share import Share

ROOT = Path(__file__).resolve().parents[3]
DOMAIN, SINCE, KEY = "example.org", "2020-01-01", "0123456789abcdef0123456789abcdef"
PASSWORD = "Cl4ve-Plantada-9x2b"
PEDRO, CARMEN, EVA, ANA, ROSA = (f"{name}@{DOMAIN}" for name in ("pedro", "csoto", "soporte", "aquispe", "rvega"))
PEOPLE = (PEDRO, CARMEN, EVA, ANA, ROSA)
OFFICE = "Oficina de Logística"
ACTORS = {
    "jefe_oti": [{"name": "Rosa Vega", "from": SINCE, "email": ROSA}], "soporte": [{"name": "Eva Ruiz", "from": SINCE, "email": EVA}],
    "heads": [{"name": "Carmen Soto", "office": OFFICE, "from": SINCE, "email": CARMEN}],
    "egcr": {"infrastructure": {"titular": [{"name": "Ana Quispe", "from": SINCE, "email": ANA}]}}}


class Institution:
    """What happens there, in the words of its people."""

    def __init__(self, top: Path, dovecot: Dovecot) -> None:
        self.top, self.dovecot, self.url, self.share = top, dovecot, str(top / "bitacora.sqlite"), top / "compartido"
        self.share.mkdir(parents=True)
        self.samba = Share(top / "samba", self.share, CARMEN.partition("@")[0], PASSWORD)
        self.samba.does("mkdir contratos")
        self.samba.puts("contratos/2026.txt", "uno\n")
        (dovecot.top / "users").write_text("".join(f"{person}:{{PLAIN}}{PASSWORD}\n" for person in PEOPLE), "utf-8")
        (dovecot.top / "accounts").write_text(json.dumps(dict.fromkeys(PEOPLE, PASSWORD)), "utf-8")
        owner = dovecot.home.stat()
        self.office = subprocess.Popen([sys.executable, str(Path(__file__).with_name("postoffice.py")), str(dovecot.top), DOMAIN, str(dovecot.top / "mail"),
                                        str(owner.st_uid), str(owner.st_gid)])
        limit = time.monotonic() + 120
        while not (dovecot.top / "ports").exists():
            assert self.office.poll() is None and time.monotonic() < limit
            time.sleep(0.05)
        self.ports = json.loads((dovecot.top / "ports").read_text("utf-8"))
        certificate = str(dovecot.top / "cert.pem")
        account = {"host": "localhost", "ca_file": certificate, "username": EVA, "password": PASSWORD}
        policy = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
        policy["minimum_copies"] = 1
        (top / "policy.yml").write_text(yaml.safe_dump(policy, allow_unicode=True), "utf-8")
        (top / "vault").write_text("boveda")
        here = {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "common_install_tools": False, "backup_actors": ACTORS,
            "backup_policy_file": str(top / "policy.yml"), "backup_custody_directory": str(top / "custodia"), "backup_assigned_paths": [str(top)],
            "backup_media": [{"name": "disco", "path": str(top / "copias"), "create": True}], "backup_letters_key": KEY,
            "backup_letters_mail": {**account, "port": self.ports["submission"], "security": "tls", "sender": EVA},
            "backup_request_mail_box": {**account, "port": dovecot.port},
            "backup_request_mail_origin": {"domains": [DOMAIN], "authserv_ids": ["mx." + DOMAIN]},
            "backup_systems": [{"name": "LOGISTICA", "kind": "file_server", "criticality": "baja", "office": OFFICE,
                                "source": {"type": "restic", "paths": [str(self.share)]}}]}
        (top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": here}}}), "utf-8")

    def close(self) -> None:
        self.samba.close()
        self.office.terminate()
        self.office.wait(60)

    # -- what our program does

    def play(self, playbook: str, wanted: int = 0, **given: object) -> str:
        settings = dict(os.environ, RESPALDO_BITACORA=self.url, ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"), HOME=str(self.top), ANSIBLE_NOCOLOR="1")
        done = subprocess.run([os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "hosts.yml"),
                               "--vault-password-file", str(self.top / "vault"), f"playbooks/{playbook}.yml", "-e", json.dumps(given)],
                              cwd=ROOT, env=settings, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == wanted, done.stdout + done.stderr
        assert PASSWORD not in done.stdout + done.stderr and KEY not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def minutes_pass(self) -> None:
        """What two timers do."""
        self.play("requests")
        self.play("letters")

    def entries(self, *types: str) -> list[dict]:
        with open_store(self.url, readonly=True) as store:
            return store.entries(type=types)

    def requests(self) -> dict[str, requests.Request]:
        with open_store(self.url, readonly=True) as store:
            found = requests.told(tickets.history(store, requests.EVENTS, requests.EXECUTED_BY))
        assert found.odd == []
        return found.requests

    # -- what people do

    def write(self, sender: str, subject: str, text: str, answers: EmailMessage | None = None, way: str = "submission", to: str = EVA, **more: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = sender, to, subject, f"<{os.urandom(8).hex()}@{DOMAIN}>"
        if answers is not None:
            mail["In-Reply-To"] = mail["References"] = answers["Message-ID"]
            text += "\n\nEl sáb, 28 nov 2026 a las 10:00, Soporte escribió:\n> " + answers.get_body(("plain",)).get_content().replace("\n", "\n> ")
        for name, value in more.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        port = self.ports[way]
        if way == "submission":
            trusting = ssl.create_default_context(cafile=str(self.dovecot.top / "cert.pem"))
            with smtplib.SMTP_SSL("localhost", port, context=trusting, timeout=60) as session:
                session.login(sender, PASSWORD)
                session.send_message(mail)
        else:
            with smtplib.SMTP("127.0.0.1", port, timeout=60) as session:
                session.send_message(mail)

    def mailbox(self, person: str) -> list[EmailMessage]:
        """What lies in somebody's inbox, the oldest first."""
        trusting = ssl.create_default_context(cafile=str(self.dovecot.top / "cert.pem"))
        session = imaplib.IMAP4_SSL("localhost", self.dovecot.port, ssl_context=trusting, timeout=60)
        try:
            session.authenticate("PLAIN", lambda _told: f"\0{person}\0{PASSWORD}".encode())
            _status, count = session.select("INBOX", readonly=True)
            told = session.fetch("1:*", "(BODY.PEEK[])")[1] if int(count[0]) else []
            return [email.message_from_bytes(row[1], policy=email.policy.default) for row in told if isinstance(row, tuple)]
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                session.logout()

    def letters(self, person: str) -> list[str]:
        """The subjects of what somebody was written."""
        return [str(each["Subject"]) for each in self.mailbox(person)]

    def last(self, person: str) -> EmailMessage:
        return self.mailbox(person)[-1]


@pytest.fixture
def institution(tmp_path: Path):
    dovecot = Dovecot(user=EVA)
    made = None
    try:
        made = Institution(tmp_path, dovecot)
        yield made
    finally:
        if made is not None:
            made.close()
        dovecot.close()
