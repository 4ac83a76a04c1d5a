# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that did not do what they were started for, and some that look so and are right: how each is made, its exit status and its verdict."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import NamedTuple

from .conftest import ROOT, Place
from .conftest import ansible_playbook as program

__all__ = ["ROOT", "RUNS", "program"]

EMPTY, FAILED, GOOD = 71, 2, 0
NOW = "backup_emergency_reason=prueba"
Done = subprocess.CompletedProcess


class Run(NamedTuple):
    name: str
    made: Callable[[Place], Done]
    status: int
    verdict: str
    words: str = ""      # of the output
    copies: int = 0      # beyond the two that are there


def told(**variables: object) -> str:
    return json.dumps(variables)


def declared(place: Place, hosts: dict, *run: str, **more: object) -> Done:
    place.declare(hosts, **more)
    return place.run(*run)


def inventory(text: str, *run: str) -> Callable[[Place], Done]:
    def made(place: Place) -> Done:
        path = place.directory / "otro.yml"
        path.write_text(text)
        return place.run(*run, inventory=str(path))
    return made


def own(text: str, *more: str, environment: dict | None = None) -> Callable[[Place], Done]:
    """A play of the user's own; `@place` in it is the place's directory."""
    return lambda place: place.run(place.play(text.replace("@place", str(place.directory))), *more, **(environment or {}))


def script(place: Place) -> Done:
    path = place.directory / "dinamico.sh"
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)
    return place.run("site", inventory=str(path))


def spaced(place: Place) -> Done:
    place.declare({"bd 1": {"backup_systems": [place.system("ALFA")]}, "b": {}})
    return place.run("restore", "-e", told(restore_host="bd 1", restore_system="ALFA", restore_kind="database",
                                           restore_target=str(place.directory / "vuelta.sqlite")))


ROLE = "- hosts: {0}\n  gather_facts: false\n  {1}\n  roles: [perucompras.respaldo.database]\n"
WRAPPED = """
- hosts: a
  gather_facts: false
  tasks:
    - block:
        - ansible.builtin.include_role: {name: perucompras.respaldo.database}
      rescue:
        - ansible.builtin.debug: {msg: rescatado}
"""
GUARD = "    - perucompras.respaldo.bitacora_guard:\n"
LABEL = "    - perucompras.respaldo.backup_label: {system: ALFA, kind: database}\n      register: abierta\n"
COPY = """    - perucompras.respaldo.backup_database:
        {{label: "{0}", system: ALFA, kind: database, source: {{type: sqlite, path: @place/alfa.sqlite}}, media: [{{name: disco, path: @place/copias}}]}}
"""
PLAY = "- hosts: a\n  gather_facts: false\n  tasks:\n"
OPENED = COPY.format("{{ abierta.label }}")
RESTORE = """    - perucompras.respaldo.backup_restore:
        {label: ALFA_20261128, system: ALFA, kind: database, target: @place/vuelta.sqlite, medium: {name: disco, path: @place/copias}}
"""
PRUNE = """    - perucompras.respaldo.backup_prune:
        {system: ALFA, kind: database, label: ALFA_20261128, sha256: "", keep: [], victims: [], medium: {name: disco, path: @place/copias}}
"""
NO_CALLBACK = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit"}


