# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of copies, in the order of the tests: made, updated, verified, damaged, found out, replaced, restored, refused."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import shlex
import shutil
import sqlite3

import pytest
from fingerprints import MEDIUM, repository, tree

TRIALS = "/srv/pruebas"
REPOSITORIES = ("truncada", "alterada", "borrada", "actualizada", "doble")
SECRET = "lab-respaldo"
# The directory tar must bring back: owners, modes, every kind of link, a pipe, a sparse file, a name that is not UTF-8.
BUILD = r"""
set -e
rm -rf {0} && mkdir {0} && cd {0}
export GIT_AUTHOR_NAME=Ana GIT_AUTHOR_EMAIL=ana@example.org GIT_COMMITTER_NAME=Ana GIT_COMMITTER_EMAIL=ana@example.org
for name in {1}; do
    git init --quiet --bare --initial-branch main $name.git
    empty=$(git --git-dir $name.git mktree </dev/null)
    git --git-dir $name.git update-ref refs/heads/main $(git --git-dir $name.git commit-tree -m "Inicio de $name" $empty)
done
mkdir -p 'árbol/vacío' árbol/dentro && cd árbol
echo uno >uno && chown git:daemon uno && chmod 4750 uno
ln uno dentro/mismo && ln -s ../uno dentro/enlace && ln -s /no/existe roto && ln -s /etc/passwd fuera
mkfifo cola && truncate -s 3M hueco && echo fin >>hueco
touch "$(printf 'latin-\361')" && chmod 1777 vacío && chown 12345:23456 vacío
touch -d '2001-02-03 04:05:06.123456789' dentro
ln -s /etc {0}/enlace
mkdir {0}/destinos && ln -s /root {0}/destinos/hacia-fuera
"""


def system(name, media=None, **source):
    found = {"name": name, "kind": "source_code", "criticality": "baja", "office": "Oficina de pruebas", "source": source}
    return dict(found, media=media) if media else found


GOOD = [system(name, ["local", "store1"] if name == "doble" else None, type="git", path="{0}/{1}.git".format(TRIALS, name)) for name in REPOSITORIES] + [
    system("Con clave", type="git", url="https://git1/git/componente.git", username="respaldo", password="{{ lab_password }}"),
    system("árbol", type="paths", paths=[TRIALS + "/árbol"]),
]
CHANGING = ["actualizada", "Con clave", "árbol"]
BAD = {
    "Dañado": ("RSP205", "copy_failed", system("Dañado", type="git", path="/srv/git/danado.git")),
    "Incompleto": ("RSP206", "copy_failed", system("Incompleto", type="git", path="/srv/git/grandes-incompleto.git", lfs="require")),
    "Ausente": ("RSP201", "copy_failed", system("Ausente", type="git", path="/srv/git/ausente.git")),
    "Fuga": ("RSP102", "copy_refused", system("Fuga", type="paths", paths=[TRIALS + "/enlace"])),
}
CHAIN = {
    "row deleted": ("DELETE FROM entries WHERE n = {middle}", "faltan los asientos del {middle} al {middle}"),
    "row edited": ("UPDATE entries SET body = replace(body, 'árbol', 'arbusto') WHERE n = {copy}", "el contenido del asiento {copy} fue alterado"),
    "middle cut out": ("DELETE FROM entries WHERE n BETWEEN {first} AND {middle}", "faltan los asientos del {first} al {middle}"),
}


@pytest.fixture(scope="module")
def run(playbook, tmp_path_factory):
    """Runs a playbook on git1 with the trial systems, or with others given."""

    def start(name, *arguments, systems=GOOD, status=0, environment=None, **variables):
        given = {"backup_systems": systems, "backup_assigned_paths": [TRIALS, "/srv/git"], **variables}
        file = tmp_path_factory.mktemp("variables") / "variables.json"
        file.write_text(json.dumps(given), "utf-8")
        return playbook(name, "--limit", "git1", "--extra-vars", "@{0}".format(file), *arguments, status=status, environment=environment)

    return start


