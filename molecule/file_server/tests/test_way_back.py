# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people write through a share is copied, deleted by them, and comes back with the rights they had. In the order of the tests."""

from __future__ import annotations

import json
import os
import subprocess
import unicodedata
import uuid

import pytest
from conftest import PROJECT

LOGISTICA, JURIDICA = "/srv/compartidos/logistica", "/srv/compartidos/asesoría jurídica"
LONG = "acta " + "ñ" * 100 + ".txt"                      # 105 letters, 205 bytes
TREE = "Expedientes 2026"
SYSTEM = "Carpeta de Logística"
REASON = "Prueba de las carpetas compartidas"
# What is outside of the folder, and must come into no copy.
OUTSIDE = "/srv/ajeno"


def system(name=SYSTEM, paths=(LOGISTICA,), **more):
    return {"name": name, "kind": "file_server", "criticality": "media", "office": "Oficina de Logística",
            "source": {"type": "restic", "paths": list(paths)}, **more}


@pytest.fixture(scope="module")
def copied(files1, client, run, folders, entries):
    """People write, a name that Windows has no way to write is made on the server, and the copy runs with a reason, whatever the hour."""
    run("shared_folder.yml", folders(logistica={"recycle_days": 0}))
    secret = uuid.uuid4().hex
    files1.check_output("mkdir -p %s && echo %s > %s && echo contenido > /tmp/envío.txt", OUTSIDE, secret, OUTSIDE + "/secreto.txt")
    client("aquispe", "Logística", 'mkdir "{0}"; mkdir "{0}/Año ñandú"; put envío.txt "{0}/Año ñandú/señal.txt"; put envío.txt "{0}/{1}"'.format(TREE, LONG))
    client("aquispe", "Logística", "put envío.txt suelto.txt")
    client("lrojas", "Logística", 'mkdir "{0}/de Luis"; put envío.txt "{0}/de Luis/término.txt"'.format(TREE))
    # what Windows adds: a right of one person, kept beside the POSIX ones
    files1.check_output("smbcacls //localhost/Logística %s --user=aquispe%%lab-respaldo --add ACL:vdiaz:ALLOWED/0/CHANGE", TREE + "/Año ñandú/señal.txt")
    files1.check_output("cd %s && printf 'dos\nlíneas' > \"$(printf 'dos\\nlíneas.txt')\" && chgrp of-logistica * && ln -s %s fuera && ln -s %s fichero",
                        LOGISTICA + "/" + TREE, OUTSIDE, OUTSIDE + "/secreto.txt")
    run("file_server.yml", folders(), backup_systems=[system()], backup_emergency_reason=REASON)
    return secret


@pytest.fixture(scope="module")
def before(copied, tree):
    return tree(LOGISTICA + "/" + TREE)


@pytest.fixture(scope="module")
def restore(run, folders):
    def start(paths, target, status=0, systems=None, name=SYSTEM, given=None, **more):
        return run("restore.yml", given or folders(), status=status, backup_systems=systems or [system()], restore_host="files1", restore_kind="file_server",
                   restore_system=name, restore_paths=paths, restore_target=target, **more)

    return start


def test_the_copy_is_recorded_with_its_reason(copied, entries):
    made = entries(type="copy_made", system=SYSTEM)
    assert len(made) == 1
    assert (made[0]["reason"], made[0]["office"], made[0]["host"]) == ("emergency", "Oficina de Logística", "files1")
    assert made[0]["reason_text"].endswith(REASON)
    assert made[0]["responsible"] == "Carmen Soto Rivas" and made[0]["source"] == LOGISTICA


def test_the_copy_holds_the_link_and_not_what_it_leads_to(files1, copied, entries, state):
    """restic itself lists the copy, with the password that custody holds."""
    made = entries(type="copy_made", system=SYSTEM)[0]
    kept = state / "custodia" / (made["key_reference"].partition(":")[2] + ".yml")
    password = json.loads(subprocess.check_output(["ansible-vault", "view", str(kept)], cwd=PROJECT, env=os.environ))["password"]
    manifest = json.loads(files1.check_output("cat %s", "{0}/{1}.json".format(made["location"].split(", ")[0], made["label"])))
    place = list(manifest["restic"]["media"].values())[0]
    told = files1.check_output("RESTIC_PASSWORD=%s restic --repo %s ls --json %s", password, place["location"], place["snapshot"])
    nodes = {row["path"]: row for row in map(json.loads, told.splitlines()) if row.get("struct_type") == "node"}
    assert nodes["{0}/{1}/fuera".format(LOGISTICA, TREE)]["type"] == nodes["{0}/{1}/fichero".format(LOGISTICA, TREE)]["type"] == "symlink"
    assert not [path for path in nodes if path.startswith(OUTSIDE)]
    assert "{0}/{1}/dos\nlíneas.txt".format(LOGISTICA, TREE) in nodes


