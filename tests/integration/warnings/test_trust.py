# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""S17 by the plays people run: each tells of a rewritten bitácora without being asked, and playbooks/bitacora_key.yml (role perucompras.respaldo.bitacora_key,
action bitacora_key) is the one way to another key."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, seals, trust
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
_SPECIFICATION = importlib.util.spec_from_file_location("attacks", ROOT / "tests/unit/bitacora/test_trust.py")
attacks = importlib.util.module_from_spec(_SPECIFICATION)
sys.modules[_SPECIFICATION.name] = attacks
_SPECIFICATION.loader.exec_module(attacks)


class Controller(attacks.Place):
    """A controller that plays run on, with an inventory of its own."""

    def __init__(self, top, anchored):
        super().__init__(top, anchored)
        self.file = top / "bitacora.sqlite"
        (top / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"localhost": {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_media": [], "backup_systems": []}}}}), "utf-8")

    def play(self, name, *options, **given):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("RESPALDO_")}
        environment.update(RESPALDO_BITACORA=str(self.file), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"), HOME=str(self.top), ANSIBLE_NOCOLOR="1")
        if self.given.anchors:
            environment["RESPALDO_BITACORA_ANCHORS"] = self.given.anchors[0]
        done = subprocess.run([os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "hosts.yml"), f"playbooks/{name}.yml",
                               "-e", json.dumps(given), *options], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
        done.output = " ".join((done.stdout + done.stderr).split())
        return done

    def key_play(self, *options, **given):
        return self.play("bitacora_key", *options, bitacora_key_reason="Cambio anual", bitacora_key_authority="Memorando 012-2027-OTI", **given)


@pytest.fixture
def controller(tmp_path, request):
    made = Controller(tmp_path, getattr(request, "param", True))
    first = made.play("bitacora")
    assert first.returncode == 0 and "no está protegida por sello" in first.output, first.output
    # its chain is whole, and its inventory has no system to verify copies of
    assert made.play("verify").returncode == 71
    for _number in range(2):
        made.run()
    return made


@pytest.mark.parametrize("controller, attack", [(True, "forged seals"), (False, "seals by another key"), (False, "a new empty one"),
                                                (True, "its tail cut at a run"), (False, "seals left out")], ids=str, indirect=["controller"])
def test_each_play_tells_of_a_rewritten_bitacora(controller, attack):
    """S17, and its siblings."""
    attacks.ATTACKS[attack](controller)
    broken = controller.verify().findings[0].spanish
    verified = controller.play("verify")
    assert verified.returncode == 2 and "LA CADENA ESTÁ ROTA" in verified.output and "RSP704" in verified.output, verified.output
    assert "La bitácora no es la que se selló antes" in verified.output, "the guard says so"
    assert "the head was not sealed" in verified.output and "RSP731" in verified.output or "is not what was sealed before, so its head" in verified.output
    warned = controller.play("warn", "-v", backup_warn_mail={"host": "127.0.0.1", "port": 1, "sender": "a@example.org", "to": ["b@example.org"]})
    assert broken[:40] in warned.output and "Conserve el archivo como evidencia" in warned.output, warned.output
    informes = controller.top / "informes"
    assert controller.play("report", report_directory=str(informes)).returncode == 0
    board, = informes.glob("tablero*.html")
    assert "LA CADENA ESTÁ ROTA" in board.read_text("utf-8")
    pack = controller.top / "evidencia.zip"
    packed = controller.play("evidence", evidence_dest=str(pack))
    assert packed.returncode == 0 and "no pasa la verificación" in packed.output, packed.output
    with zipfile.ZipFile(pack) as found:
        read_me = found.read("LEEME.txt").decode()
        assert "LA CADENA ESTÁ ROTA" in read_me and controller.public() in read_me
        assert bool(controller.given.anchors) == ("anclas/anclas-1.jsonl" in found.namelist())
    alone = subprocess.run([sys.executable, "-I", "-S", chain.__file__, controller.file, "--key", controller.public(),
                            *(each for anchor in controller.given.anchors for each in ("--anchor", anchor))], capture_output=True, text=True, check=False)
    if (controller.given.anchors, attack) != ((), "a new empty one"):
        assert alone.returncode == 1 and "rota:" in alone.stdout, alone.stdout


def test_the_key_changes_by_a_play(controller):
    old = controller.public()
    looked = controller.key_play("--check", bitacora_key_public=old)
    assert looked.returncode == 0 and "changed=1" in looked.output and controller.public() == old, looked.output
    wrong = controller.key_play(bitacora_key_public="d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert wrong.returncode == 2 and "RSP732" in wrong.output and old in wrong.output, wrong.output
    done = controller.key_play(bitacora_key_public=old)
    assert done.returncode == 0 and "La cadena está íntegra" in done.output and controller.public() != old, done.output
    again = controller.key_play(bitacora_key_public=old)
    assert again.returncode == 0 and "changed=0" in again.output, again.output
    shown = controller.play("bitacora")
    assert shown.returncode == 0 and "La cadena está íntegra" in shown.output and "Clave del sello" in shown.output, shown.output
    with open_store(str(controller.file), readonly=True) as store:
        last = store.entries(type="seal")[-1]
        assert last["public_key"] == controller.public() and trust.verify(store, given=controller.given).findings == []
    # lost, and said so
    secret = controller.key.read_text().strip()
    controller.key.unlink()
    unsealed = controller.play("bitacora")
    assert "is not the one that sealed the bitácora here before" in unsealed.output and secret not in unsealed.output
    said = controller.key_play(bitacora_key_state="lost", bitacora_key_public=last["public_key"])
    assert said.returncode == 0 and "se declaró perdida" in said.output, said.output
    assert controller.play("verify").returncode == 71
    assert seals.Signer(controller.key, make=False).public != last["public_key"]
