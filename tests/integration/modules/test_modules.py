# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module as a user calls it: real ansible-playbook runs on this machine, several tasks a run since a run takes seconds."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import zoneinfo

ROOT = Path(__file__).resolve().parents[3]
PREFIX = "perucompras.respaldo."


class Results(list):
    """The results of the tasks, in order; `output` is what Ansible printed."""

    output = ""


def opened(module, arguments):
    """What a role does before a copy or a restore, so that the run has the entry that its end needs. None for what needs no such."""
    found = re.fullmatch(r"(\w+_(\d{4})(\d{2})(\d{2}))(?:_(\d{2}))?", str(arguments.get("label")))
    about = {"system": arguments.get("system"), "kind": arguments.get("kind")}
    if module == "backup_restore" and found:
        return {PREFIX + "backup_select": {**about, "label": arguments["label"], "reason": "Prueba", "target": arguments.get("target", "-") or "-",
                                           "media": [arguments["medium"]]}}
    if module not in ("backup_archive", "backup_database", "backup_git", "backup_files") or not found:
        return None
    base, year, month, day, number = found.groups()
    taken = [base, *("{0}_{1:02}".format(base, each) for each in range(2, int(number)))] if number else []
    return {PREFIX + "backup_label": {**about, "date": f"{year}-{month}-{day}", "taken": taken}}


