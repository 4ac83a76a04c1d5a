# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to a file and is no content of it, compared at T4 with the source: what came back, what did not, what could not be told."""

from __future__ import annotations

import os
import subprocess
import time

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.programs import private_directory
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import attributes, catalogue, trees

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="sets owners, capabilities and trusted attributes, and mounts")
KEPT = {"user.DOSATTRIB": b"0x22", "user.DosStream.Zone:$DATA": b"[ZoneTransfer]\0", "trusted.x": b"\0\1", "security.NTACL": b"\4\0sd", "user.y": b""}


@pytest.fixture
def folder(tmp_path):
    """One of each, none touched since two seconds before the copy."""
    top = tmp_path / "docs"
    (top / "c").mkdir(parents=True)
    for name in ("plano", "otro", "fijo"):
        (top / name).write_text(name, "utf-8")
    (top / "c" / "x").write_text("x", "utf-8")
    os.link(top / "otro", top / "c" / "enlace")
    os.chown(top / "plano", 1234, 5678)
    os.chmod(top / "plano", 0o4750)
    for name, value in KEPT.items():
        os.setxattr(top / "plano", name, value)
    subprocess.run(["setcap", "cap_net_bind_service+ep", str(top / "otro")], check=True)
    subprocess.run(["setfacl", "-m", "u:4321:r", str(top / "c" / "x")], check=True)
    with open(top / "hueco", "wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["chattr", "+i", str(top / "fijo")], check=False, capture_output=True)
    time.sleep(2.2)
    yield top
    subprocess.run(["chattr", "-i", str(top / "fijo")], check=False, capture_output=True)


def compared(source, bench, scratch_in):
    with bench.open() as opened, private_directory(str(scratch_in)) as scratch:
        source.rehearse(opened, scratch)
        methods = source.compare(opened, scratch)
    return methods, {(row.key, str(row.parameters.get("sort", ""))): row for row in source.remarks()}


def test_a_copy_of_directories_brings_them_and_says_so(bench, folder, tmp_path):
    source = catalogue.build("paths", {"paths": [str(folder)]}, [str(folder)])
    bench.make(source)
    _methods, told = compared(source, bench, tmp_path)
    lost = {sort for key, sort in told if key == "attributes_lost"}
    assert lost <= {"immutable or append-only flags, which no copy brings"} and told["attributes_same", ""].parameters["count"] >= 6, told
    assert not [key for key, _sort in told if key == "attributes_untold"]
    # the same where the file system holds less: nothing is said of the copy
    small = tmp_path / "memoria"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(small)], check=True)
    try:
        source = catalogue.build("paths", {"paths": [str(folder)]}, [str(folder)])
        with bench.open() as opened, private_directory(str(small)) as scratch:
            try:
                os.setxattr(scratch, "user.z", b"1")
                holds = True
            except OSError:
                holds = False
            source.rehearse(opened, scratch)
            methods = source.compare(opened, scratch)
        told = {row.key: row for row in source.remarks()}
        assert "source_files" in methods and ("attributes_untold" in told) is not holds, told
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_what_did_not_come_back_is_named_by_its_sort_and_what_this_place_refuses_is_not(folder, tmp_path):
    """A tool that brings the data alone: each thing that is lacking is found."""
    scratch = tmp_path / "vuelto"
    subprocess.run(["cp", "-r", "--preserve=timestamps", "--sparse=never", str(folder), str(scratch)], check=True)
    subprocess.run(["setfacl", "-m", "u:99:rwx", str(scratch / "c")], check=True)
    manifest = {"started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "label": "SIGA_20261121"}
    found = attributes.Attributes()
    assert trees.compare(str(scratch), str(folder), manifest, [str(folder)], [], found)[1] == 0
    sorts = set(found.lost)
    assert {"owner", "mode", "acl", "more_rights", "links", "holes", "user.DOSATTRIB", "user.DosStream.*", "user.*", "trusted.*", "security.NTACL",
            "security.capability"} <= sorts and not found.untold and not found.whole
    assert ("flags" in sorts) == (b"i" in subprocess.run(["lsattr", str(folder / "fijo")], capture_output=True, check=False).stdout.split(b" ")[0])
    told = {row.key for row in found.remarks()}
    assert "attributes_lost" in told and all(row.spanish for row in found.remarks())
    # touched since: nobody can tell how it was
    os.chmod(folder / "c" / "x", 0o600)
    again = attributes.Attributes()
    trees.compare(str(scratch), str(folder), dict(manifest), [str(folder)], [], again)
    assert "acl" not in again.lost


def test_a_rehearsal_without_the_source_s_bytes_looks_at_them_too(bench, folder, tmp_path):
    """At T3: what is still the file that was copied, and nothing of what is another one by now or lies elsewhere."""
    source = catalogue.build("paths", {"paths": [str(folder)]}, [str(folder)])
    bench.make(source)
    with bench.open() as opened, private_directory(str(tmp_path)) as scratch:
        source.rehearse(opened, scratch)
        methods = source.look_beside(opened, scratch)
        told = {row.key for row in source.remarks()}
        assert "attributes_same" in told and ("source_attributes" in methods) == ("attributes_lost" not in told)
        # a file that lost its attributes on the way, one that is another by now
        plain, other = os.path.join(scratch, "plano"), os.path.join(scratch, "c", "x")
        os.removexattr(plain, "security.NTACL")
        os.truncate(other, 0)
        subprocess.run(["setfacl", "-b", other], check=True)
        found = trees.attributes_beside(scratch, str(folder), opened.manifest, [str(folder)], [])
        assert found.lost["security.NTACL"] == ["plano"] and "acl" not in found.lost, found.lost
        elsewhere = catalogue.build("paths", {"paths": [str(folder / "c")]}, [str(folder)])
        assert elsewhere.look_beside(opened, scratch) == [] and elsewhere.remarks() == []


def test_a_copy_of_a_file_server_brings_them_too(folder, tmp_path):
    """By restic itself, as a rehearsal restores: every namespace, names of one file, owners."""
    environment = {"PATH": os.environ["PATH"], "RESTIC_PASSWORD": "clave"}
    base = ["restic", "--no-cache", "--repo", str(tmp_path / "r"), "--quiet"]
    began = time.gmtime()
    for words in (["init"], ["backup", str(folder)], ["restore", "latest", "--target", str(tmp_path / "s")]):
        subprocess.run([*base, *words], env=environment, check=True, capture_output=True)
    found = attributes.Attributes()
    manifest = {"started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", began), "label": "RRHH_20261121"}
    same, _changed = trees.compare(str(tmp_path / "s"), "/", manifest, [str(folder)], [], found)
    assert same >= 4 and set(found.lost) <= {"holes", "flags"} and not found.untold, (found.lost, found.untold)
