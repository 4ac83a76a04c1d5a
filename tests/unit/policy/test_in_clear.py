# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in clear are found wherever templates lead to them, and nowhere else; variables as Ansible reads them from files."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader

from plugins.module_utils._engine.policy import desks
from plugins.plugin_utils import _clear

CLEAR = """
claves: {siga: CLARO, usuario: "{{ vault_siga }}"}
claves_en_boveda: "{{ vault_claves }}"
lista: [CLARO]
fuente: {type: postgresql, password: CLARO}
comunes: [{name: A, source: {password: CLARO}}]
otra: "{{ comunes }}"
ida: "{{ vuelta }}"
vuelta: "{{ ida }}"
nombre: siga
"""
VAULTED = {"vault_siga": None, "vault_claves": None}


@pytest.fixture
def found(tmp_path):
    """What is told of variables that a YAML text declares, beside those above."""
    def of(text):
        path = tmp_path / "vars.yml"
        path.write_text(CLEAR + text, "utf-8")
        told = _clear.in_clear({**VAULTED, **DataLoader().load_from_file(str(path))})
        assert "CLARO" not in str(told)
        return [line.partition(" (")[0] for line in told]
    return of


@pytest.mark.parametrize(("written", "where"), [
    ('backup_systems: [{source: {password: CLARO}}]', ["backup_systems[0].source.password"]),
    ('backup_systems: [{source: {password: "{{ claves.siga }}"}}]', ["backup_systems[0].source.password"]),
    ('''backup_systems: [{source: {password: "{{ claves['siga'] | default('') }}"}}]''', ["backup_systems[0].source.password"]),
    ('backup_systems: [{source: {password: "{{ lista[0] }}"}}]', ["backup_systems[0].source.password"]),
    ('backup_systems: [{source: {password: "{{ claves.usuario }}"}}]', []),
    ('backup_systems: [{source: {password: "{{ claves_en_boveda.siga }}"}}]', []),
    ('backup_systems: [{source: {password: "{{ ida }}"}}]', []),
    ('backup_systems: [{source: {password: "{{ claves[nombre] }}"}}]', []),     # nobody knows
    ('''backup_systems: [{source: {password: "{{ lookup('perucompras.respaldo.secret', 'nombre') }}"}}]''', []),
    ('backup_systems: "{{ comunes }}"', ["comunes[0].source.password"]),
    ('backup_systems: "{{ otra + [] }}"', ["comunes[0].source.password"]),
    ('backup_systems: [{name: B, source: "{{ fuente }}"}, {name: C, source: "{{ fuente }}"}]', ["fuente.password"]),
    ('backup_systems: "{{ ida }}"', []),
    ('backup_letters_key: CLARO', ["backup_letters_key"]), ('backup_letters_key: "{{ claves.siga }}"', ["backup_letters_key"]),
    ('backup_letters_key: "{{ vault_siga }}"', []),
    ('backup_letters_mail: {oauth: {client_secret: CLARO}}', ["backup_letters_mail.oauth.client_secret"]),
    ('backup_request_mail_box: {password: CLARO, token: "{{ claves.siga }}"}', ["backup_request_mail_box.password", "backup_request_mail_box.token"]),
])
def test_templates_are_followed(found, written, where):
    assert found(written) == where


def test_the_tokens_of_a_help_desk_are_looked_for():
    """backup_desk's keys are secrets too, which no form of the media and systems names."""
    named = {name for name in desks._BY_API if name.endswith("token")}
    assert named == {"user_token", "app_token"} and named <= _clear.SECRETS and "backup_desk" in _clear.VARIABLES
