# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever may write to a share exchanges the controller's files there for links, FIFOs and devices: anchors, custody, reports, templates."""

from __future__ import annotations

import json
import os
import signal
import stat
from pathlib import Path

import pytest
from ansible.constants import DEFAULT_VAULT_ID_MATCH
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret
from ansible_collections.perucompras.respaldo.plugins.action import backup_evidence
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _held_places, _inventory
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import anchored, chain, run_log, seals
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import base, custody
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians.vault_file import VaultFile
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._letters import writing
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import files

REFERENCE = "custodia:database/SIGA/SIGA_20261128"
CANARY = "root only\n"


@pytest.fixture(autouse=True)
def _ends():
    """What waits for a FIFO is a failure, not a test run that never ends."""
    def waited(_number, _frame):
        raise TimeoutError("it waits for ever")

    before = signal.signal(signal.SIGALRM, waited)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def share(tmp_path):
    """A directory where others may write."""
    made = tmp_path / "share"
    made.mkdir()
    made.chmod(0o777)
    return made


@pytest.fixture
def canary(tmp_path):
    made = tmp_path / "canary"
    made.write_text(CANARY)
    made.chmod(0o600)
    return made


def fifo(path, _canary):
    os.mkfifo(path)


def endless(path, _canary):
    path.symlink_to("/dev/zero")


def led(path, canary):
    path.symlink_to(canary)


def second_name(path, canary):
    os.link(canary, path)


ATTACKS = [fifo, endless, led]
attacks = pytest.mark.parametrize("attack", ATTACKS, ids=lambda each: each.__name__)


def loader():
    made = DataLoader()
    made.set_vault_secrets([(DEFAULT_VAULT_ID_MATCH, VaultSecret(b"x"))])
    return made


def custodian(directory):
    return VaultFile({"name": "c", "path": str(directory)}, loader())


def says(error, *words):
    told = error.value.spanish if isinstance(error.value, BackupError) else error.value.strerror.spanish
    for word in words:
        assert word in told, told


@pytest.mark.parametrize("attack", [*ATTACKS, second_name], ids=lambda each: each.__name__)
def test_an_anchor_is_added_to_a_regular_file_only(share, canary, attack):
    attack(share / "anclas.jsonl", canary)
    with pytest.raises(_held_places.Refused) as error:
        seals.FileAnchor(str(share / "anclas.jsonl")).keep({"n": 1})
    says(error, "enlace")
    assert canary.read_text() == CANARY