@pytest.fixture(scope="module")
def restore(run):
    """Runs playbooks/restore.yml for a trial system."""

    def start(name, target, *arguments, status=0, host="git1", **variables):
        given = {"restore_host": host, "restore_system": name, "restore_kind": "source_code", **({"restore_target": target} if target else {}), **variables}
        return run("restore.yml", *arguments, status=status, **given)

    return start


@pytest.fixture(scope="module")
def trials(git1, run):
    """The trial systems, copied once together with systems that can't be copied: the finished process."""
    git1.check_output("bash -c %s", BUILD.format(TRIALS, " ".join(REPOSITORIES)))
    return run("source_code.yml", systems=GOOD[:3] + [row[2] for row in BAD.values()] + GOOD[3:], status=2)


def file_of(entry, extension):
    """The file of a copy with that in its name, on the first of its media."""
    return entry["location"].split(", ")[0] + "/" + next(row["name"] for row in entry["parts"] if extension in row["name"])


def media(host):
    """All that lies on the medium."""
    return host.check_output("cd /srv/copias && find . -type f ! -name .lock -exec sha256sum {} + | sort; find . -type d | sort")


def test_systems_that_fail_are_named_and_the_others_are_copied(git1, trials, entries):
    told = trials.stdout[trials.stdout.index("Fallaron {0} de {1} en git1".format(len(BAD), len(BAD) + len(GOOD))):]
    for name, (code, event, _system) in BAD.items():
        assert [entry["error_code"] for entry in entries(type=event, system=name)] == [code]
        assert "({0}) {1}".format(name, code) in told
        assert entries(type="copy_made", system=name) == []
    for one in GOOD:
        assert len(entries(type="copy_made", system=one["name"])) == 1
        assert "({0})".format(one["name"]) not in told
    assert git1.run("ls -d %s/Danado/Danado_* %s/Fuga", MEDIUM, MEDIUM).stdout == ""


def test_check_mode_tells_what_would_be_copied_and_copies_nothing(git1, trials, run, entries):
    push = "cd {0} && git -c user.name=Ana -c user.email=a@example.org --git-dir actualizada.git commit-tree -p main -m Cambio main^{{tree}}".format(TRIALS)
    git1.check_output("git --git-dir %s/actualizada.git update-ref refs/heads/main $(%s)" % (TRIALS, push))
    before, known = media(git1), len(entries(type="copy_made"))
    done = run("source_code.yml", "--check", "-vvvv", backup_only=CHANGING)
    assert media(git1) == before and len(entries(type="copy_made")) == known
    simulated = entries(type="copy_simulated")
    assert [(entry["system"], entry["simulated"], entry["location"].endswith("_02")) for entry in simulated] == [("actualizada", True, True)]
    assert SECRET not in done.stdout


def test_an_update_is_copied_once(trials, run, entries):
    run("source_code.yml", backup_only=CHANGING)
    second = entries(type="copy_made", system="actualizada")[1]
    assert second["label"].endswith("_02") and second["reason"] == "update"
    assert len(entries(type="copy_made")) == len(set((entry["system"], entry["label"]) for entry in entries(type="copy_made")))
    assert [entry["system"] for entry in entries(type="copy_made", run=second["run"])] == ["actualizada"]
    run("source_code.yml", backup_only=CHANGING)
    assert entries(type="copy_made")[-1] == second


def test_whole_copies_are_green(trials, run, entries):
    done = run("verify.yml")
    assert "La cadena está íntegra" in done.stdout
    assert len(entries(type="copy_verified", run=entries(type="copy_verified")[-1]["run"])) == len(GOOD) + 1