@pytest.fixture
def tasks(tmp_path):
    """Runs (module, arguments[, keywords]) one after the other and gives their results, failed ones too."""

    def run(*given, options=("-vvv",)):
        kept = tmp_path / "results.json"
        kept.unlink(missing_ok=True)
        rows = []
        for index, (module, arguments, *more) in enumerate(given):
            name = module if "." in module else PREFIX + module
            begun = index and given[index - 1][0] == "backup_label"
            opening = None if begun or (more and more[0].get("check_mode")) else opened(module, arguments)
            rows += [{"name": "Open", **opening, "ignore_errors": True}] if opening else []
            rows.append({"name": "Task", name: arguments, "register": "told_{0}".format(index), "ignore_errors": True, **(more[0] if more else {})})
        told = "[" + ", ".join("told_{0}".format(index) for index in range(len(given))) + "]"
        rows.append({"name": "Keep", "ansible.builtin.copy": {"content": "{{ " + told + " | to_json }}", "dest": str(kept), "mode": "0600"},
                     "no_log": True, "check_mode": False})
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False,
                "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}, "tasks": rows}
        playbook = tmp_path / "play.yml"
        playbook.write_text(json.dumps([play]), "utf-8")
        vault = tmp_path / "vault-password"
        vault.write_text("clave de la bóveda\n", "utf-8")
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_NOCOLOR": "true",
                       "RESPALDO_BITACORA": str(tmp_path / "bitacora.sqlite")}
        process = subprocess.run(["ansible-playbook", "-i", "localhost,", "--vault-password-file", str(vault), *options, str(playbook)],
                                 cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert kept.exists(), process.stdout + process.stderr
        results = Results(json.loads(kept.read_text("utf-8")))
        results.output = process.stdout + process.stderr
        return results

    return run


@pytest.fixture
def tree(tmp_path):
    """A directory of source code with a link, an executable and a name that is not ASCII."""
    top = tmp_path / "fuente"
    (top / "módulo").mkdir(parents=True)
    (top / "módulo" / "año.txt").write_text("ñandú\n" * 1000, "utf-8")
    (top / "ejecutar.sh").write_text("#!/bin/sh\n", "utf-8")
    (top / "ejecutar.sh").chmod(0o750)
    (top / "enlace").symlink_to("ejecutar.sh")
    return top


def named(label, **more):
    return {"label": label, "system": "Módulo de pagos", "kind": "source_code", **more}


def today(number=1):
    """The label that backup_label gives today, by the policy's zone, to the copy of this number."""
    day = datetime.datetime.now(zoneinfo.ZoneInfo("America/Lima")).strftime("%Y%m%d")
    return "Modulodepagos_" + day + ("" if number == 1 else "_{0:02d}".format(number))


# the bitácora records the end of a copy whose start it has by the same run
START = ("backup_label", {"system": "Módulo de pagos", "kind": "source_code"})


def medium(tmp_path):
    return {"name": "disco", "path": str(tmp_path / "copias"), "create": True}


def shape(top):
    """Every path below a directory with its mode, its link and its bytes."""
    return {str(path.relative_to(top)): (path.lstat().st_mode, os.readlink(path) if path.is_symlink() else "",
                                         path.read_bytes() if path.is_file() else b"") for path in sorted(top.rglob("*"))}


def test_archive_verify_info_restore(tasks, tree, tmp_path):
    """The life of an encrypted copy, its password in custody and never seen."""
    copy = named("Modulodepagos_20261122", media=[medium(tmp_path)], source={"paths": [str(tree)]}, encryption={"custody": str(tmp_path / "custodia")},
                 record={"criticality": "alta", "unknown_field": "left out"})
    opened = {"medium": medium(tmp_path), "decryption": {"custody": str(tmp_path / "custodia")}}
    back = str(tmp_path / "vuelta")
    results = tasks(
        ("backup_archive", copy, {"check_mode": True}),
        ("ansible.builtin.stat", {"path": str(tmp_path / "copias")}),
        ("backup_archive", copy),
        ("backup_archive", copy),
        ("backup_verify", named("Modulodepagos_20261122", level="T3", **opened)),
        ("backup_info", {"system": "Módulo de pagos", "kind": "source_code", "medium": medium(tmp_path)}),
        ("backup_restore", named("Modulodepagos_20261122", target=back, **opened), {"check_mode": True}),
        ("ansible.builtin.stat", {"path": back}),
        ("backup_restore", named("Modulodepagos_20261122", target=back, **opened)),
        ("backup_restore", named("Modulodepagos_20261122", target=back, **opened)),
        ("backup_restore", named("Modulodepagos_20261122", target=back, overwrite=True, **opened)),
    )
    simulated, before, made, again, verified, info, would, untouched, restored, refused, replaced = results
    assert simulated["changed"] and simulated["backup"]["event"] == "copy_simulated" and not before["stat"]["exists"]
    assert made["changed"] and made["backup"]["event"] == "copy_made" and made["backup"]["trust_level"] == "T2"
    assert made["backup"]["criticality"] == "alta" and "unknown_field" not in made["backup"]
    assert made["backup"]["encrypted"] and made["backup"]["key_reference"] == "custodia:source_code/Modulodepagos/Modulodepagos_20261122"
    shelf = tmp_path / "copias" / "source_code" / "Modulodepagos" / "Modulodepagos_20261122"
    assert hashlib.sha256((shelf / "SHA256SUMS").read_bytes()).hexdigest() == made["backup"]["sha256"]
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=shelf, check=True)
    assert again["failed"] and again["error"]["code"] == "RSP403" and again["backup"]["event"] == "copy_failed"
    assert verified["backup"]["event"] == "copy_verified" and verified["backup"]["trust_level"] == "T3" and not verified["changed"]
    assert [row["label"] for row in info["copies"]] == ["Modulodepagos_20261122"]
    assert info["copies"][0]["manifest"]["restore"][0] == "sha256sum --check SHA256SUMS"
    assert would["changed"] and would["backup"]["event"] == "restore_simulated" and not untouched["stat"]["exists"]
    assert restored["changed"] and restored["backup"]["event"] == "restored" and shape(Path(back)) == shape(tree)
    assert refused["error"]["code"] == "RSP601" and refused["backup"]["event"] == "restore_failed"
    assert replaced["restored"]["kept"] == back + ".before_Modulodepagos_20261122" and shape(Path(replaced["restored"]["kept"])) == shape(tree)
    custody = tmp_path / "custodia" / "source_code" / "Modulodepagos" / "Modulodepagos_20261122.yml"
    assert custody.stat().st_mode & 0o777 == 0o600
    shown = subprocess.run(["ansible-vault", "view", "--vault-password-file", str(tmp_path / "vault-password"), str(custody)],
                           capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout)["password"] not in results.output


def test_defaults_of_the_groups_reach_server_and_controller_of_a_real_copy(tasks, tree, tmp_path):
    """The medium is named nowhere but in module_defaults; the controller's side, which labels and publishes, has it from there too."""
    disk = medium(tmp_path)
    making = {"module_defaults": {f"group/{PREFIX}making": {"media": [disk], "lock_timeout": 30}}}
    opening = {"module_defaults": {f"group/{PREFIX}opening": {"medium": disk}}}
    made, verified, bare = tasks(
        ("backup_archive", named("Modulodepagos_20261122", source={"type": "paths", "paths": [str(tree)]}), making),
        ("backup_verify", named("Modulodepagos_20261122"), opening),
        ("backup_verify", named("Modulodepagos_20261122")),
    )
    assert made["changed"] and made["backup"]["event"] == "copy_made", made
    assert (tmp_path / "copias/source_code").is_dir()
    assert not verified.get("failed") and verified["backup"]["trust_level"] == "T2", verified
    assert bare["failed"] and "medium" in bare["msg"], bare


