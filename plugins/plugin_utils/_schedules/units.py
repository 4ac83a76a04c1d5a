# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schedule as units of systemd. Pure: texts in, texts out. No secret stands in a unit: what opens the vault is named by its path alone.

systemd starts no second one of a service that is at work, so nothing else need keep two starts of one purpose apart. Two purposes, or a start by hand
beside these, are kept apart by the lock of each system on its media, as ever (RSP404): a lock of the whole playbook would make all wait for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy.vocabulary import DAYS_OF_WEEK
from .purposes import PURPOSES
from .when import Timed, When, in_words

PREFIX = "respaldo-"
FAILURE = PREFIX + "fallo@.service"
NAME = re.compile(r"respaldo-[a-z-]+\.(?:service|timer)|respaldo-fallo@\.service")
# What a line of a unit holds without being quoted, and no $ or %, which systemd would replace.
_PLAIN = re.compile(r"[A-Za-z0-9_./:,=@+-]+")


class Command(NamedTuple):
    """How a playbook is run."""

    program: str                     # ansible-playbook, its whole path
    directory: str                   # where it stands: the collection, whose ansible.cfg is read
    inventories: tuple[str, ...]
    vaults: tuple[str, ...]          # what --vault-id takes: a path, or label@path
    environment: tuple[tuple[str, str], ...]


def mark(inventories: Sequence[str]) -> str:
    """The first line of each unit of ours, by which the units of this inventory are known: whole, so that none of others is ever taken for ours."""
    return f"# perucompras.respaldo.backup_schedule 1: {' '.join(inventories)}"


def is_ours(text: str, inventories: Sequence[str]) -> bool:
    return text.split("\n", 1)[0] == mark(inventories)


def on_calendar(when: When, zone: str) -> str:
    """systemd's own form of a time."""
    if when.every_minutes:
        hours, minutes = divmod(when.every_minutes, 60)
        clock = f"*:00/{minutes:02}:00" if minutes else f"00/{hours}:00:00" if hours > 1 else "*:00:00"
        return f"*-*-* {clock} {zone}"
    days = "".join(f"{day[:3].capitalize()}," for day in DAYS_OF_WEEK if day in when.days).rstrip(",")
    date = f"*-*-{when.month_day:02}" if when.month_day else "*-*-*"
    return f"{days + ' ' if days else ''}{date} {when.at}:00 {zone}"


def render(schedule: Mapping[str, Timed], command: Command) -> dict[str, str]:
    """Name of each unit -> its text. Raises BackupError RSP101 on what can't stand in a unit as it is."""
    for where, told in (("command", command.program), ("the collection", command.directory), *(("inventory", each) for each in command.inventories),
                        *(("vault_ids", each) for each in command.vaults), *command.environment):
        if told and not _PLAIN.fullmatch(told):
            raise BackupError("invalid_input", where=where, value=told, problem="has characters that a unit of systemd gives another meaning to",
                              mend="Use a path of letters, digits and . _ - / only.")
    units: dict[str, str] = {}
    for name, timed in schedule.items():
        units[f"{PREFIX}{name.replace('_', '-')}.service"] = _service(name, command)
        units[f"{PREFIX}{name.replace('_', '-')}.timer"] = _timer(name, timed, command)
    if units:
        units[FAILURE] = _failure(command, "warnings" in schedule)
    return units


def unit_of(name: str, kind: str = "timer") -> str:
    """The unit of a purpose. Names of units have no underscore, which systemd's own words for instances escape."""
    return f"{PREFIX}{name.replace('_', '-')}.{kind}"


def purpose_of(unit: str) -> str:
    """The purpose of a unit, or "" where it is of none."""
    name = unit.removeprefix(PREFIX).partition(".")[0].replace("-", "_")
    return name if name in PURPOSES and unit in (unit_of(name, "service"), unit_of(name)) else ""


def argv(playbook: str, command: Command) -> str:
    return " ".join([command.program, *(word for each in command.inventories for word in ("--inventory", each)),
                     *(word for each in command.vaults for word in ("--vault-id", each)), f"{command.directory}/playbooks/{playbook}.yml"])


