# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samba reads what would be in force before it is, and reads its files again afterwards."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Tuple

from ..errors import BackupError
from ..filesystem import descriptors
from ..processes import programs
from ..processes.workspace import Workspace
from .share_files import TIMEOUT, read, run, write
from .share_texts import list_of, smb_conf

if TYPE_CHECKING:
    from .shares import Plan, Settings


def prove(plans: Sequence[Plan], kept: Mapping[str, str], wanted: Mapping[str, str], settings: Settings) -> None:
    """Let Samba read what would be in force, before it is. Raises share_refused."""
    with Workspace() as own:
        trial = settings._replace(smb_conf=own.file("smb.conf"), directory=own.file("shares"))
        os.close(descriptors.make_directory(own.held, "shares"))
        for name in kept:
            write(trial.share_file(name), read(settings.share_file(name)))
        for plan in plans:
            if plan.folder.present:
                write(trial.share_file(plan.folder.name), plan.share_after)
        ours = sorted(list(wanted) + list(kept))
        without = re.sub(r"^\s*include = {0}\s*$".format(re.escape(settings.list_file)), "", read(settings.smb_conf), flags=re.MULTILINE)
        write(trial.smb_conf, without)
        sections, said = _testparm(trial.smb_conf, "smb.conf")
        for name in ours:
            if name.lower() in {section.lower() for section in sections}:
                raise BackupError("share_refused", folder=name, detail="{0} has a share of that name already".format(settings.smb_conf))
        write(trial.list_file, list_of(ours, trial))
        write(trial.smb_conf, smb_conf(trial))
        what = ", ".join(plan.folder.name for plan in plans)
        found, now_said = _testparm(trial.smb_conf, what)
        news = [line for line in now_said if line not in said]
        if news:
            raise BackupError("share_refused", folder=what, detail="; ".join(news))
        for name, path in wanted.items():
            if found.get(name) != path:
                raise BackupError("share_refused", folder=name, detail="testparm reads its path as {0!r}".format(found.get(name)))


def _testparm(path: str, what: str) -> Tuple[Dict[str, str], List[str]]:
    """Sections with their path as testparm reads a configuration, and what it complained of. Raises share_refused."""
    answer = subprocess.run([programs.find("testparm", "samba-common-bin"), "--suppress-prompt", path], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=programs.environment(), timeout=TIMEOUT, check=False)
    said = [line for line in answer.stderr.decode("utf-8", "replace").splitlines()
            if re.search(r"unknown parameter|not boolean|error|invalid|warning|bad |can't|unable|failed", line, re.IGNORECASE)]
    if answer.returncode:
        raise BackupError("share_refused", folder=what, detail="; ".join(said) or "testparm ended with {0}".format(answer.returncode))
    sections: Dict[str, str] = {}
    name = ""
    for line in answer.stdout.decode("utf-8", "replace").splitlines():
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
            sections[name] = ""
        elif line.strip().startswith("path = "):
            sections[name] = line.strip()[len("path = "):]
    return sections, said


def reload(plans: Sequence[Plan], changed: bool) -> None:
    """smbd reads its files again; sessions go on. Those of a withdrawn share are closed: it is no longer theirs."""
    if not changed:
        return
    control = programs.find("smbcontrol", "samba-common-bin")
    if subprocess.run([control, "smbd", "ping"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                      env=programs.environment(), timeout=TIMEOUT, check=False).returncode:
        return       # smbd does not run; it reads its files when it starts
    run([control, "smbd", "reload-config"], "smbd")
    for plan in plans:
        if not plan.folder.present and plan.share_before:
            run([control, "smbd", "close-share", plan.folder.name], plan.folder.name)