def test_an_anchor_that_somebody_reads_as_a_fifo_gets_no_seal(share, canary):
    os.mkfifo(share / "anclas.jsonl")
    reader = os.open(share / "anclas.jsonl", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(_held_places.Refused):
            seals.FileAnchor(str(share / "anclas.jsonl")).keep({"n": 1})
        assert os.read(reader, 10) == b""
    finally:
        os.close(reader)


@attacks
def test_an_anchor_is_read_from_a_regular_file_only(share, canary, attack):
    attack(share / "anclas.jsonl", canary)
    with pytest.raises(_held_places.Refused):
        anchored.content(share / "anclas.jsonl")
    assert anchored.last_line(share / "anclas.jsonl", 100) == ""
    with pytest.raises(BackupError) as error:
        backup_evidence._read(str(share / "anclas.jsonl"))
    says(error, "enlace")


@pytest.mark.parametrize("attack", [fifo, endless], ids=lambda each: each.__name__)
def test_the_auditor_waits_for_no_fifo_and_no_device(share, canary, attack):
    attack(share / "anclas.jsonl", canary)
    with pytest.raises(OSError, match="regular"):
        chain.lines_of(share / "anclas.jsonl")


def test_an_anchor_without_end_is_refused(share, monkeypatch):
    monkeypatch.setattr(chain, "LARGEST_ANCHOR", 1000)
    (share / "anclas.jsonl").write_bytes(b"{" * 1001)
    with pytest.raises(OSError, match="too large"):
        chain.lines_of(share / "anclas.jsonl")
    with pytest.raises(_held_places.Refused) as error:
        anchored.content(share / "anclas.jsonl")
    says(error, "más de 1000 bytes")


def test_seals_go_on_in_a_file_on_a_share(share):
    anchor = seals.FileAnchor(str(share / "anclas.jsonl"))
    anchor.keep({"n": 1})
    anchor.keep({"n": 2})
    assert [json.loads(line)["n"] for line in anchored.content(share / "anclas.jsonl").splitlines()] == [1, 2]
    assert json.loads(anchored.last_line(share / "anclas.jsonl", 100)) == {"n": 2}


def test_an_anchor_whose_directory_is_not_mounted_is_not_made_beside(tmp_path):
    with pytest.raises(FileNotFoundError):
        seals.FileAnchor(str(tmp_path / "share" / "anclas.jsonl")).keep({"n": 1})


def test_the_links_of_the_administrator_lead_on(tmp_path, share):
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv" / "custodia").symlink_to("../share/custodia")
    (tmp_path / "srv" / "anclas.jsonl").symlink_to(share / "anclas.jsonl")
    (share / "custodia").mkdir()
    seals.FileAnchor(str(tmp_path / "srv" / "anclas.jsonl")).keep({"n": 1})
    assert (share / "anclas.jsonl").is_file() and (tmp_path / "srv" / "anclas.jsonl").is_symlink()
    made = custody.store(loader(), str(tmp_path / "srv" / "custodia"), REFERENCE)
    assert made and (share / "custodia" / "database" / "SIGA" / "SIGA_20261128.yml").is_file()
    there = custodian(tmp_path / "srv" / "custodia")
    assert there.get(REFERENCE) is not None and list(there.list()) == [REFERENCE] and there.stat(REFERENCE)


def test_a_link_beyond_what_others_may_write_is_not_the_administrators(tmp_path, share, canary):
    """He may have moved there what the administrator made elsewhere."""
    (share / "inner").mkdir(0o755)
    led(share / "inner" / "anclas.jsonl", canary)
    with pytest.raises(_held_places.Refused):
        seals.FileAnchor(str(share / "inner" / "anclas.jsonl")).keep({"n": 1})


def test_each_keeps_his_own_in_a_sticky_directory(share, canary, tmp_path):
    share.chmod(0o1777)
    led(share / "ours.jsonl", tmp_path / "new.jsonl")
    seals.FileAnchor(str(share / "ours.jsonl")).keep({"n": 1})
    assert (tmp_path / "new.jsonl").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a link to another account")
def test_a_link_of_another_account_is_refused_where_each_keeps_his_own(share, canary):
    share.chmod(0o1777)
    led(share / "theirs.jsonl", canary)
    os.lchown(share / "theirs.jsonl", 65534, 65534)
    with pytest.raises(_held_places.Refused):
        seals.FileAnchor(str(share / "theirs.jsonl")).keep({"n": 1})
    assert canary.read_text() == CANARY


def test_what_a_file_server_says_of_owners_is_not_believed(tmp_path, canary, monkeypatch):
    """The kernel's list of mounts is made up here: it calls the disk below a share by SMB."""
    private = tmp_path / "private"
    private.mkdir(0o700)
    led(private / "anclas.jsonl", canary)
    device = os.stat(private).st_dev
    (tmp_path / "mounts").write_text("30 1 {0}:{1} / / rw - cifs //nas/x rw\n".format(os.major(device), os.minor(device)))
    monkeypatch.setattr(_held_places, "_MOUNTS", str(tmp_path / "mounts"))
    with pytest.raises(_held_places.Refused):
        seals.FileAnchor(str(private / "anclas.jsonl")).keep({"n": 1})


@attacks
def test_custody_reads_regular_files_only(share, canary, attack):
    (share / "database" / "SIGA").mkdir(parents=True)
    for ending in (".yml", ".yml.asc"):
        attack(share / "database" / "SIGA" / ("SIGA_20261128" + ending), canary)
    for read in (custodian(share).get, custodian(share).seal):
        with pytest.raises(BackupError) as error:
            read(REFERENCE)
        says(error, "enlace")


@pytest.mark.parametrize("part", ["database", "database/SIGA"])
@pytest.mark.parametrize("open_to_others", [True, False])
def test_custody_follows_no_link_below_its_directory(share, tmp_path, part, open_to_others):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(0o700)
    share.chmod(0o777 if open_to_others else 0o755)
    (share / part).parent.mkdir(exist_ok=True)
    (share / part).symlink_to(elsewhere)
    with pytest.raises(BackupError) as error:
        custody.store(loader(), str(share), REFERENCE)
    says(error, "enlace")
    with pytest.raises(BackupError):
        custodian(share).put_seal(REFERENCE, "x")
    assert not list(elsewhere.iterdir())


def test_a_custody_directory_exchanged_for_a_link_is_refused(share, tmp_path):
    (tmp_path / "elsewhere").mkdir(0o700)
    (share / "custodia").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BackupError) as error:
        custody.store(loader(), str(share / "custodia"), REFERENCE)
    says(error, "donde pueden escribir otras cuentas")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_custody_makes_private_directories_and_files(share):
    custody.store(loader(), str(share / "new" / "custodia"), REFERENCE)
    top = share / "new"
    assert {stat.S_IMODE(each.lstat().st_mode) for each in (top, *top.rglob("*")) if each.is_dir()} == {0o700}
    assert [(each.name, stat.S_IMODE(each.lstat().st_mode)) for each in top.rglob("*") if each.is_file()] == [("SIGA_20261128.yml", 0o600)]