_AFTERWARDS = """\
# Lo que un corte dejó sin empezar empieza al volver; qué se copia entonces lo dice la política (catch_up).
Persistent=true
"""
_NOT_AFTERWARDS = """\
# Lo que un corte dejó sin empezar espera a su hora siguiente (catch_up: false en backup_schedule).
Persistent=false
"""


def _timer(name: str, timed: Timed, command: Command) -> str:
    return f"""{mark(command.inventories)}
# No se edita: se declara en backup_schedule y se pone con playbooks/schedule.yml.
[Unit]
Description=Respaldo: {PURPOSES[name].title}, {in_words(timed.when)} ({timed.zone})

[Timer]
OnCalendar={on_calendar(timed.when, timed.zone)}
{_AFTERWARDS if timed.catch_up else _NOT_AFTERWARDS}\
RandomizedDelaySec={timed.delay_minutes * 60}
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


def _environment(command: Command) -> str:
    return "".join(f"Environment={key}={value}\n" for key, value in command.environment)


# Of what systemd can take away from a service, only what no playbook of ours needs: everything here is root's, and goes to servers by SSH. Read by staff.
_HARDENING = """\
# Nadie cambia la hora (de ella dependen rótulos y plazos) ni apaga el equipo desde aquí.
CapabilityBoundingSet=~CAP_SYS_TIME CAP_SYS_BOOT
LockPersonality=yes
RestrictRealtime=yes
SystemCallArchitectures=native
# No se usan, cada una por lo que un playbook hace en el propio controlador, que es un servidor más:
#   UMask: los paquetes hacen directorios que otros deben leer; lo nuestro tiene sus propios modos
#   NoNewPrivileges, RestrictSUIDSGID: become (sudo, runuser), y archivos que se restauran con sus modos
#   ProtectSystem, ProtectHome, ReadWritePaths: paquetes, carpetas, medios y datos restaurados están en cualquier lugar
#   PrivateTmp: sockets de bases de datos en /tmp
#   PrivateDevices, ProtectClock, ProtectKernelModules: instantáneas de LVM
#   RestrictNamespaces: el lugar aparte donde se restaura de prueba
#   MemoryDenyWriteExecute: las expresiones que PostgreSQL compila
#   RestrictAddressFamilies, IPAddressDeny: SSH, bases de datos, nubes, correo
"""


def _service(name: str, command: Command) -> str:
    purpose = PURPOSES[name]
    return f"""{mark(command.inventories)}
# No se edita: se declara en backup_schedule y se pone con playbooks/schedule.yml.
[Unit]
Description=Respaldo: {purpose.title} ({purpose.playbook}.yml)
Wants=network-online.target
After=network-online.target time-sync.target
# Deja el asiento que la ejecución no pudo dejar.
OnFailure=respaldo-fallo@%n.service

[Service]
Type=oneshot
WorkingDirectory={command.directory}
{_environment(command)}Environment=RESPALDO_SCHEDULE={name}
ExecStart={argv(purpose.playbook, command)}
# Una copia dura lo que dura; sus límites son los del inventario.
TimeoutStartSec=infinity
# Para detenerla en orden: la ejecución lo registra y termina a sus procesos.
KillMode=mixed
TimeoutStopSec=120
{_HARDENING}"""


def _failure(command: Command, warn: bool) -> str:
    # without the inventory, which may be what is broken; then people are warned, as far as the inventory can be read
    record = f"{command.program} --inventory localhost, {command.directory}/playbooks/schedule_failure.yml --extra-vars schedule_failure_unit=%i"
    more = f"ExecStart=-{argv('warn', command)}\n" if warn else ""
    return f"""{mark(command.inventories)}
# No se edita: se pone con playbooks/schedule.yml.
[Unit]
Description=Respaldo: asiento de la programación que falló (%i)

[Service]
Type=oneshot
WorkingDirectory={command.directory}
{_environment(command)}ExecStart={record}
{more}TimeoutStartSec=1h
{_HARDENING}"""
