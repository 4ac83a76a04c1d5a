# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manifest proves by the copy's password; and what is said of one that a later version wrote."""

from __future__ import annotations

import json

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies import manifest, proof
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError

TOLD = {"label": "MaletinDeRecuperacion_20261122", "source": {"facts": {"real_paths": ["/srv/inventario ñ\udcff"]}}, "parts": [{"sha256": "a" * 64}], "n": 1}


def test_who_did_not_know_the_password_can_change_nothing_of_a_manifest():
    whole = {**TOLD, "proof": proof.made("clave", TOLD)}
    back = json.loads(manifest.dump(whole))
    assert proof.holds("clave", back) and proof.holds("clave", dict(reversed(back.items())))
    assert not proof.holds("otra", back) and not proof.holds("", back) and not proof.holds("clave", TOLD)
    for change in ({"source": {"facts": {"real_paths": ["/etc/cron.d"]}}}, {"parts": []}, {"label": "Otro_20261122"}, {"n": True}, {"más": None},
                   {"proof": None}, {"proof": "ñ"}):
        assert not proof.holds("clave", {**back, **change}), change


def test_one_of_a_later_version_is_not_called_damaged():
    with pytest.raises(BackupError) as caught:
        manifest.load(json.dumps({**TOLD, "schema": 2}).encode(), TOLD["label"], "/srv/copias")
    assert caught.value.code == "RSP792" and "posterior" in caught.value.spanish and "versión" in caught.value.remedy