def test_one_file_comes_back_and_its_people_read_it(files1, client, before, restore, entries, tree):
    place = "{0}/Año ñandú/señal.txt".format(TREE)
    client("aquispe", "Logística", 'rm "{0}"'.format(place))
    assert "NT_STATUS_OBJECT_NAME_NOT_FOUND" in client("lrojas", "Logística", 'get "{0}" -'.format(place), status=None)
    restore([LOGISTICA + "/" + place], LOGISTICA, restore_requester="Jefatura de Logística")
    done = entries(type="restored", system=SYSTEM)[-1]
    assert (done["requester"], done["target"], done["numeral"]) == ("Jefatura de Logística", LOGISTICA, "7.1.3")
    for who in ("aquispe", "lrojas", "vdiaz"):
        assert "contenido" in client(who, "Logística", 'get "{0}" -'.format(place)), who
    client("lrojas", "Logística", 'get "{0}" /tmp/x; put /tmp/x "{0}.copia"; rm "{0}.copia"'.format(place))
    rights = files1.check_output("smbcacls //localhost/Logística %s --user=aquispe%%lab-respaldo", place)
    assert "vdiaz:ALLOWED/0x0/CHANGE" in rights


def test_a_folder_comes_back_with_owners_rights_and_windows_attributes(files1, client, before, restore, tree):
    client("aquispe", "Logística", 'deltree "{0}"'.format(TREE), status=None)
    files1.check_output("rm -rf %s", LOGISTICA + "/" + TREE)
    restore([LOGISTICA + "/" + TREE], LOGISTICA)
    assert tree(LOGISTICA + "/" + TREE) == before
    assert b"security.NTACL" in before and b"user.DOSATTRIB" in before
    listed = client("lrojas", "Logística", 'ls "{0}/*"'.format(TREE))
    assert LONG in listed and "de Luis" in listed and "secreto" not in client("lrojas", "Logística", 'ls "{0}/fuera/*"'.format(TREE), status=None)
    assert "contenido" in client("vdiaz", "Logística", 'get "{0}/{1}" -'.format(TREE, LONG))
    assert "NT_STATUS_ACCESS_DENIED" in client("rhuaman", "Logística", "ls", status=1)
    assert files1.check_output("cat %s", "{0}/{1}/dos\nlíneas.txt".format(LOGISTICA, TREE)) == "dos\nlíneas"


REFUSALS = {
    "another office's folder": (JURIDICA + "/devuelto", "RSP111"),
    "a link in the folder to another office's": (LOGISTICA + "/atajo/devuelto", "RSP111"),
    "nobody's folder": ("/srv/ajeno/devuelto", "RSP102"),
    "the way up": (LOGISTICA + "/../fuera", "RSP102"),
    "a folder in another Unicode form": ("/srv/compartidos/asesori\u0301a juri\u0301dica/devuelto", "RSP102"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_restore_elsewhere_is_refused_and_recorded(files1, before, restore, entries, snapshot, case):
    target, code = REFUSALS[case]
    files1.check_output("ln -sfn %s %s", JURIDICA, LOGISTICA + "/atajo")
    try:
        state, known = snapshot(), entries()[-1]["n"]
        done = restore([LOGISTICA + "/suelto.txt"], target, status=2)
        assert code in done.stdout and snapshot() == state
        failed = [row for row in entries(type="restore_failed") if row["n"] > known]
        assert [(row["error_code"], row["system"], row["target"]) for row in failed] == [(code, SYSTEM, unicodedata.normalize("NFC", target))]
        assert "numeral 6.2" in failed[0]["error_message_es"] + failed[0]["error_remedy_es"]
    finally:
        files1.check_output("rm %s", LOGISTICA + "/atajo")


def test_a_copy_outside_is_refused_and_recorded(copied, run, folders, entries):
    bad = {"Ajena": OUTSIDE, "Enlazada": LOGISTICA + "/" + TREE + "/fuera", "Retirada": JURIDICA}
    systems = [system(name, [path], minimum_size=0) for name, path in bad.items()]
    done = run("file_server.yml", folders(juridica={"state": "withdrawn"}), status=2, backup_systems=systems, backup_emergency_reason=REASON)
    refused = {row["system"]: row["error_code"] for row in entries(type="copy_refused")}
    assert refused == {name: "RSP102" for name in bad} and "RSP102" in done.stdout
    assert not [row for row in entries(type="copy_made") if row["system"] in bad]


@pytest.mark.parametrize(("what", "code"), [("mv {0} {0}-otra && ln -s {1} {0}", "RSP110"), ("mv {0} {0}-otra", "RSP110")])
def test_a_share_replaced_or_renamed_is_not_copied(files1, copied, run, folders, entries, what, code):
    known = entries()[-1]["n"]
    files1.check_output(what.format(LOGISTICA, OUTSIDE))
    try:
        run("file_server.yml", folders(), status=2, backup_systems=[system()], backup_emergency_reason=REASON)
    finally:
        files1.check_output("rm -f {0} && mv {0}-otra {0}".format(LOGISTICA))
    refused = [row for row in entries(type="copy_refused") if row["n"] > known]
    assert [row["error_code"] for row in refused] == [code] and not [row for row in entries(type="copy_made") if row["n"] > known]
