# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs of life of a run, told to services outside (`backup_heartbeats`), so that a controller that is dead is missed by somebody who is not.

A run that ends well says so, one that fails says that, and one that died says nothing. The callback asks; a process of its own (_pinging.py) does the
asking, with limits of its own, so that nothing of a service can hold or fail a run. What did not arrive is an entry `heartbeat_failed`, which warnings tell.
The tokens go to that process by its standard input, and nowhere else.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible.template import Templar

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ._bitacora.recorder import Recorder
from ._schedules.purposes import PURPOSES

VARIABLE = "backup_heartbeats"
EVENT = "heartbeat_failed"
START, GOOD, FAILED = "start", "good", "failed"
TYPES = ("healthchecks", "uptime_kuma", "get")
SECONDS = 5.0           # for all signs of one moment together
_KILLED_AFTER = 2.0     # more than that: the process that asks has its own limit
_KEYS = ("name", "type", "url", "token", "purposes", "proxy", "ca_certs")
_URL = re.compile(r"https://[!-~]+|http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]+)?(?:/[!-~]*)?")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)?")
_PING = """import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _pinging
_pinging.main()"""


class Heartbeat(NamedTuple):
    """A service that waits for signs of life, of some purposes or of all."""

    name: str
    type: str
    url: str
    token: str
    purposes: tuple[str, ...]
    proxy: str
    ca_certs: str


def read(given: Any) -> list[Heartbeat]:
    """What the inventory says. Raises BackupError RSP778, which names the place and never the value."""
    if not isinstance(given, (list, tuple)):
        raise BackupError("heartbeats_invalid", where=VARIABLE, problem="is no list")
    found = [_heartbeat(row, f"{VARIABLE}[{index}]") for index, row in enumerate(given)]
    for index, each in enumerate(found):
        if each.name in [other.name for other in found[:index]]:
            raise BackupError("heartbeats_invalid", where=f"{VARIABLE}[{index}].name", problem="is the name of two")
    return found


def _heartbeat(row: Any, where: str) -> Heartbeat:
    if not isinstance(row, Mapping):
        raise BackupError("heartbeats_invalid", where=where, problem="is no table")
    odd = sorted(str(key) for key in row if key not in _KEYS)
    if odd:
        raise BackupError("heartbeats_invalid", where=f"{where}.{result.seen(odd[0][:40])}", problem="is no key of it")
    purposes = row.get("purposes") or ()
    if not isinstance(purposes, (list, tuple)) or not all(isinstance(each, str) and each in PURPOSES for each in purposes):
        raise BackupError("heartbeats_invalid", where=where + ".purposes", problem="names what is no purpose")
    # a text of the vault is one that opens when it is made a plain one
    texts = {key: str(row[key]) if row.get(key) is not None else "" for key in _KEYS if key != "purposes"}
    texts["type"] = texts["type"] or TYPES[0]
    for key, good in (("name", bool(texts["name"].strip())), ("type", texts["type"] in TYPES), ("url", bool(_URL.fullmatch(texts["url"]))),
                      ("token", bool(_TOKEN.fullmatch(texts["token"])) or (texts["type"] == "get" and not texts["token"]))):
        if not good:
            raise BackupError("heartbeats_invalid", where=f"{where}.{key}", problem="is missing or has not its form")
    return Heartbeat(purposes=tuple(map(str, purposes)), **texts)


def address(heartbeat: Heartbeat, sign: str, verdict: str = "") -> str:
    """Where a sign goes; "" where this service has no place for it."""
    scheme, host, path, query, _fragment = urllib.parse.urlsplit(heartbeat.url)
    path = "/".join(filter(None, (path.rstrip("/"), heartbeat.token))) or "/"
    if heartbeat.type == "healthchecks":
        path += {START: "/start", GOOD: "", FAILED: "/fail"}[sign]
    elif sign == START or (sign == FAILED and heartbeat.type == "get"):
        return ""
    elif heartbeat.type == "uptime_kuma":
        told = urllib.parse.urlencode({"status": "up" if sign == GOOD else "down", "msg": verdict or sign})
        query = "&".join(filter(None, (query, told)))
    return urllib.parse.urlunsplit((scheme, host, path if path.startswith("/") else "/" + path, query, ""))