def test_a_list_of_custody_ends(share):
    deep = share
    for _ in range(60):
        deep = deep / "d"
    deep.mkdir(parents=True)
    os.mkfifo(share / "x.yml")
    assert all(base.is_reference(each) for each in custodian(share).list())


@attacks
def test_a_report_takes_the_place_of_what_stands_there(share, canary, attack):
    path = share / "tablero.html"
    attack(path, canary)
    assert files.put(path, b"x", True) and files.put(path, b"x", False)
    assert stat.S_ISREG(path.lstat().st_mode) and path.read_bytes() == b"x" and stat.S_IMODE(path.lstat().st_mode) == 0o640
    assert not files.put(path, b"x", False) and [each.name for each in share.iterdir()] == ["tablero.html"]
    assert canary.read_text() == CANARY


def test_a_report_is_not_made_behind_a_link_of_others(share, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (share / "informes").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BackupError) as error:
        files.put(share / "informes" / "tablero.html", b"x", False)
    says(error, "donde pueden escribir otras cuentas")
    assert not list((tmp_path / "elsewhere").iterdir())


@attacks
def test_the_log_of_a_run_is_written_to_a_regular_file_only(share, canary, attack):
    attack(share / "run.jsonl", canary)
    log = run_log.Log(share / "run.jsonl")
    log.write("copy", "db01", "ok", 1)
    assert log.end() == {} and canary.read_text() == CANARY


@attacks
def test_a_template_of_letters_is_a_regular_file(share, canary, attack):
    attack(share / "datos.txt.j2", canary)
    with pytest.raises(BackupError) as error:
        writing.Words(str(share))
    assert error.value.code == "RSP765"
    says(error, "enlace")


@attacks
def test_the_key_of_a_person_is_a_regular_file(share, canary, attack):
    attack(share / "egcr.asc", canary)
    with pytest.raises(BackupError) as error:
        _inventory.public_key({"name": "Rosa Vega", "public_key_file": str(share / "egcr.asc")})
    says(error, "enlace")


def test_a_circle_of_links_ends(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError):
        _held_places.read(tmp_path / "a", 10)


def test_where_others_may_write_is_seen(tmp_path, share):
    private = tmp_path / "private"
    private.mkdir(0o700)
    assert _held_places.is_open(share) and not _held_places.is_open(private) and _held_places.is_open(Path("/tmp"))


def test_no_descriptor_is_left(share, canary):
    def used():
        return len(os.listdir("/proc/self/fd"))

    led(share / "x", canary)
    before = used()
    for _ in range(3):
        with pytest.raises(OSError):
            _held_places.read(share / "x", 10)
        with pytest.raises(OSError):
            _held_places.appending(share / "x", 0o600)
        custody.store(loader(), str(share / "c"), REFERENCE)
        list(custodian(share / "c").list())
        files.put(share / "r.html", os.urandom(3), False)
    assert used() == before
