# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`respaldo`: a verb is read, its playbook run, and what came of it told in a few lines. Nothing is decided here: the playbooks do."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...module_utils._engine.policy.schema import nearest
from .._checking import core
from . import completing, configured, helping, new, recovering, running, telling, typed
from .configured import Configuration, Unusable
from .heard import Heard
from .typed import Mistake, Typed

USAGE, UNUSABLE = 64, 78     # sysexits.h: EX_USAGE, EX_CONFIG
NOT_READY = 2                # as ansible-playbook ends when a task failed
_VERSION = 1                 # of what --json writes
_COLLECTION = Path(__file__).resolve().parents[3]
_WORDS = {"-h", "--help", "ayuda", "--ayuda"}


def main(words: Sequence[str], collections: str) -> int:
    """The exit status. `collections` is the directory that holds ansible_collections."""
    telling.speak_plainly()
    if not words or words[0] in _WORDS:
        telling.out(helping.general(telling.columns()))
        return 0 if words else USAGE
    if words[0] in ("--completar", "completar"):
        telling.whole(completing.script() if words[0] == "completar" else "\n".join(completing.words(words[1:], os.environ)))
        return 0
    try:
        if _WORDS.intersection(words[1:]) and words[0] in typed.VERBS:
            telling.out(helping.of_verb(words[0], telling.columns()))
            return 0
        given = typed.read(words)
        if given.name == "recuperar":
            status = recovering.lay_out(given.variables, collections, bool(given.common["simular"]))
            if status or given.common["simular"]:
                return status
        if given.name == "nuevo":
            return new.make(given, _COLLECTION, os.environ)
        own = _COLLECTION / "inventories/local/hosts.yml"
        configuration = configured.find(given.common["conf"], given.common["inventario"], os.environ, own if own.is_file() else None)
        return _do(given, configuration, collections)
    except Mistake as mistake:
        telling.beside(f"respaldo: {mistake}")
        return USAGE
    except Unusable as unusable:
        telling.beside(f"respaldo: {unusable}")
        return UNUSABLE


def _do(given: Typed, configuration: Configuration, collections: str) -> int:
    variables = dict(given.variables)
    if given.systems:
        variables[given.verb.systems] = given.systems[0] if given.verb.one_system else given.systems
    if given.name == "restaurar":
        variables.update(which(given, _systems(given, configuration, collections)))
    if given.name == "bitacora":
        variables["bitacora_width"] = telling.columns()
    if given.name == "comprobar":
        from . import checking  # only this verb pays for what reads YAML

        wrong = checking.before(configuration, variables)
        if wrong:
            telling.beside(f"Inventario: {configuration.told}")
            telling.out(wrong)
            return NOT_READY
    run = running.Run(_COLLECTION / "playbooks" / f"{given.verb.playbook}.yml", _arguments(given, configuration), variables, collections)
    old = core.unsupported()
    if old is not None:
        telling.beside(f"Aviso: {old.code}: {old.spanish}. {old.remedy}")
    telling.beside(f"Inventario: {configuration.told}")
    telling.command("Equivale a:", running.words_of(run, configuration))
    held: list[str] = []
    heard = Heard(held.append if given.verb.reports else telling.out, {option.variable: option.name for option in given.verb.options if option.variable})
    log = running.log_of(configuration, given.name)
    status = running.start(run, configuration, heard, log, bool(given.common["detalle"]))
    completing.remember(heard.plans, os.environ)
    if (given.verb.shows or given.verb.prints and heard.shown) and not given.common["detalle"]:
        # without its report, what failed before that is all that there is to tell
        lines = heard.told() or held
        if lines:
            telling.out("\n".join(lines))
    elif status and not heard.failures and not given.common["detalle"]:
        _tell_why(heard, configuration)
    if given.json and given.verb.rows in heard.rows and not given.common["simular"]:
        from . import checking  # only who asks for a file pays for what writes it

        told = {"version": _VERSION, "verb": given.name, "rows": heard.rows[given.verb.rows]}
        checking.put(given.json, json.dumps(told, ensure_ascii=False, indent=1) + "\n")
        telling.beside(f"Tabla para máquinas: {given.json}")
    telling.beside(f"{_ending(given, heard, status)}\nSalida completa: {log}")
    return status