RUNS = (
    # -- nobody is there -------------------------------------------------------------------------------------------------
    Run("empty inventory", inventory("all:\n  hosts: {}\n", "site"), EMPTY, "empty", "RSP734"),
    Run("broken inventory", inventory("all:\n  hosts:\n  a:\n    x: 1\n", "site"), EMPTY, "empty"),
    Run("inventory that is not there", lambda place: place.run("site", inventory="/no/hay"), EMPTY, "empty"),
    Run("dynamic inventory that fails", script, EMPTY, "empty"),
    Run("empty inventory, verify", inventory("all:\n  hosts: {}\n", "verify"), EMPTY, "empty"),
    Run("pattern that matches nothing", own(ROLE.format("servidores", "")), EMPTY, "empty"),
    Run("one of two patterns matches nothing", own(ROLE.format("a", "") + ROLE.format("servidroes", "")), EMPTY, "partial", "RSP736"),
    # -- nothing of it is to be done --------------------------------------------------------------------------------------
    Run("no system anywhere", lambda place: declared(place, {"a": {}, "b": {}}, "site"), EMPTY, "empty"),
    Run("the list misspelt", lambda place: declared(place, {"a": {"backup_system": [place.system("ALFA")]}}, "site"), FAILED, "failed", "backup_systems"),
    Run("no system anywhere, verify", lambda place: declared(place, {"a": {}}, "verify"), EMPTY, "empty"),
    Run("no system anywhere, prune", lambda place: declared(place, {"a": {}}, "prune"), EMPTY, "empty"),
    Run("tags that skip all", lambda place: place.run("site", "--tags", "database", "-e", NOW), EMPTY, "empty"),
    Run("skipped tags", lambda place: place.run("site", "--skip-tags", "untagged", "-e", NOW), EMPTY, "empty"),
    Run("start at no task", lambda place: place.run("site", "--start-at-task", "no-hay", "-e", NOW), EMPTY, "empty"),
    Run("start beyond the work", lambda place: place.run("verify", "--start-at-task", "Verify the chain of the bitácora"), EMPTY, "empty"),
    Run("start half-way", lambda place: place.run("prune", "--start-at-task", "Say what stays, what goes and why"), EMPTY, "partial", "RSP736"),
    Run("restore of a loss that is to come", lambda place: place.run("restore", "-e", told(
        restore_host="a", restore_system="ALFA", restore_kind="database", restore_target="/tmp/x", restore_lost_at="2099-01-01 10:00")), FAILED, "failed",
        "está en el futuro"),
    Run("restore by tags", lambda place: place.run("restore", "--tags", "restore", "-e", told(
        restore_host="a", restore_system="ALFA", restore_kind="database", restore_target="/tmp/x")), EMPTY, "empty"),
    # -- names that are none -----------------------------------------------------------------------------------------------
    Run("misspelt name, site", lambda place: place.run("site", "-e", told(backup_only=["ALFFA"])), FAILED, "failed", "RSP101"),
    Run("misspelt name, verify", lambda place: place.run("verify", "-e", told(backup_only=["ALFFA"])), FAILED, "failed", "RSP101"),
    Run("misspelt name, Azure run", lambda place: place.run("azure_backup_run", "-e", told(azure_backup_system="LEGLA", azure_backup_reason="x")),
        FAILED, "failed", "LEGLA"),
    Run("misspelt name, Azure restore", lambda place: place.run("azure_backup_restore", "-e", told(azure_backup_system="LEGLA")), FAILED, "failed", "LEGLA"),
    Run("restore of a host with a space", spaced, GOOD, "good", "medio disco, nivel T2: es la más reciente"),
    Run("misspelt variable", lambda place: place.run("restore", "-e", told(
        restore_host="a", restore_system="ALFA", restore_kind="database", restore_target=str(place.directory / "x"), restore_lostat="2026-01-01 Zq9")),
        FAILED, "failed", "restore_lost_at"),
    Run("misspelt variable, in a file of them", lambda place: place.run("site", "-e", "@" + place.play(told(backup_olny="ALFA"), "v.json")),
        FAILED, "failed", "backup_only"),
    Run("a choice that is none", lambda place: place.run("hold", "-e", told(hold_system="ALFA", hold_kind="databse", hold_reason="x")), FAILED, "failed",
        "hold_kind no tiene un valor válido. ¿Quiso decir database?"),
    Run("excuse of no system", lambda place: place.run("excuse", "-e", told(
        excuse_system="ALFFA", excuse_kind="database", excuse_from="2026-11-01", excuse_until="2026-11-02", excuse_reason="x", excuse_requester="Ana")),
        FAILED, "failed", "¿Quiso decir ALFA?"),
    Run("hold of no system", lambda place: place.run("hold", "-e", told(hold_system="ALFFA", hold_kind="database", hold_reason="x")),
        FAILED, "failed", "¿Quiso decir ALFA?"),
    Run("restore of no system", lambda place: place.run("restore", "-e", told(
        restore_host="a", restore_system="ALFFA", restore_kind="database", restore_target=str(place.directory / "x"))), FAILED, "failed",
        "¿Quiso decir ALFA?"),
    # -- what hides a failure ------------------------------------------------------------------------------------------------
    Run("ignore_errors", lambda place: declared(place, {"a": {"backup_systems": [place.broken("ALFA")]}}, place.play(
        ROLE.format("a", "ignore_errors: true")), "-e", NOW), FAILED, "failed", "RSP201"),
    Run("ignore_errors over a refused inventory", lambda place: declared(place, {"a": {"backup_systems": [place.system("ALFA", kind="nada")]}}, place.play(
        ROLE.format("a", "ignore_errors: true"))), FAILED, "failed", "RSP101"),
    Run("rescue", lambda place: declared(place, {"a": {"backup_systems": [place.broken("ALFA")]}}, place.play(WRAPPED), "-e", NOW), FAILED, "failed"),
    Run("no_log on the copy", own(PLAY + GUARD + LABEL + OPENED + "      no_log: true\n"), FAILED, "failed", "RSP119"),
    Run("ANSIBLE_NO_LOG", lambda place: place.run("site", "-e", NOW, ANSIBLE_NO_LOG="1"), FAILED, "failed", "RSP119"),
    Run("retries until it is good", own(PLAY + GUARD + LABEL + OPENED.replace("@place/alfa.sqlite", "@place/tarde.sqlite") + "      register: hecha\n"
                                        "      until: hecha is success\n      retries: 1\n      delay: 0\n"), FAILED, "failed"),
    Run("check_mode as a keyword", own(ROLE.format("a", "check_mode: true"), "-e", NOW), GOOD, "good"),
    Run("errors that are cleared", lambda place: declared(place, {"a": {"backup_systems": [place.broken("ALFA")]}, "b": {
        "backup_systems": [place.system("BETA")]}}, place.play(ROLE.format("all", "strategy: free") + "  tasks: [{ansible.builtin.meta: clear_host_errors}]\n"),
        "-e", NOW), FAILED, "failed", "RSP201", copies=1),
    Run("one server for all", own(ROLE.format("all", "strategy: linear").replace("[perucompras.respaldo.database]", "[{role: perucompras.respaldo.database, "
                                                                                "run_once: true}]"), "-e", NOW), FAILED, "failed", "RSP429"),
    Run("any_errors_fatal by setting", lambda place: declared(place, {"a": {"backup_systems": [place.broken("ALFA")]}, "b": {
        "backup_systems": [place.system("BETA"), place.system("GAMA", of="beta")]}}, "site", "-e", NOW, ANSIBLE_ANY_ERRORS_FATAL="1"),
        FAILED, "failed", copies=2),
    # -- without the guard, the callback, the start ---------------------------------------------------------------------------
    Run("the role without the callback, errors ignored", own(ROLE.format("a", "ignore_errors: true"), "-e", NOW, environment=NO_CALLBACK), GOOD, "good",
        "RSP701"),
    Run("a copy without the callback", own(PLAY + COPY.format("ALFA_20261127"), environment=NO_CALLBACK), FAILED, "good", "RSP701"),
    Run("a copy without its start", own(PLAY + GUARD + COPY.format("ALFA_20261127")), FAILED, "failed", "RSP735"),
    Run("a restore without the callback", own(PLAY + RESTORE, environment=NO_CALLBACK), FAILED, "good", "RSP701"),
    Run("a removal without the callback", own(PLAY + PRUNE, environment=NO_CALLBACK), FAILED, "good", "RSP701"),
    # -- one name, two servers ---------------------------------------------------------------------------------------------------
    Run("one name on two servers, by limit", lambda place: declared(place, {"a": {"backup_systems": [place.system("ALFA")]}, "b": {
        "backup_systems": [place.system("Alfa", of="beta")]}}, "database", "--limit", "b", "-e", NOW), FAILED, "failed", "RSP101"),
    Run("one name on two servers, by templates", lambda place: declared(place, {"a": {"backup_systems": [place.system("{{ app }}", of="alfa")]}, "b": {
        "backup_systems": "{{ [the_one] }}", "the_one": place.system("ALFA", of="beta")}}, "database", "-e", NOW, app="ALFA"), FAILED, "failed", "RSP101"),
    Run("one name on two servers, two inventories", lambda place: declared(place, {"b": {"backup_systems": [place.system("ALFA", of="beta")]}}, "database"),
        FAILED, "failed", "RSP120"),
    Run("the same in an emergency", lambda place: declared(place, {"b": {"backup_systems": [place.system("ALFA", of="beta")]}}, "database", "-e", NOW),
        FAILED, "failed", "RSP120"),
    Run("a system that was moved", lambda place: declared(place, {"b": {"backup_systems": [place.system("ALFA", moved_from="a")]}}, "database", "-e", NOW),
        GOOD, "good", copies=1),
    Run("names by host", lambda place: declared(place, {"a": {}, "b": {}}, "plan", "-e", told(backup_only=["ADB"]), backup_systems=[
        place.system("{{ inventory_hostname | upper }}DB", of="alfa")]), GOOD, "good"),
    # -- what would write secrets down ---------------------------------------------------------------------------------------------
    Run("kept remote files", lambda place: place.run("database", "-e", NOW, ANSIBLE_KEEP_REMOTE_FILES="1"), FAILED, "failed", "RSP122"),
    Run("a secret by su", own(PLAY + GUARD + LABEL + OPENED.replace("media:", "encryption: {password: Zq9-su}, media:") + "      become: true\n"
                              "      become_method: su\n"), FAILED, "failed", "RSP121"),
    # -- answers of surveys ------------------------------------------------------------------------------------------------------
    Run("blank list", lambda place: place.run("database", "-e", told(backup_only="", backup_request="", backup_emergency_reason="x")), GOOD, "good", copies=2),
    Run("a list as lines", lambda place: place.run("database", "-e", told(backup_only="ALFA\nBETA\n", backup_emergency_reason="x")), GOOD, "good", copies=2),
    Run("null list", lambda place: place.run("database", "-e", told(backup_only=None, backup_emergency_reason="x")), GOOD, "good", copies=2),
    # -- what only looks so --------------------------------------------------------------------------------------------------------
    Run("nothing due", lambda place: place.run("site"), GOOD, "good", "no corresponde"),
    Run("a host without systems beside others", lambda place: declared(place, {"a": {"backup_systems": [place.system("ALFA")]}, "c": {}}, "site"),
        GOOD, "good"),
    Run("a limit", lambda place: place.run("site", "--limit", "a"), GOOD, "good"),
    Run("a play that only reads", lambda place: place.run("bitacora"), GOOD, "good"),
)
