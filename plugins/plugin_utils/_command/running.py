# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One playbook through ansible-runner: its whole output in a log, nothing of it left elsewhere, signals handed on so that the bitácora tells of them."""

from __future__ import annotations

import contextlib
import json
import locale
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import telling
from .configured import Configuration, Unusable, others_write
from .heard import Heard, without_colours

_CALLBACK = "perucompras.respaldo.bitacora"


class Run(NamedTuple):
    playbook: Path
    arguments: list[str]                # of ansible-playbook, but inventory and variables
    variables: Mapping[str, Any]
    collections: str                    # the directory that holds ansible_collections


def words_of(run: Run, configuration: Configuration) -> list[str]:
    """The command that it stands for."""
    words = ["ansible-playbook", "-i", configuration.inventory, *run.arguments, str(run.playbook)]
    if run.variables:
        words += ["-e", json.dumps(dict(run.variables), ensure_ascii=False)]
    return words


def environment(run: Run, configuration: Configuration) -> dict[str, str]:
    """What the run needs of the environment beside its caller's."""
    told = {"ANSIBLE_CALLBACKS_ENABLED": _CALLBACK, "LC_ALL": _utf8(os.environ.get("LC_ALL", "")), "ANSIBLE_FORCE_COLOR": "false",
            "PYTHONIOENCODING": "utf-8",      # what it says is read here, whatever our own terminal can show
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([run.collections, "~/.ansible/collections", "/usr/share/ansible/collections"])}
    if configuration.bitacora:
        told["RESPALDO_BITACORA"] = configuration.bitacora
    own = Path(run.collections).parent / "ansible.cfg"
    if configuration.ansible_cfg or own.is_file():
        told["ANSIBLE_CONFIG"] = configuration.ansible_cfg or str(own)
    else:
        told["ANSIBLE_INJECT_FACT_VARS"] = "false"      # RSP115: a server's facts never become variables
    return told


def _utf8(asked: str) -> str:
    """The locale asked for where this machine has it and it is UTF-8: in another Ansible does not start."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, asked or "C")
        return asked if locale.nl_langinfo(locale.CODESET).upper() == "UTF-8" else "C.UTF-8"
    except locale.Error:
        return "C.UTF-8"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def start(run: Run, configuration: Configuration, heard: Heard, log: Path | None, everything: bool) -> int:
    """Runs it to its end; its exit status, 128 + N where a signal ended it. Raises Unusable when there is no ansible-playbook."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])     # the ansible-playbook of this Python first
    if shutil.which("ansible-playbook", path=path) is None:
        raise Unusable("No se encuentra ansible-playbook. Instale requirements.txt de la colección en el Python que ejecuta respaldo.")
    try:
        import ansible_runner
    except ImportError:
        raise Unusable("Falta ansible-runner. Instale requirements.txt de la colección en el Python que ejecuta respaldo.") from None
    private = Path(tempfile.mkdtemp(prefix="respaldo-"))     # mode 0700: ansible-runner keeps the environment there
    try:
        with contextlib.ExitStack() as stack:
            kept = stack.enter_context(_opened(log)) if log else None
            stack.enter_context(_handing_on())

            def listen(event: Mapping[str, Any]) -> bool:
                text = without_colours(str(event.get("stdout") or ""))      # ansible-runner's own output plugin has them always
                if kept and text:
                    kept.write(text + "\n")
                    kept.flush()
                if everything and text:
                    telling.whole(text)
                return heard.event(event)

            ended = ansible_runner.run(
                private_data_dir=str(private), project_dir=os.getcwd(), playbook=str(run.playbook), inventory=configuration.inventory,
                extravars=dict(run.variables) or None, cmdline=" ".join(map(shlex.quote, run.arguments)) or None,
                envvars={**environment(run, configuration), "PATH": path},
                event_handler=listen, cancel_callback=lambda: False, quiet=True, suppress_env_files=True)
            return int(ended.rc if ended.rc is not None else 1)
    finally:
        shutil.rmtree(private, ignore_errors=True)


@contextlib.contextmanager
def _opened(log: Path) -> Iterator[Any]:
    """The log, which only its owner reads."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if others_write(log.parent):
        raise Unusable(f"{log.parent} lo pueden escribir otros: no se escribe ahí. Déjelo escribible solo para su dueño (chmod go-w {log.parent}), o indique "
                       "otro directorio en «registros».")
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8", errors="replace") as file:
        yield file


@contextlib.contextmanager
def _handing_on() -> Iterator[None]:
    """Ctrl-C and SIGTERM reach ansible-playbook, which is in a session of its own, as they came: then the run ends as interrupted, with its entry.
    ansible-runner's own way is SIGKILL, which leaves the run open.
    """
    def hand_on(number: int, _frame: object) -> None:
        for child in _children():
            with contextlib.suppress(OSError):
                os.killpg(child, number)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _children() -> list[int]:
    """Process ids of our own children that lead a group: ansible-playbook does, since it has a terminal of its own."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            after_name = status.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            process = int(status.parent.name)
            if int(after_name[1]) == os.getpid() and int(after_name[2]) == process:
                found.append(process)
    return found


def log_of(configuration: Configuration, verb: str) -> Path:
    """The name of a run's log: two in the same second differ by the process."""
    return configuration.logs / f"{time.strftime('%Y%m%dT%H%M%S')}-{verb}-{os.getpid()}.log"