def test_publish_is_idempotent_and_never_replaces(tasks, tree, tmp_path):
    label = today()
    copy = named(label, media=[medium(tmp_path)], source={"paths": [str(tree)]})
    final = tmp_path / "copias" / "source_code" / "Modulodepagos" / label
    given = named(label, media=[medium(tmp_path)], sha256="{{ told_0.backup.sha256 }}", record="{{ told_0.backup }}")
    sealed, hidden, nothing, would, first, second, recorded, other = tasks(
        ("backup_archive", dict(copy, publish=False)), ("ansible.builtin.stat", {"path": str(final)}), ("bitacora_verdict", {}),
        ("backup_publish", given, {"check_mode": True}), ("backup_publish", given), ("backup_publish", given), ("bitacora_verdict", {}),
        ("backup_publish", dict(given, sha256="0" * 64)))
    assert not sealed["published"] and not hidden["stat"]["exists"]
    assert "event" not in sealed["backup"] and nothing["good"] == [], "what has no name yet must not be recorded as made"
    assert first["backup"]["event"] == "copy_made" and first["backup"]["trust_level"] == "T2" and recorded["good"] == [label]
    assert would["changed"] and first["changed"] and not second["changed"] and final.is_dir()
    assert other["failed"] and other["error"]["code"] == "RSP403"


def test_damage_is_told_as_damage_and_trouble_as_trouble(tasks, tree, tmp_path):
    copy = named("Modulodepagos_20261122", media=[medium(tmp_path)], source={"paths": [str(tree)]}, encryption={"password": "una clave larga"})
    made, = tasks(("backup_archive", copy))
    check = named("Modulodepagos_20261122", medium=medium(tmp_path), sha256=made["backup"]["sha256"])
    wrong, none, exchanged, away = tasks(
        ("backup_verify", dict(check, decryption={"password": "otra clave"})), ("backup_verify", check), ("backup_verify", dict(check, sha256="0" * 64)),
        ("backup_verify", dict(check, medium={"name": "disco", "path": str(tmp_path / "desmontado")})))
    assert wrong["error"]["code"] == "RSP802" and wrong["backup"]["event"] == "verification_failed"
    assert none["error"]["code"] == "RSP803" and none["backup"]["event"] == "verification_failed"
    assert exchanged["error"]["code"] == "RSP501" and exchanged["backup"]["event"] == "copy_damaged"
    assert away["failed"] and away["backup"]["event"] == "verification_failed"
    file = next((tmp_path / "copias").rglob("*.tar.zst.gpg"))
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size - 1)
    for level in ("T1", "T2"):
        cut, = tasks(("backup_verify", dict(check, level=level, decryption={"password": "una clave larga"})))
        assert cut["error"]["code"] == "RSP501" and cut["backup"]["event"] == "copy_damaged" and file.name in cut["msg"]


def test_what_7z_cannot_do_is_refused_before_anything(tasks, tree, tmp_path):
    copy = named("Modulodepagos_20261122", media=[medium(tmp_path)], source={"paths": [str(tree)]})
    opened = {"medium": medium(tmp_path), "decryption": {"custody": str(tmp_path / "custodia")}, "scratch": str(tmp_path)}
    keys, nothing, two_lines, made, verified = tasks(
        ("backup_archive", dict(copy, encryption={"format": "7z", "custody": str(tmp_path / "custodia"), "recipients": ["a public key"]})),
        ("backup_archive", dict(copy, encryption={"format": "7z"})), ("backup_archive", dict(copy, encryption={"format": "7z", "password": "una\nclave"})),
        ("backup_archive", dict(copy, encryption={"format": "7z", "custody": str(tmp_path / "custodia"), "spool": str(tmp_path)})),
        ("backup_verify", named("Modulodepagos_20261122", level="T3", **opened)))
    assert keys["error"]["code"] == "RSP101" and "encryption.recipients" in keys["msg"] and "public keys" in keys["msg"]
    for refused in (nothing, two_lines):
        assert refused["error"]["code"] == "RSP101" and "encryption.password" in refused["msg"]
    assert made["backup"]["encrypted"] and [part["name"] for part in made["backup"]["parts"]][0] == "Modulodepagos_20261122.tar.zst.7z"
    assert verified["backup"]["trust_level"] == "T3"


