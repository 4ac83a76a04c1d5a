# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose run it is: the process, and the person as far as the kernel tells; what the environment claims is a claim."""

from __future__ import annotations

import os
import pwd
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.release import __version__ as ansible_version

from ...module_utils._engine import result
from . import launched

# What the kernel gives for a session that began with no login: a service, a container.
_NO_LOGIN = 2 ** 32 - 1
_LONGEST_NAME = 200


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _process_start(pid: int) -> str:
    """When a process started, in the kernel's ticks since boot; "" when it does not live. Tells a reused pid apart."""
    fields = _first_line("/proc/{0}/stat".format(pid)).rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def identity() -> dict[str, Any]:
    """What tells later whether this process still lives."""
    namespace = os.readlink("/proc/self/ns/pid") if os.path.exists("/proc/self/ns/pid") else ""
    return {
        "controller": socket.gethostname(), "pid": os.getpid(), "pid_namespace": namespace,
        "pid_start": _process_start(os.getpid()), "boot_id": _first_line("/proc/sys/kernel/random/boot_id"),
    }


def is_elsewhere(started: Mapping[str, Any], me: Mapping[str, Any]) -> bool:
    """Whether a run is of another controller, or of another container, whose processes are not seen from here."""
    if started.get("controller") != me["controller"]:
        return True
    return started.get("boot_id") == me["boot_id"] and started.get("pid_namespace") != me["pid_namespace"]


def is_dead(started: Mapping[str, Any], me: Mapping[str, Any]) -> bool:
    """Whether a run surely ended, as far as can be seen from here."""
    if is_elsewhere(started, me):
        return False
    if started.get("boot_id") != me["boot_id"]:
        return True
    pid = started.get("pid")
    # whoever can write to the bitácora may have written anything there: then no process is meant
    return not isinstance(pid, int) or _process_start(pid) != started.get("pid_start")


def facts(playbook: Any, simulated: bool) -> dict[str, Any]:
    """What a run's start tells: its playbook, Ansible, who runs it and what began it."""
    plays = playbook.get_plays()
    manager = plays[0].get_variable_manager() if plays else None
    given = manager.extra_vars if manager else {}
    found = {
        "playbook": os.path.basename(str(getattr(playbook, "_file_name", ""))), "ansible_version": ansible_version,
        **operator(given), **scheduled(), **launched.claims(given),
    }
    return {**found, "simulated": True} if simulated else found


def operator(extra_variables: Mapping[str, Any]) -> dict[str, str]:
    """Who runs this: `operating_user` as the kernel tells it, and `executed_by`, the same or with what a scheduler or sudo claims.

    The kernel's words are the account that this process has and the one that logged in at the beginning of its session, which sudo
    and su do not change. Environment and extra variables are written by whoever starts the run, so that the name they give stands as a claim, with
    who makes it. Under AWX and Semaphore every run has one account, and that claim is all there is: who may start a run with variables
    of his own is decided there.
    """
    account, login = _name(os.getuid()), _login()
    kernel = account if login in ("", account) else "{0} (sesión de {1})".format(account, login)
    claimed, by, task = _claim(extra_variables)
    told = "{0}, tarea {1}".format(by, task) if task else by
    if not claimed and task:
        # nobody started it: a schedule there, or a hook
        return {"operating_user": kernel, "claimed_by": by, "claimed_task": task, "executed_by": "sin persona (según {0}; cuenta {1})".format(told, kernel)}
    if not claimed or claimed in (account, login) and not task:
        return {"operating_user": kernel, "executed_by": kernel}
    return {"operating_user": kernel, "claimed_user": claimed, "claimed_by": by, **({"claimed_task": task} if task else {}),
            "executed_by": "{0} (según {1}; cuenta {2})".format(claimed, told, kernel)}


def scheduled() -> dict[str, str]:
    """The purpose whose timer began this run, as its unit's environment claims it."""
    purpose = os.environ.get("RESPALDO_SCHEDULE", "")
    return {"purpose": purpose} if re.fullmatch("[a-z_]{1,40}", purpose) else {}


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "uid {0}".format(uid)


def _login() -> str:
    """Who logged in at the beginning of this session; "" where nobody did, or the kernel does not say."""
    text = _first_line("/proc/self/loginuid")
    return _name(int(text)) if text.isdigit() and int(text) != _NO_LOGIN else ""


def _claim(given: Mapping[str, Any]) -> tuple[str, str, str]:
    """A person's name, who says it, and the number of its task there; nothing else is read of the extra variables."""
    for name in ("awx_user_name", "tower_user_name"):
        if isinstance(given.get(name), str):
            return _one_line(given[name]), "AWX", ""
    semaphore = given.get("semaphore_vars")
    details = semaphore.get("task_details") if isinstance(semaphore, Mapping) else None
    if isinstance(details, Mapping):
        person, task = details.get("username"), details.get("id")
        number = str(task) if isinstance(task, int) and not isinstance(task, bool) and 0 < task < 2 ** 53 else ""
        if number or isinstance(person, str):
            return _one_line(person) if isinstance(person, str) else "", "Semaphore", number
    if launched.schedule(given):
        return launched.schedule(given), "AWX", ""
    return _one_line(os.environ.get("SUDO_USER", "")), "sudo", ""


def _one_line(text: str) -> str:
    return result.seen(str(text[:_LONGEST_NAME])).strip()
