# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units where systemd reads them: what stands there, what is put and taken away, and the programs of systemd."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.folders import share_files
from .units import NAME, is_ours, mark

DIRECTORY = "/etc/systemd/system"
_RUNNING = Path("/run/systemd/system")
_SECONDS = 120
_LONGEST = 500


class Found(NamedTuple):
    """What an inventory's units are to become, against what stands there."""

    before: Mapping[str, str]        # units of this inventory that stand there, as they are
    changed: tuple[str, ...]         # to be written
    unwanted: tuple[str, ...]        # to be removed


def look(directory: str, wanted: Mapping[str, str], inventories: Sequence[str]) -> Found:
    """Compare. Raises BackupError RSP740 where a unit that is wanted stands there and is not ours."""
    before = {}
    for name in sorted(os.listdir(directory)):
        if not NAME.fullmatch(name):
            continue
        path = os.path.join(directory, name)
        text = "" if os.path.islink(path) else share_files.read(path)
        if is_ours(text, inventories):
            before[name] = text
        elif name in wanted:
            raise BackupError("unit_of_others", unit=path, mark=mark(inventories))
    return Found(before, tuple(name for name, text in wanted.items() if before.get(name) != text), tuple(name for name in before if name not in wanted))


def extended(directory: str, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Units to which somebody gave more in a file of its own beside them (`systemctl edit`), and these files."""
    found = {}
    for name in names:
        beside = os.path.join(directory, name + ".d")
        more = tuple(os.path.join(beside, each) for each in sorted(os.listdir(beside)) if each.endswith(".conf")) if os.path.isdir(beside) else ()
        found.update({name: more} if more else {})
    return found


def prove(units: Mapping[str, str]) -> None:
    """What systemd itself says of units before they are put in their place. Raises BackupError RSP744."""
    if not units:
        return
    with tempfile.TemporaryDirectory(prefix="respaldo-") as scratch:
        for name, text in units.items():
            Path(scratch, name).write_text(text, "utf-8")
        said = run(["systemd-analyze", "verify", "--recursive-errors=no", *(str(Path(scratch, name)) for name in units if "@" not in name)])
        if "respaldo-" in said:
            raise BackupError("unit_refused", detail=_short(said))


def runs() -> bool:
    """Whether this machine was started by systemd, as systemd says that others are to ask it (sd_booted)."""
    return _RUNNING.is_dir()


def refuse_without() -> None:
    """Raises BackupError RSP743 where no systemd of this machine can be told anything."""
    if not runs() or os.geteuid():
        raise BackupError("schedule_without_systemd", detail="it does not run here" if not runs() else "this is not root")


def unread(names: Iterable[str]) -> list[str]:
    """Units whose files systemd has not read since they were written: by a run that died before it could tell it, or by an editor. They still start at
    the hour that their files had before. Raises BackupError RSP744.
    """
    asked = [name for name in names if "@." not in name]     # of a template only what is made of it is loaded
    if not asked:
        return []
    said = run(["systemctl", "show", "--property=Id", "--property=NeedDaemonReload", "--", *asked])
    return [name for name in asked if any({"Id=" + name, "NeedDaemonReload=yes"} <= set(block.splitlines()) for block in said.split("\n\n"))]


def place(directory: str, wanted: Mapping[str, str], found: Found, stale: Sequence[str] = ()) -> None:
    """Write and remove, each by one step, with timers stopped before their file goes. Then systemd reads all of it, also where only `stale` units ask for
    that. Raises BackupError RSP744.
    """
    gone = [name for name in found.unwanted if name.endswith(".timer")]
    if gone:
        run(["systemctl", "disable", "--now", *gone])
    for name in found.unwanted:
        share_files.remove(os.path.join(directory, name))
    for name in found.changed:
        share_files.write(os.path.join(directory, name), wanted[name])
    if found.unwanted or found.changed or stale:
        run(["systemctl", "daemon-reload"])
    for name in found.unwanted:
        # a service that failed last stays in systemd's list, and the machine "degraded", after its file is gone; of one that did not, this does nothing
        _is("reset-failed", name.replace("@.", "@*."))
    again = [name for name in (*found.changed, *stale) if name.endswith(".timer")]
    if again:
        # a timer that ran with another time counts anew
        run(["systemctl", "enable", *again])
        run(["systemctl", "restart", *again])


def idle(timers: Iterable[str]) -> list[str]:
    """Those of timers that somebody stopped or disabled."""
    return [name for name in timers if not (_is("is-enabled", name) and _is("is-active", name))]


def enable(timers: Sequence[str]) -> None:
    if timers:
        run(["systemctl", "enable", "--now", *timers])


def shown(unit: str, properties: Sequence[str]) -> dict[str, str]:
    """Properties of a unit as systemd has them."""
    said = run(["systemctl", "show", "--timestamp=unix", *(f"--property={name}" for name in properties), "--", unit])
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def _is(question: str, unit: str) -> bool:
    """Whether systemctl says yes."""
    try:
        return subprocess.run(["systemctl", "--quiet", question, unit], timeout=_SECONDS, check=False, capture_output=True).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def run(argv: Sequence[str]) -> str:
    """What a program of systemd says. Raises BackupError RSP744 (it refuses) or RSP743 (it is not there)."""
    try:
        answer = subprocess.run(list(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_SECONDS, check=False, text=True, errors="replace",
                                env={**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""})
    except FileNotFoundError as error:
        raise BackupError("schedule_without_systemd", detail="{0} is not installed".format(argv[0])) from error
    except subprocess.TimeoutExpired as error:
        raise BackupError("unit_refused", detail="{0} does not answer".format(argv[0])) from error
    if answer.returncode:
        raise BackupError("unit_refused", detail="{0}: {1}".format(" ".join(argv[:2]), _short(answer.stdout)))
    return answer.stdout


def _short(said: str) -> str:
    return " ".join(said.split())[:_LONGEST] or "no word"
