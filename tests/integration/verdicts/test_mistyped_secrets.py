# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each option of each role mistyped, one after the other in one play: no secret of the inventory is shown, nor of the mistyped variable itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from .conftest import ROOT, Place

PLANTED = {name: "Zq9-{0}-Wx4".format(name) for name in ("base", "llave", "ficha", "correo", "canal", "boveda", "propia")}
# What an inventory holds secrets in, each well formed, and encrypted by Ansible Vault where it is a secret.
HOUSE: dict[str, Any] = {
    "backup_systems": [{"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI",
                        "source": {"type": "postgresql", "databases": ["siga"], "user": "u", "host": "h", "password": "{{ base }}"}}],
    "backup_media": [{"name": "nas", "path": "/nas", "host": "nas", "user": "u", "ssh_key": "{{ llave }}"}],
    "backup_custodians": [{"name": "boveda", "type": "hashicorp_vault", "address": "https://boveda", "mount": "secret", "token": "{{ ficha }}"}],
    "backup_warn_mail": {"host": "correo", "to": ["a@example.org"], "password": "{{ correo }}"},
    "backup_anchor_mail": {"host": "correo", "to": ["a@example.org"], "password": "{{ correo }}"},
    "backup_warn_services": [{"name": "canal", "url": "tgram://{{ canal }}/1"}],
    "backup_vaults": [{"name": "b", "subscription_id": "s", "resource_group": "g", "auth": {"client_secret": "{{ boveda }}"}}],
}
WRONG: dict[str, Any] = {"bool": "talvez", "int": "muchos", "list": {"clave": 7}, "dict": "talvez", "str": {"clave": 7}, "path": {"clave": 7}}
# The variables of roles that may themselves hold a secret, by how their names end.
SECRET_ONES = ("_systems", "_media", "_custodians", "_mail", "_services", "_vaults", "_medium", "_accounts", "_source", "_target")


def options() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for file in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        for entry, spec in yaml.safe_load(file.read_text("utf-8"))["argument_specs"].items():
            yield file.parts[-3], entry, "", spec.get("options", {})


def mistakes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(role, entry point, variables): each option once, and another beside it that is surely refused, so that no role ever begins."""
    for role, entry, _name, found in options():
        sure = {name: WRONG[option.get("type", "str")] for name, option in found.items() if option.get("type") in ("bool", "int", "dict")}
        sure.update({name: "no-es-ninguna" for name, option in found.items() if option.get("choices")})
        for name, option in found.items():
            beside = next((each for each in sure if each != name), None)
            needed = name in sure or beside is not None
            if option.get("type") != "raw" and needed:
                yield role, entry, {name: sure.get(name, WRONG[option.get("type", "str")]), **({beside: sure[beside]} if beside else {})}


def secret_mistakes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each variable that may hold a secret, as a text and as the wrong form of a table."""
    for role, entry, _name, found in options():
        for name in found:
            if name.endswith(SECRET_ONES) and found[name].get("type") not in ("str", "path"):
                for value in ("token={{ propia }}", {"clave": "{{ propia }}"}, ["{{ propia }}"]):
                    yield role, entry, {name: value}


def scanned(place: Place, mistaken: list[tuple[str, str, dict[str, Any]]], *more: str) -> tuple[str, int]:
    """Run all of them in one play, each rescued; gives the output, and how many were refused, as the play's recapitulation counts them."""
    place.declare({"a": {**HOUSE, **PLANTED}})
    tasks = [{"block": [{"ansible.builtin.include_role": {"name": "perucompras.respaldo." + role, "tasks_from": entry},
                         "vars": variables}],
              # one that is no process of its own
              "rescue": [{"ansible.builtin.meta": "noop"}]} for role, entry, variables in mistaken]
    play = place.play(yaml.safe_dump([{"hosts": "a", "gather_facts": False, "tasks": tasks}], allow_unicode=True))
    done = place.run(play, *more)
    return done.stdout, int(re.search(r"^a +: .* rescued=([0-9]+)", done.stdout, re.MULTILINE)[1])


def leaks(place: Place, output: str) -> list[str]:
    written = [path.read_bytes() for path in [*place.bitacora.parent.rglob("*"), *(place.directory / "journal").rglob("*")] if path.is_file()]
    return [secret for secret in PLANTED.values() if secret in output or any(secret.encode() in text for text in written)]


def test_a_mistyped_option_of_any_role_shows_no_secret(place: Place) -> None:
    mistaken = list(mistakes())
    output, refused = scanned(place, mistaken)
    assert len(mistaken) > 150 and refused == len(mistaken), output[-3000:]
    assert leaks(place, output) == []


def test_a_mistyped_variable_with_a_secret_does_not_show_it(place: Place) -> None:
    mistaken = list(secret_mistakes())
    output, _refused = scanned(place, mistaken)
    assert len(mistaken) > 60
    assert leaks(place, output) == [], [line for line in output.splitlines() if PLANTED["propia"] in line][:3]
