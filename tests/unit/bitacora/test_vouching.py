# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst day with a private key alone: what somebody laid on the medium is not taken for ours, and what is ours is. The attacker here can make whole
copies, whole chains and seals of his own.
"""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.perucompras.respaldo.plugins.action import bitacora_anchor
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain, seals, vouched
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.recorder import Recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import recovering, vouching

OURS, FORGED, LATER = "a" * 64, "b" * 64, "c" * 64
AT = "2026-11-24T15:00:00Z"


def kit(name, digest, paths=("/srv/inventario", "/srv/seal.key")):
    return {"label": f"MaletinDeRecuperacion_{name}", "sha256": digest, "manifest": {
        "parts": [{}], "source": {"facts": {"real_paths": list(paths)}}}}


NEW, OLD, BAD = kit("20261123", LATER), kit("20261122", OURS), kit("20991122", FORGED)
RECORD = {"label": "BitacoraDeRespaldos_20261122", "sha256": "d" * 64}


def run(place, digests, key="seal.key", **more):
    """A run that made these kits, and seals."""
    recorder = Recorder(str(place / "bitacora.sqlite"), place / "journal", None, {"playbook": "site.yml"}, place / key, [])
    recorder.start()
    for copy in digests:
        recorder.backup("controlador", {"event": "copy_made", "label": copy["label"], "system": vouched.KIT, "kind": "source_code", "size": 5,
                                        "sha256": copy["sha256"], **more}, False)
    recorder.end({})
    return seals.Signer(place / key).public


def asked(by_key=True, **given):
    return vouching.read({"kit_sha256": "", "bitacora_sha256": "", "seal_key": "", "unvouched_reason": "", "bitacora": vouched.BITACORA, **given}, by_key)


def chosen(place, told, kits, proved=()):
    report = recovering._proved(place / "bitacora.sqlite", RECORD["label"], told)
    return vouching.choose(told, place / "bitacora.sqlite", report, RECORD, kits, vouched.KIT, lambda _what, copy: copy["sha256"] in proved)


def refused(code, call, *given, **more):
    with pytest.raises(BackupError) as caught:
        call(*given, **more)
    assert caught.value.code == code and caught.value.spanish != caught.value.message, caught.value.spanish
    return caught.value


def test_a_key_that_opens_is_no_voucher_and_what_is_given_is_read_as_paper_has_it():
    assert "--sello" in refused("RSP797", asked).remedy
    refused("RSP797", asked, kit_sha256=OURS)      # of the bitácora it says nothing
    assert asked(by_key=False).sha256 == {"kit": "", "bitacora": ""}
    assert asked(bitacora_sha256="AAAA " * 16).sha256["bitacora"] == OURS
    for bad in ({"kit_sha256": "x" * 64}, {"bitacora_sha256": "a" * 63}, {"seal_key": OURS[:-1]}, {"seal_key": "0" * 64}):
        refused("RSP101", asked, **{"unvouched_reason": "Simulacro", **bad})


def test_a_sum_takes_the_copy_that_has_it_however_new_another_is():
    given = {"medium": {"name": "nas"}, "kit": vouched.KIT}
    told = asked(kit_sha256=OURS, bitacora_sha256="d" * 64)
    assert vouching.candidates(told, "kit", [BAD, OLD], given) == [OLD]
    other = refused("RSP798", vouching.candidates, told, "kit", [BAD], given)
    assert OURS in other.spanish and FORGED in other.spanish and "20991122" in other.spanish


def test_the_key_of_the_seals_proves_the_bitacora_and_its_entries_the_kit(tmp_path):
    public = run(tmp_path, [OLD])
    choice = chosen(tmp_path, asked(seal_key=public), [BAD, NEW, OLD])
    assert (choice.kit, choice.kit_by, choice.bitacora_by) == (OLD, vouching.ENTRY, vouching.SEAL) and choice.sealed_n > 0
    assert "20991122" in choice.remarks[0] and "20261123" in choice.remarks[0], "those that were passed over are told"
    only = refused("RSP797", chosen, tmp_path, asked(seal_key=public), [BAD])
    assert FORGED in only.spanish
    by_sum = chosen(tmp_path, asked(bitacora_sha256="d" * 64), [NEW, OLD])
    assert (by_sum.kit, by_sum.bitacora_by) == (OLD, vouching.SHA256)
    assert chosen(tmp_path, asked(seal_key=public, kit_sha256=LATER), [NEW]).kit_by == vouching.SHA256
    nobody = chosen(tmp_path, asked(unvouched_reason="Simulacro"), [BAD, OLD])
    assert (nobody.kit_by, nobody.bitacora_by) == (vouching.NOBODY, vouching.NOBODY)


def test_a_password_of_the_custodians_vouches_by_the_proof_in_the_manifest_alone(tmp_path):
    run(tmp_path, [OLD])
    ours = {RECORD["sha256"], LATER}
    newest = chosen(tmp_path, asked(by_key=False), [BAD, OLD, NEW], ours)
    assert (newest.kit, newest.kit_by, newest.bitacora_by) == (NEW, vouching.CUSTODY, vouching.CUSTODY) and "20991122" in newest.remarks[0]
    told = chosen(tmp_path, asked(by_key=False), [BAD, OLD], ours)
    assert (told.kit, told.kit_by) == (OLD, vouching.ENTRY), "the bitácora is the custodians', and so is what it tells"
    refused("RSP797", chosen, tmp_path, asked(by_key=False), [BAD], ours)
    # a bitácora that opened, though it was never encrypted: gpg gives what is plain too
    assert "contraseña" in refused("RSP797", chosen, tmp_path, asked(by_key=False), [OLD], {LATER}).spanish
    assert chosen(tmp_path, asked(by_key=False, unvouched_reason="Simulacro"), [OLD]).kit_by == vouching.NOBODY


def test_the_newest_kit_is_the_one_that_the_entries_tell_of_last_whatever_its_clock_said(tmp_path):
    jumped = kit("20991201", "e" * 64)
    public = run(tmp_path, [jumped, OLD])
    choice = chosen(tmp_path, asked(seal_key=public), [jumped, OLD])
    assert choice.kit == OLD and not choice.remarks


def test_a_bitacora_of_his_own_with_seals_of_his_own_is_refused_whatever_else_is_accepted(tmp_path):
    (tmp_path / "ours").mkdir()
    public = run(tmp_path / "ours", [OLD])
    run(tmp_path, [BAD], "his.key")
    assert "no está firmado por una clave conocida" in refused("RSP797", chosen, tmp_path, asked(seal_key=public, unvouched_reason="Da igual"), [BAD]).spanish
    (tmp_path / "bare").mkdir()
    with open_store(str(tmp_path / "bare" / "bitacora.sqlite")) as store:
        store.append("copy_made", {"label": BAD["label"], "system": vouched.KIT, "kind": "source_code", "sha256": FORGED}, AT, "prueba")
    refused("RSP797", chosen, tmp_path / "bare", asked(seal_key=public), [BAD])


def test_an_entry_after_the_last_seal_an_adopted_one_and_one_of_another_system_vouch_for_nothing(tmp_path):
    public = run(tmp_path, [BAD], reason="adopted")
    body = {"label": BAD["label"], "kind": "source_code", "sha256": FORGED}
    with open_store(str(tmp_path / "bitacora.sqlite")) as store:
        store.append("copy_made", {**body, "system": vouched.KIT}, AT, "prueba")
    refused("RSP797", chosen, tmp_path, asked(seal_key=public), [BAD])
    assert chosen(tmp_path, asked(bitacora_sha256="d" * 64), [BAD]).kit == BAD, "the whole file is known: what it says is said by us"
    with open_store(str(tmp_path / "otra.sqlite")) as store:
        for more in ({"system": "Portal"}, {"system": vouched.KIT, "simulated": True}, {"system": vouched.KIT, "kind": "database"}, {"system": 5}):
            n = store.append("copy_made", {**body, **more}, AT, "prueba").n
    assert vouched.told(tmp_path / "otra.sqlite", vouched.KIT, "source_code", n) == {}


def test_what_is_stated_beforehand_is_the_newest_that_runs_made(tmp_path):
    public = run(tmp_path, [OLD])
    run(tmp_path, [BAD], reason="adopted")
    with open_store(str(tmp_path / "bitacora.sqlite"), readonly=True) as store:
        assert vouched.stated(store) == (public, (OLD["label"], OURS), ("", ""))
        assert vouched.stated(store, "otra").seal_key == "otra"


def test_a_mail_with_a_seal_states_the_copies_too():
    seal = {"sealed_at": AT, "sealed_n": 5, "sealed_digest": LATER, "public_key": FORGED, "signature": "00", "origin": OURS, "n": 6, "digest": LATER}
    told = bitacora_anchor.letter([seal], "OTI", "America/Lima", (), vouched.Stated(FORGED, (OLD["label"], OURS), ("", ""))).text
    assert f"{OLD['label']}  {OURS}" in told and "Bitácora: " not in told
    assert "El peor día" not in bitacora_anchor.letter([seal], "OTI", "America/Lima").text


@pytest.fixture
def its_place(tmp_path, monkeypatch):
    """Where the bitácora belongs."""
    (tmp_path / "var").mkdir()
    monkeypatch.setenv("RESPALDO_BITACORA", str(tmp_path / "var" / "bitacora.sqlite"))


def laid_out(tmp_path, by, names=("inventario", "seal.key")):
    """What is opened, and put in its places."""
    aside = tmp_path / "aparte"
    for name in names:
        (aside / "maletin" / str(tmp_path / "srv").lstrip("/")).mkdir(parents=True, exist_ok=True)
        (aside / "maletin" / str(tmp_path / "srv" / name).lstrip("/")).write_text(name)
    (aside / "bitacora.sqlite").write_text("bitácora")
    choice = vouching.Choice(kit("20261122", OURS, [str(tmp_path / "srv/inventario"), str(tmp_path / "srv/seal.key")]), by, vouching.SEAL, 5, [])
    targets = {"kit": aside / "maletin", "bitacora": aside / "bitacora.sqlite"}
    told = recovering._in_their_places(choice, targets, aside, {"at": AT})
    return *told, json.loads((tmp_path / "var" / "recuperacion.json").read_text())["unplaced"]


def test_of_a_kit_that_nobody_vouches_for_nothing_leaves_the_place_where_it_was_opened(tmp_path, its_place):
    placed, unplaced, noted = laid_out(tmp_path, vouching.NOBODY)
    assert placed == [str(tmp_path / "var/bitacora.sqlite")] and not (tmp_path / "srv").exists()
    assert sorted(unplaced) == noted == [str(tmp_path / "srv/inventario"), str(tmp_path / "srv/seal.key")]
    assert all("nadie responde" in remark.in_both and "aparte/maletin" in remark.spanish for remark in unplaced.values())


def test_what_of_a_kit_has_no_place_is_told_with_the_why_and_the_rest_has_its_own(tmp_path, its_place):
    placed, unplaced, noted = laid_out(tmp_path, vouching.CUSTODY, ("inventario", "extra ñ"))
    assert (tmp_path / "srv/inventario").read_text() == "inventario" and (tmp_path / "var/bitacora.sqlite").exists() and len(placed) == 2
    assert list(unplaced) == noted == [str(tmp_path / "srv/seal.key"), str(tmp_path / "srv/extra ñ")]
    missing, unnamed = (remark.spanish for remark in unplaced.values())
    assert "no existe el archivo" in missing and "ficha del maletín" in unnamed
    assert not os.path.lexists(tmp_path / "srv/seal.key")


def test_the_entry_says_who_vouched_and_what_was_left(tmp_path, monkeypatch):
    monkeypatch.setenv("RESPALDO_BITACORA", str(tmp_path / "bitacora.sqlite"))
    run(tmp_path, [OLD])
    note = {"at": AT, "opened_by": "private_key", "medium": "nas", "kit": {**recovering._named(BAD, vouching.NOBODY)}, "reason": "Simulacro",
            "bitacora": recovering._named(RECORD, vouching.SEAL), "entries": 5, "head_n": 5, "head_digest": LATER, "sealed_n": 4, "unplaced": ["/srv/x"]}
    recovering._noted(tmp_path / "recuperacion.json", note)
    entry = recovering._record({"reason": "Incendio", "authority": "Acta 3"})["backup"]
    assert "nadie responde por su origen" in entry["note_es"] and "con los sellos de la clave" in entry["note_es"] and "hasta el n.º 4" in entry["note_es"]
    assert "Simulacro" in entry["reason_text"] and "Acta 3" in entry["reason_text"] and "/srv/x" in str(entry["warnings_es"])
    assert chain.verify_file(tmp_path / "bitacora.sqlite").whole
