# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox with the traps of our tests copied, proved by restoring it (T3), and given back into the mailbox of a second server, where all is compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import measuring
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_listing
from integration.mail.conftest import PASSWORD, USER, Dovecot
from integration.mail.test_imap_source import plant, served
from measuring import Used

HEADS = ["wall s", "CPU s", "servers' CPU s", "ours alone MiB", "largest process MiB", "all together MiB"]
_LABEL = "Restaurado Buzon_20260101"      # of ours.py


def witnessed(server: Dovecot, root: str = "") -> dict[str, list]:
    """What a server has in each folder below a name, sorted: flags and keywords, internal date, size and SHA-256 of each mail."""
    with server.session() as session:
        names = [name for name in imap_listing.folders(session)[0] if name.startswith(root)]
    return {name[len(root):]: sorted(row[1:] for row in served(server, name)) for name in names}


def there_and_back(top: Path, mails: int, python: str, environment: dict[str, str], processor: Callable[[int], float]) -> str:
    """The table. Ends the benchmark where anything differs."""
    top.mkdir(mode=0o711)
    secret = top / "secret"
    secret.touch(0o600)
    secret.write_text(PASSWORD, "utf-8")
    (top / "work").mkdir(mode=0o711)
    of, to = Dovecot(), None
    try:
        count = plant(of, mails, large=True)
        before = witnessed(of)
        # another server, whose own folders begin with a prefix
        to = Dovecot("namespace inbox {{\n  inbox = yes\n  prefix = INBOX.\n  separator = .\n}}")
        rows = []
        for verb, server in (("copy", of), ("prove", of), ("give", to)):
            spent = processor(of.process.pid) + processor(to.process.pid)
            used = measuring.measured(
                [python, str(Path(__file__).with_name("ours.py")), verb, "localhost", str(server.port), USER, str(secret), str(server.top / "cert.pem"),
                 str(top / "medium"), str(top / "work")], environment, top / "log")
            spent = processor(of.process.pid) + processor(to.process.pid) - spent
            told = json.loads((top / "log").read_text("utf-8").splitlines()[-1])
            if told.get("mails", count) != count or told.get("lacks") or told.get("remarks"):
                raise SystemExit(f"{verb}: {told}, of {count} mails")
            rows.append(_row(verb, used, spent))
            print(" | ".join(rows[-1]), "; load", measuring.load(), file=sys.stderr, flush=True)
        if witnessed(of) != before:
            raise SystemExit("the source is not as it was")
        lies = witnessed(to, f"INBOX.{_LABEL}.")
        if lies != before or sum(map(len, lies.values())) != count:
            raise SystemExit("other than the source: " + ", ".join(name for name in {**lies, **before} if lies.get(name) != before.get(name)))
    finally:
        of.close()
        if to:
            to.close()
    return measuring.table([f"{count} mails, {len(before)} folders", *HEADS], rows)


def _row(verb: str, used: Used, spent: float) -> list[str]:
    return [{"copy": "copied", "prove": "T3", "give": "given back"}[verb], f"{used.wall:.1f}", f"{used.cpu:.2f}", f"{spent:.2f}",
            *map(measuring.peak, (used.own, used.largest, used.together))]