def test_git_and_its_digest(tasks, tmp_path):
    repository = tmp_path / "portal"
    git = ["git", "-C", str(repository), "-c", "user.name=Ana Quispe", "-c", "user.email=ana@example.org"]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=principal", str(repository)], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "Primera versión"], check=True)
    source = {"path": str(repository)}
    before, made = tasks(("backup_git_info", {"source": source}), ("backup_git", named("Modulodepagos_20261122", media=[medium(tmp_path)], source=source)))
    assert made["backup"]["content_digest"] == before["digest"] and not before["changed"]
    subprocess.run([*git, "tag", "versión-1"], check=True)
    after, outside, missing = tasks(
        ("backup_git_info", {"source": source}), ("backup_git_info", {"source": source, "assigned_paths": ["/srv"]}),
        ("backup_git", named("Modulodepagos_20261122_02", media=[medium(tmp_path)], source={"path": str(tmp_path / "no hay")})))
    assert after["digest"] != before["digest"]
    nobody = {"path": str(tmp_path / "no hay")}
    several, both = tasks(("backup_git_info", {"sources": [nobody, source]}), ("backup_git_info", {"sources": [source], "source": source}))
    assert several["digests"] == ["", after["digest"]], "the others are told all the same"
    assert both["failed"]
    assert outside["error"]["code"] == "RSP102"
    assert missing["error"]["code"] == "RSP201" and missing["backup"]["event"] == "copy_failed"


def test_directories_are_asked_one_by_one_or_all_at_once(tasks, tmp_path):
    (tmp_path / "fuentes").mkdir()
    (tmp_path / "fuentes" / "a").write_text("uno", "utf-8")
    source, nobody, outside = {"paths": [str(tmp_path / "fuentes")]}, {"paths": [str(tmp_path / "no hay")]}, {"paths": ["/etc/hostname"]}
    one, several, both = tasks(
        ("backup_archive_info", {"source": source}), ("backup_archive_info", {"sources": [nobody, source, outside], "assigned_paths": [str(tmp_path)]}),
        ("backup_archive_info", {"sources": [source], "source": source}))
    assert several["digests"] == ["", one["digest"], ""], "the others are told all the same"
    assert both["failed"]


def test_database_file_and_refusals_before_anything_is_written(tasks, tmp_path):
    subprocess.run(["python3", "-c", "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('create table t (a)'); c.commit()",
                    str(tmp_path / "tramites.sqlite")], check=True)
    copy = {"system": "Trámites", "kind": "database", "media": [medium(tmp_path)], "source": {"type": "sqlite", "path": str(tmp_path / "tramites.sqlite")}}
    made, outside, no_label, no_media, unmounted = tasks(
        ("backup_database", dict(copy, label="Tramites_20261122")),
        ("backup_database", dict(copy, label="Tramites_20261122_02", assigned_paths=["/srv"])),
        ("backup_database", dict(copy, label="../Tramites")),
        ("backup_database", dict(copy, label="Tramites_20261122_02", media=[])),
        ("backup_database", dict(copy, label="Tramites_20261122_02", media=[{"name": "nas", "path": str(tmp_path / "desmontado")}])))
    assert made["backup"]["objects"] == 1 and made["backup"]["source_type"] == "sqlite"
    assert outside["error"]["code"] == "RSP102" and outside["backup"]["event"] == "copy_refused"
    assert no_label["error"]["code"] == "RSP101" and no_media["error"]["code"] == "RSP101" and "media" in no_media["msg"]
    assert unmounted["error"]["code"] == "RSP401" and not (tmp_path / "desmontado").exists()
    assert [path.name for path in (tmp_path / "copias" / "database" / "Tramites").glob("[!.]*")] == ["Tramites_20261122"]