def purpose_of(playbook: str) -> str:
    """The purpose whose playbook this is; "" for others, which give no sign."""
    return next((name for name, purpose in PURPOSES.items() if purpose.playbook + ".yml" == playbook), "")


class _Asked(NamedTuple):
    """The process that asks now, and whom."""

    process: subprocess.Popen[str]
    names: tuple[str, ...]


class Heart:
    """The signs of one run. Nothing here raises or waits longer than SECONDS and a little: what went wrong is told in entries."""

    def __init__(self, playbook: Any, name: str, simulated: bool) -> None:
        self.purpose = "" if simulated else purpose_of(name)
        self._heartbeats: list[Heartbeat] = []
        self._began: _Asked | None = None
        self._failures: dict[str, BackupError] = {}
        if not self.purpose:
            return
        try:
            known = [each for each in read(_declared(playbook) or []) if not each.purposes or self.purpose in each.purposes]
            self._heartbeats = known
            self._began = self._ask(START)
        except BackupError as error:
            self._failures[VARIABLE] = error
        except Exception as error:
            # of whatever Ansible, a lookup or the vault raises, the class alone is told: its words may hold what was templated
            self._failures[VARIABLE] = BackupError("heartbeats_invalid", where=VARIABLE, problem=f"can't be read ({type(error).__name__})")

    def end(self, recorder: Recorder, good: bool) -> None:
        """Say how the run ended, and record what did not arrive. The second time it does nothing."""
        try:
            self._hear(self._began)
            self._hear(self._ask(GOOD if good else FAILED, recorder.verdict))
        except Exception as error:
            self._failures.setdefault(VARIABLE, BackupError("heartbeats_invalid", where=VARIABLE, problem=f"could not be told ({type(error).__name__})"))
        failures, self._failures, self._heartbeats, self._began = self._failures, {}, [], None
        for name, failure in failures.items():
            recorder.backup("localhost", result.build(event=EVENT, purpose=self.purpose, medium=name, **result.failure(failure)), False)
        recorder.flush_pending()

    def _ask(self, sign: str, verdict: str = "") -> _Asked | None:
        rows = {each.name: {"address": address(each, sign, verdict), "token": each.token, "url": each.url, "type": each.type, "proxy": each.proxy,
                            "ca_certs": each.ca_certs} for each in self._heartbeats if address(each, sign, verdict)}
        if not rows:
            return None
        here = [str(Path(__file__).parents[5]), *sys.path]
        process = subprocess.Popen([sys.executable, "-I", "-c", _PING, json.dumps(here)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        if process.stdin:
            process.stdin.write(json.dumps({"seconds": SECONDS, "rows": rows}))
            process.stdin.close()
            process.stdin = None
        return _Asked(process, tuple(rows))

    def _hear(self, asked: _Asked | None) -> None:
        if asked is None:
            return
        process = asked.process
        try:
            told = json.loads(process.communicate(timeout=SECONDS + _KILLED_AFTER)[0] or "{}")
        except (subprocess.TimeoutExpired, ValueError):
            process.kill()
            process.communicate()
            told = {}
        for name in asked.names:
            why = told.get(name, "it gave no answer")
            if why:
                self._failures.setdefault(name, BackupError("heartbeat_failed", name=name, purpose=self.purpose,
                                                            purpose_es=PURPOSES[self.purpose].title, detail=why))


def _declared(playbook: Any) -> Any:
    """`backup_heartbeats` as the controller itself (localhost) has it, filled in."""
    play = playbook.get_plays()[0]
    manager = play.get_variable_manager()
    variables = manager.get_vars(host=manager._inventory.get_host("localhost"))
    if not variables.get(VARIABLE):
        return []
    return Templar(loader=playbook.get_loader(), variables=variables).template(variables[VARIABLE])