@pytest.fixture(scope="module")
def damaged(git1, store1, trials, entries):
    """One damage to each of the copies: the damaged entries by system."""
    newest = {name: entries(type="copy_made", system=name)[-1] for name in REPOSITORIES}
    git1.check_output("truncate -s -1 %s", file_of(newest["truncada"], "bundle"))
    git1.check_output("truncate -s -1 %s", file_of(newest["actualizada"], "bundle"))
    flip = "import sys; f = open(sys.argv[1], 'r+b'); f.seek(200); b = f.read(1); f.seek(200); f.write(bytes([b[0] ^ 1]))"
    for name in ("alterada", "doble"):
        git1.check_output("python3 -c %s %s", flip, file_of(newest[name], "bundle"))
    git1.check_output("rm %s", file_of(newest["borrada"], "refs"))
    return newest


def damage_found(done, entries, simulated):
    """The entries of damage by system, each of them told at the end of the run."""
    told = done.stdout[re.search(r"Fall(?:ó|aron) \d+ de \d+ en git1:", done.stdout).start():]
    found = {entry["system"]: entry for entry in entries(type="copy_damaged") if bool(entry.get("simulated")) == simulated}
    for entry in found.values():
        assert (entry["error_code"], entry["medium"]) == ("RSP501", "local")
        assert entry["label"] in told
    assert "(árbol)" not in told and "(Con clave)" not in told
    return {name: entry["label"] for name, entry in found.items()}


def test_check_mode_of_verify_reads_the_copies(damaged, run, entries):
    done = run("verify.yml", "--check", backup_only=["alterada", "Con clave"], status=2)
    assert damage_found(done, entries, True) == {"alterada": damaged["alterada"]["label"]}


def test_damaged_copies_are_found_and_named(damaged, run, entries):
    done = run("verify.yml", status=2)
    assert damage_found(done, entries, False) == {name: entry["label"] for name, entry in damaged.items()}


def test_restore_passes_damaged_copies_over(git1, damaged, restore, entries):
    restore("actualizada", TRIALS + "/destinos/anterior")
    done = entries(type="restored", system="actualizada")[-1]
    assert done["label"] == entries(type="copy_made", system="actualizada")[0]["label"]
    restore("doble", TRIALS + "/destinos/doble", restore_requester="Luis Rojas")
    done = entries(type="restored", system="doble")[-1]
    assert (done["label"], done["medium"], done["requester"]) == (damaged["doble"]["label"], "store1", "Luis Rojas")
    assert repository(git1, TRIALS + "/destinos/doble") == repository(git1, TRIALS + "/doble.git")
    none = restore("truncada", TRIALS + "/destinos/nada", status=2)
    assert "RSP419" in none.stdout and not git1.file(TRIALS + "/destinos/nada").exists


def test_damaged_copies_are_due_again(damaged, run, entries):
    run("source_code.yml")
    last = entries(type="run_ended")[-1]["run"]
    assert sorted(entry["system"] for entry in entries(type="copy_made", run=last)) == sorted(REPOSITORIES)
    assert all(entry["label"].endswith(("_02", "_03")) for entry in entries(type="copy_made", run=last))
    run("verify.yml", backup_only=["truncada", "doble"])


@pytest.mark.parametrize("damage", CHAIN)
def test_a_bitacora_that_was_tampered_with_is_found(state, tmp_path, run, entries, trials, damage):
    tampered = tmp_path / "bitacora.sqlite"
    with contextlib.closing(sqlite3.connect(state / "bitacora.sqlite")) as whole, contextlib.closing(sqlite3.connect(tampered)) as connection:
        whole.backup(connection)
    copy = entries(type="copy_made", system="árbol")[0]["n"]
    middle = entries(type="run_ended")[-2]["n"]
    numbers = {"copy": copy, "middle": middle, "first": middle - 3}
    connection = sqlite3.connect(tampered, isolation_level=None)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute('DROP TRIGGER "{0}"'.format(name))
    statement, words = CHAIN[damage]
    assert connection.execute(statement.format(**numbers)).rowcount > 0
    connection.close()
    done = run("verify.yml", systems=[], status=2, environment={"RESPALDO_BITACORA": str(tampered)})
    assert "LA CADENA ESTÁ ROTA" in done.stdout and words.format(**numbers) in done.stdout
    shutil.rmtree(tmp_path)