def test_select_takes_the_most_recent_before_the_loss(tasks, tree, tmp_path):
    """bitacora_verdict and backup_select read what the callback wrote of the copies in the same run."""
    media = [medium(tmp_path)]
    copies = [named(today(number), media=media, source={"paths": [str(tree)]}) for number in (1, 2)]
    find = {"system": "Módulo de pagos", "kind": "source_code", "media": media, "target": str(tmp_path / "vuelta")}
    _one, first, _wait, _two, second, newest, older, reason, unlooked, unknown, early, nowhere, looked_at, verdict, _three, _taken, bad = tasks(
        START, ("backup_archive", copies[0]), ("ansible.builtin.pause", {"seconds": 1}), START, ("backup_archive", copies[1]),
        ("backup_select", find), ("backup_select", dict(find, label=today(1))),
        ("backup_select", dict(find, label=today(1), reason="La más reciente tiene el daño", requester="Ana")),
            ("backup_select", dict(find, ticket="2026-0117")),
        ("backup_select", dict(find, label="Modulodepagos_20200101")), ("backup_select", dict(find, lost_at="2020-01-01")),
        ("backup_select", dict(find, target="")), ("backup_select", {**dict(find, target=""), "for": "verify"}),
        ("bitacora_verdict", {}), START, ("backup_archive", dict(copies[1], label=today(3), source={"paths": [str(tree / "no hay")]})),
        ("bitacora_verdict", {"kind": "source_code"}))
    assert newest["label"] == today(2) and newest["sha256"] == second["backup"]["sha256"]
    assert newest["backup"]["event"] == "restore_started" and first["backup"]["label"] == today(1)
    assert older["error"]["code"] == "RSP101" and "most recent" in older["msg"]
    assert reason["label"] == today(1) and reason["backup"]["requester"] == "Ana"
    assert unlooked["error"]["code"] == "RSP763", "a ticket that no request has"
    assert unknown["error"]["code"] == "RSP405" and today(2) in unknown["msg"]
    assert early["error"]["code"] == "RSP419" and today(1) + " es posterior a la pérdida" in early["msg"]
    assert nowhere["error"]["code"] == "RSP101" and "restore_target" in nowhere["msg"] and "backup" not in nowhere
    assert looked_at["label"] == newest["label"] and "backup" not in looked_at
    assert not verdict.get("failed") and verdict["good"] == [today(1), today(2)]
    assert bad["failed"] and bad["bad"][0]["code"] == "RSP201"


def test_a_damaged_copy_is_restored_all_the_same_for_a_reason_that_is_recorded(tasks, tree, tmp_path):
    """Never "there is no copy": what counts as damaged is told with what was found, and a person may want what still opens."""
    media = [medium(tmp_path)]
    (tree / "grande").write_bytes(b"0123456789" * 50_000)
    made = named(today(1), media=media, source={"paths": [str(tree)]}, compression="none", encryption={})
    spoil = "f=$(ls {0}/copias/source_code/*/{1}/*.tar) && printf X | dd of=$f bs=1 seek=40000 conv=notrunc".format(tmp_path, today(1))
    find = {"system": "Módulo de pagos", "kind": "source_code", "media": media, "target": str(tmp_path / "vuelta")}
    again = dict(named(today(1), medium=media[0], source={"type": "paths"}), target=str(tmp_path / "vuelta"))
    again.pop("record", None)
    _start, copied, _spoiled, damaged, gone, silent, nameless, chosen, refused, restored = tasks(
        START, ("backup_archive", made), ("ansible.builtin.shell", {"cmd": spoil}),
        ("backup_verify", dict(named(today(1), medium=media[0], source={"type": "paths"}), level="T1")),
        ("backup_select", find), ("backup_select", dict(find, label=today(1), damaged=True)), ("backup_select", dict(find, damaged=True, reason="No hay otra")),
        ("backup_select", dict(find, label=today(1), damaged=True, reason="No hay otra")),
        ("backup_restore", again), ("backup_restore", dict(again, damaged=True)))
    assert not copied.get("failed") and damaged["backup"]["event"] == "copy_damaged"
    assert gone["error"]["code"] == "RSP419" and "dañada en" in gone["msg"] and "RSP501" in gone["msg"] and "restore_damaged" in gone["msg"]
    assert silent["error"]["code"] == nameless["error"]["code"] == "RSP101"
    assert chosen["label"] == today(1) and chosen["backup"]["reason_text"] == "Se restaura aunque consta como dañada: No hay otra"
    assert refused["error"]["code"] == "RSP501" and refused["backup"]["event"] == "restore_failed"
    assert restored["backup"]["event"] == "restored" and "although the copy is damaged" in restored["backup"]["warnings"][0]
    assert restored["backup"]["trust_level"] == "T0", "no proof that copies of this system come back"
    back = (tmp_path / "vuelta" / "grande").read_bytes()
    assert len(back) == 500_000 and sum(one != other for one, other in zip(back, (tree / "grande").read_bytes())) == 1


def test_what_a_server_lacks_is_named(tasks):
    looked, checked = tasks(("backup_tools_info", {"programs": ["tar", "no-existe|tar", "no-existe", "otro|no"]}),
                            ("backup_tools_info", {"programs": ["no-existe"]}, {"check_mode": True}))
    assert looked["missing"] == ["no-existe", "otro|no"] and looked["changed"] is False
    assert checked["missing"] == ["no-existe"]
