# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back is what was copied: by our restore, and by the manifest's own commands without us."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from fingerprints import MEDIUM, PROJECT, manifest, repository, tree

SYSTEMS = ("Portal", "Miles", "Vacío", "Suelto", "Sin rama", "Sistema", "Grandes", "Voluminoso", "Trabajo", "Portal por https", "Portal por ssh")
BY_HAND = ("Portal", "Miles", "Vacío", "Suelto", "Sin rama", "Sistema", "Grandes", "Trabajo", "Portal por https")
PORTAL = "/srv/git/portal.git"


@pytest.fixture(scope="module")
def restored(git1, playbook, systems):
    """Every system restored, each into its own directory: the path by name."""
    git1.check_output("rm -rf /srv/restaurados && mkdir /srv/restaurados")
    playbook(PROJECT / "molecule/source_code/restore_all.yml")
    return {name: "/srv/restaurados/{0}".format(number) for number, name in enumerate(systems)}


@pytest.fixture(scope="module")
def by_hand(git1, state, entries):
    """Restores a system as the manifest says, with stock tools, into a directory: its path."""
    git1.check_output("rm -rf /srv/a-mano && mkdir -m 0700 /srv/a-mano /srv/a-mano/gpg")
    git1.check_output("printf 'batch\\npinentry-mode loopback\\npassphrase-file /srv/a-mano/clave\\n' > /srv/a-mano/gpg/gpg.conf")

    def restore(name):
        made = entries(type="copy_made", system=name)[0]
        target = "/srv/a-mano/" + made["label"]
        if made["encrypted"]:
            kept = state / "custodia" / (made["key_reference"].partition(":")[2] + ".yml")
            password = json.loads(subprocess.check_output(["ansible-vault", "view", str(kept)], cwd=PROJECT, env=os.environ))["password"]
            git1.check_output("umask 077; printf %%s %s > /srv/a-mano/clave", password)
        script = "set -euo pipefail\nexport TARGET={0} GNUPGHOME=/srv/a-mano/gpg\ncd {1}\n".format(target, made["location"].split(", ")[0])
        git1.check_output("bash -c %s", script + "\n".join(manifest(git1, made)["restore"]))
        return target

    return restore


def source_of(systems, name):
    return systems[name]["source"].get("path", PORTAL)


def test_nothing_was_copied_the_second_time(entries, systems):
    """The second run of converge, for Molecule's idempotence, left no entry of a copy."""
    first, second = [entry["run"] for entry in entries(type="run_started", playbook="converge.yml")][:2]
    assert sorted(entry["system"] for entry in entries(type="copy_made", run=first)) == sorted(systems)
    assert entries(type="copy_made", run=second) == [] and entries(type="copy_started", run=second) == []


@pytest.mark.parametrize("name", SYSTEMS)
def test_repository_comes_back_equal(git1, restored, systems, name):
    assert repository(git1, restored[name]) == repository(git1, source_of(systems, name))


def test_refs_that_are_easily_forgotten(git1, restored):
    refs = git1.check_output("git -c safe.directory='*' --git-dir %s for-each-ref --format='%%(refname)'", restored["Portal"]).splitlines()
    for name in ("notes/commits", "notes/revisión", "propio/marca", "heads/función/ñandú", "tags/blob-suelto", "tags/de-etiqueta", "tags/ligera"):
        assert "refs/" + name in refs
    tags = git1.check_output("git -c safe.directory='*' --git-dir %s tag | wc -l", restored["Miles"])
    assert int(tags) == 2000


def test_head_comes_back_as_it_stood(git1, restored):
    def head(name):
        return git1.file(restored[name] + "/HEAD").content_string.strip()

    assert head("Vacío") == "ref: refs/heads/main" and head("Sin rama") == "ref: refs/heads/no-existe"
    assert head("Suelto") == git1.check_output("git -c safe.directory='*' --git-dir /srv/git/suelto.git rev-parse main~1")


def test_work_tree_is_checked_out(git1, restored):
    path = restored["Trabajo"]
    assert git1.check_output("git -c safe.directory='*' -C %s status --porcelain", path) == ""
    for name in ("Órgano de línea/año ñandú 😀.txt", "tab\ty salto\nde línea.txt"):
        assert git1.file(path + "/" + name).exists
    assert git1.file(path + "/enlace").linked_to == path + "/README.md" and git1.file(path + "/ejecutable.sh").mode & 0o111
    assert git1.file(path + "/README.md").content_string == "# Portal\n"
    assert git1.file(path).user == "git"
    assert "Por terminar" in git1.check_output("git -c safe.directory='*' -C %s stash list", path)


def test_lfs_objects_come_back_byte_for_byte(git1, restored):
    listing = "cd %s/lfs/objects && find . -type f | sort | xargs sha256sum"
    objects = git1.check_output(listing, restored["Grandes"])
    assert len(objects.splitlines()) == 3
    assert objects == git1.check_output(listing, "/srv/git/grandes.git")


def test_submodule_keeps_its_commit(git1, entries):
    commit = git1.check_output("git -c safe.directory='*' --git-dir /srv/git/componente.git rev-parse main")
    found = manifest(git1, entries(type="copy_made", system="Sistema")[0])["source"]["facts"]["submodules"]
    assert [(row["path"], row["commit"]) for row in found] == [("vendor/componente", commit)]


def test_three_ways_to_a_repository_give_one_digest(entries):
    digests = {entries(type="copy_made", system=name)[0]["content_digest"] for name in ("Portal", "Portal por https", "Portal por ssh")}
    assert len(digests) == 1


def test_plain_directory_comes_back_equal(git1, restored):
    assert tree(git1, restored["Código sin git"]) == tree(git1, "/srv/trabajo/código sin git")


@pytest.mark.parametrize("name", BY_HAND)
def test_stock_commands_restore_an_equal_repository(git1, by_hand, systems, name):
    target = by_hand(name)
    assert repository(git1, target) == repository(git1, source_of(systems, name))
    if name == "Grandes":
        assert git1.run("diff -r %s/lfs/objects /srv/git/grandes.git/lfs/objects", target).rc == 0


def test_stock_commands_restore_an_equal_directory(git1, by_hand):
    assert tree(git1, by_hand("Código sin git")) == tree(git1, "/srv/trabajo/código sin git")


def test_copies_can_be_read_by_root_alone(git1):
    assert git1.check_output("find %s -perm /077 -printf '%%p %%m\\n'", MEDIUM) == ""