# -- restore ------------------------------------------------------------------------------------------------------------

REFUSALS = {
    "another copy without a reason": (dict(restore_label="{first}"), "is not the most recent copy", ""),
    "a copy that is not": (dict(restore_label="actualizada_20200101"), "RSP405", ""),
    "a label that is none": (dict(restore_label="../../etc"), "RSP101", ""),
    "a server that is not": (dict(host="git9"), "no es un servidor de esta ejecución", ""),
    "no target": (dict(target=""), "restore_target", ""),
    "a target outside": (dict(target="/root/fuera"), "RSP102", "restore_failed"),
    "a link to outside": (dict(target=TRIALS + "/destinos/hacia-fuera/x"), "RSP102", "restore_failed"),
    "a target in use": (dict(target=TRIALS + "/doble.git"), "RSP601", "restore_failed"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_restore_refuses_and_touches_nothing(git1, trials, damaged, restore, entries, case):
    given, words, event = REFUSALS[case]
    given = {"target": TRIALS + "/destinos/nuevo", **given}
    if "restore_label" in given:
        given["restore_label"] = given["restore_label"].format(first=entries(type="copy_made", system="actualizada")[0]["label"])
    listing = "find {0} /root -path /root/.ansible -prune -o -printf '%p %s %T@ %i\\n' | sort | sha256sum".format(TRIALS)
    before, known = git1.check_output(listing), entries()[-1]["n"]
    done = restore("actualizada", given.pop("target"), status=2, **given)
    assert words in done.stdout
    assert git1.check_output(listing) == before
    said = [entry for entry in entries(type="restore_failed") if entry["n"] > known]
    assert [entry["type"] for entry in said] == ([event] if event else [])
    if event:
        assert said[0]["error_code"] == words
    assert not [entry for entry in entries(type="restored") if entry["n"] > known]


def test_check_mode_of_restore_tells_the_truth(git1, damaged, restore, entries):
    made = entries(type="copy_made", system="actualizada")
    lost = datetime.datetime.strptime(made[-1]["started_at"], "%Y-%m-%dT%H:%M:%SZ") - datetime.timedelta(hours=5)
    done = restore("actualizada", TRIALS + "/destinos/simulado", "--check", restore_lost_at=lost.strftime("%Y-%m-%d %H:%M:%S"))
    assert "Simulación: {0} se restauraría en".format(made[0]["label"]) in done.stdout
    assert entries(type="restore_simulated")[-1]["label"] == made[0]["label"]
    assert not git1.file(TRIALS + "/destinos/simulado").exists
    refused = restore("actualizada", TRIALS + "/doble.git", "--check", status=2)
    assert "RSP601" in refused.stdout


def test_the_most_recent_copy_before_the_loss_is_restored(git1, damaged, restore, entries):
    made = entries(type="copy_made", system="actualizada")
    lost = datetime.datetime.strptime(made[-1]["started_at"], "%Y-%m-%dT%H:%M:%SZ") - datetime.timedelta(hours=5)
    restore("actualizada", TRIALS + "/destinos/antes", restore_lost_at=lost.strftime("%Y-%m-%d %H:%M:%S"))
    assert entries(type="restored")[-1]["label"] == made[0]["label"]
    log = "git -c safe.directory='*' --git-dir {0} log --oneline main | wc -l"
    assert git1.check_output(log.format(TRIALS + "/destinos/antes")) == "1"


def test_overwriting_keeps_what_stood_there_beside(git1, trials, restore, entries):
    target = TRIALS + "/árbol"
    copied = tree(git1, target)
    git1.check_output("cd %s && rm -r dentro && echo otro > uno" % shlex.quote(target))
    changed = tree(git1, target)
    restore("árbol", target, restore_overwrite=True, restore_special=True)
    assert tree(git1, target) == copied
    label = entries(type="restored", system="árbol")[-1]["label"]
    assert tree(git1, "{0}.before_{1}".format(target, label)) == changed
