# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check looks at on the controller: the callback and the bitácora, custody, mail, signs of life, the schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ...module_utils._engine.errors import BackupError
from .. import _guard, _heartbeats, _pinging, _sending, _smtp
from .._decisions.warnings import Message
from . import asking, core
from .findings import WARNS, Finding, not_ready, of_error, of_result

_SECONDS = 5.0


def recording() -> Iterator[Finding]:
    """Whether a run is recorded: the callback is active, the store takes entries; and whether this Ansible is one that is tested."""
    old = core.unsupported()
    if old is not None:
        yield from of_error(old, weight=WARNS)
    try:
        told = _guard.prove()
    except BackupError as error:
        yield from of_error(error)
        return
    for words in told.get("warnings", ()):
        yield from of_error(not_ready("", words, words, "Run verify.yml.", "Ejecute verify.yml y vea qué dice de la bitácora."), weight=WARNS)


def custody(action: ActionBase, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> Iterator[Finding]:
    """Whether custodians answer and hold the keys of the copies that exist, by what backup_custody would do."""
    given = {name: arguments[name] for name in ("policy_file", "actors", "custodians", "directory") if arguments[name]}
    told = asking.simulate(action, "backup_custody", given, task_vars)
    yield from of_result(told, where="backup_custodians")
    for problem in told.get("problems") or ():
        yield from of_result({"failed": True, "error": problem}, where="backup_custodians")


def schedule(action: ActionBase, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> Iterator[Finding]:
    """Whether the schedule can be, and is in force as it is declared."""
    scheduler = arguments["scheduler"] or "systemd"
    given = {name: arguments[name] for name in ("policy_file", "actors") if arguments[name]}
    told = asking.simulate(action, "backup_schedule", {**given, "schedule": arguments["schedule"] or {}, "scheduler": scheduler}, task_vars)
    if told.get("failed"):
        yield from of_result(told, where="backup_schedule")
    elif scheduler == "systemd" and told.get("changed"):
        yield from of_error(not_ready("", "its timers are not those that the inventory declares: nothing starts copies at these hours",
                                      "los temporizadores no son los que declara el inventario: nadie inicia las copias a esas horas",
                                      "Run schedule.yml as root on the controller.",
                                      "Ejecute schedule.yml como root en el controlador; si otro inicia los playbooks, dé backup_scheduler."),
                            where="backup_schedule", weight=WARNS)


def mail(settings: Mapping[str, Any] | None, services: Any, institution: str, sends: bool) -> Iterator[Finding]:
    """Whether anybody is warned; with `sends` a mail goes, so that who reads it knows that others would arrive."""
    if not settings and not services:
        yield from of_error(not_ready("", "nobody is warned: there is neither mail nor a service",
                                      "no se avisa a nadie: no hay correo ni servicio de mensajería", "Give backup_warn_mail.",
                                      "Declare backup_warn_mail (guía, «Avisos»): si no, nadie se entera de una falla."),
                            where="backup_warn_mail", weight=WARNS)
    if not settings:
        return
    try:
        _sending.check_mail(settings)
        if sends:
            text = "Correo de prueba de la comprobación (check.yml): los avisos de respaldo de {0} llegan a esta dirección.".format(institution)
            refused = _sending.by_mail(settings, Message(f"[Respaldo] Prueba de correo de {institution}", text, f"<p>{text}</p>"))
            if refused:
                unsent = BackupError("warning_unsent", channel=_smtp.where(settings), detail=", ".join(refused))
                yield from of_error(unsent, where="backup_warn_mail.to")
    except BackupError as error:
        yield from of_error(error, where="backup_warn_mail")


def heartbeats(given: Any, sends: bool) -> Iterator[Finding]:
    """Whether services that wait for signs of life are written rightly; with `sends` each is asked once, as at the beginning of a run."""
    try:
        found = _heartbeats.read(given or [])
    except BackupError as error:
        yield from of_error(error, where="backup_heartbeats")
        return
    for each in found if sends else ():
        place = _heartbeats.address(each, _heartbeats.START) or _heartbeats.address(each, _heartbeats.GOOD, "prueba")
        why = _pinging.ping({**each._asdict(), "address": place}, _SECONDS)
        if why:
            failure = BackupError("heartbeat_failed", name=each.name, purpose="check", purpose_es="comprobación", detail=why)
            yield from of_error(failure, where="backup_heartbeats")