def _arguments(given: Typed, configuration: Configuration) -> list[str]:
    """Of ansible-playbook: the vault's password by its file's name, never by itself."""
    words = []
    if configuration.vault:
        words += ["--vault-id" if "@" in configuration.vault else "--vault-password-file", configuration.vault]
    return [*words, *(["--check"] if given.common["simular"] else [])]


def _ending(given: Typed, heard: Heard, status: int) -> str:
    if status == 0:
        if given.verb.shows or given.verb.prints and heard.shown:
            return f"respaldo {given.name}: terminó bien."
        return f"respaldo {given.name}: terminó bien ({_counted(heard.done, 'hecha') if heard.done else 'nada correspondía'})."
    count = "" if given.verb.reports and heard.shown else f"{_counted(heard.failures, 'falla')}; "
    return f"respaldo {given.name}: terminó con el estado {status} ({count}vea respaldo --help)."


def _counted(number: int, word: str) -> str:
    return f"{number} {word if number == 1 else word + 's'}"


def _tell_why(heard: Heard, configuration: Configuration) -> None:
    """Of a run that ended before any task failed: what of the inventory Ansible could not read, by file and line; else what it said itself."""
    from . import checking  # only a run that failed so pays for what reads YAML

    why = checking.before(configuration, {}) or "\n".join(heard.errors())
    if why:
        telling.out(why)


def which(given: Typed, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Server and kind of the system to restore, by the plan of the inventory where they were not typed. Raises Mistake."""
    system = given.systems[0]
    names = sorted({str(row.get("system")) for row in rows})
    found = [row for row in rows if row.get("system") == system or row.get("canonical") == system]
    if not found:
        # the shell cuts a name at its spaces, so that its first word is all that comes
        cut = [name for name in names if " " in name and name.lower().startswith(system.lower() + " ")]
        near = cut[0] if cut else nearest(system, names)
        quoted = " Un nombre con espacios va entre comillas." if near and " " in near else ""
        raise Mistake(f"«{system}» no es un sistema del inventario.{f' ¿Quiso decir «{near}»?{quoted}' if near else ''} Sistemas: {', '.join(names)}. "
                      "Lo que ya no está en el inventario se restaura con ansible-playbook (vea la guía).")
    kinds = sorted({str(row["kind"]) for row in found if not given.kind or row["kind"] == given.kind})
    if len(kinds) != 1:
        raise Mistake(f"«{system}» tiene copias de varios tipos: diga cuál con --tipo ({', '.join(typed.KINDS)})." if kinds else
                      f"«{system}» no tiene copias de ese tipo. Quite --tipo o escriba otro.")
    hosts = sorted({str(row["host"]) for row in found if row["kind"] == kinds[0]})
    told = given.variables.get("restore_host")
    if not told and len(hosts) != 1:
        raise Mistake(f"«{system}» está en varios servidores: diga en cuál se restaura con --servidor ({', '.join(hosts)}).")
    return {"restore_kind": kinds[0], "restore_host": told or hosts[0]}


def _systems(given: Typed, configuration: Configuration, collections: str) -> list[dict[str, Any]]:
    """The systems of the inventory, each with its host and kind, by plan.yml."""
    heard = Heard(lambda _line: None)
    run = running.Run(_COLLECTION / "playbooks/plan.yml", _arguments(given, configuration), {}, collections)
    log = running.log_of(configuration, "plan")
    status = running.start(run, configuration, heard, log, False)
    if status or not heard.plans:
        _tell_why(heard, configuration)
        raise Unusable(f"No se pudo leer el inventario (estado {status}); no se restauró nada. Vea {log}, o ejecute: respaldo plan")
    completing.remember(heard.plans, os.environ)
    return heard.plans
