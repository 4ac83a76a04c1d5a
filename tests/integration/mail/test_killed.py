# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two controllers read one mailbox at once, and both are killed at moments of chance: no mail is lost, none is acted on twice, no number is given twice.

RESPALDO_MAIL_KILLS says how many are killed, 6 by default.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from .conftest import ACTORS, KEY, letter

KILLS = int(os.environ.get("RESPALDO_MAIL_KILLS", "6"))
_MAILS = 12
_ROOT = Path(__file__).resolve().parents[3]


def test_killed_at_moments_of_chance(house) -> None:
    told = {"mailbox": {**house.box, "security": "tls", "token": None, "folder": "INBOX", "taken": "Atendidos", "set_aside": "Revisar", "most": 100,
                        "largest_mib": 25},
            "origin": {"domains": ["example.org"], "authserv_ids": ["mx.example.org"], "submission_servers": [], "relays": [], "results_below": False},
            "key": KEY, "rules": {"time_zone": "America/Lima", "actors": ACTORS}}
    settings = {**os.environ, "RESPALDO_BITACORA": house.url, "PYTHONPATH": os.pathsep.join(
        filter(None, [str(_ROOT / "collections"), os.environ.get("PYTHONPATH", "")]))}
    begun = 0

    def reader() -> subprocess.Popen:
        nonlocal begun
        begun += 1
        return subprocess.Popen([sys.executable, str(Path(__file__).with_name("reader.py")), json.dumps({**told, "run": f"run-{begun}"})],
                                env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def whole() -> float:
        """An intake that nobody kills, and how long it takes from its first word."""
        process = reader()
        assert process.stdout is not None and process.stdout.readline() == "reading\n", process.communicate()
        began = time.monotonic()
        out, errors = process.communicate(timeout=600)
        assert process.returncode == 0, out + errors
        return time.monotonic() - began

    def put() -> None:
        numbers = range(len(sent), len(sent) + _MAILS)
        new = [letter(f"p{number}@example.org", "Carpeta perdida", f"Se borró la carpeta {number}\nOficina: Otra\n") for number in numbers]
        new[-1].replace_header("From", "extrano@evil.example")      # one that is set aside
        sent.extend(new)
        house.dovecot.put(*new)

    sent: list = []
    put()
    lasts, killed, chance = whole(), 0, random.Random(os.urandom(8))
    while killed < KILLS:
        put()
        left = _MAILS
        while killed < KILLS and left:
            both = [reader(), reader()]
            for each in both:
                assert each.stdout is not None and each.stdout.readline() == "reading\n"
            before = killed
            for each in both:
                time.sleep(chance.uniform(0, lasts / 2))
                killed += each.poll() is None
                each.kill()
                each.communicate()
            waiting = len(house.dovecot.lying("INBOX"))
            # with each request that there is a mail takes longer: kills must come neither before the first one is done each time, nor after the last
            lasts, left = lasts * (1.3 if waiting == left else 0.8 if killed < before + 2 else 1), waiting
            assert begun < 20 * (KILLS + 10), "readers end without taking what lies there"
    whole()

    # two readers that move one mail at the same moment may leave it twice in its folder (Dovecot copies, then expunges): a mail is counted by its bytes
    folders = {name: set(house.dovecot.lying(name)) for name in ("INBOX", "Atendidos", "Revisar")}
    assert [len(folders[name]) for name in folders] == [0, len(sent) - len(sent) // _MAILS, len(sent) // _MAILS]
    entries = house.entries("mail_taken", "mail_set_aside")
    assert len(entries) == len(sent) and set(Counter(each["mail_sha256"] for each in entries).values()) == {1}
    opened = house.entries("request_opened")
    assert len(opened) == len({each["ticket"] for each in opened}) == len({each["mail_sha256"] for each in opened}) == len(folders["Atendidos"])
    assert {each["ticket"] for each in house.entries("ticket_reserved")} == {each["ticket"] for each in opened} == set(house.requests())
    assert killed >= KILLS
