# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The medium against the emulator: whole copies, cut connections, restarts, refusals, and never a wrong blob under a label."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media import azure_blocks, azure_files, azure_http, azure_journal
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import SUMS, Slot, read_all
from bench import SLOT

_FILE = "SIGA_20261124.dump"
_MIB = 1 << 20
_DIRECTORY = "database/SIGA/SIGA_20261124"


def staged(medium, data, slot=SLOT):
    """Stage a copy of one file; gives its digest and the note for publishing."""
    deposit = medium.deposit(slot)
    writing = deposit.write(_FILE)
    follow(deposit, len(data))
    for start in range(0, len(data), _MIB):
        writing.write(data[start:start + _MIB])
    writing.close()
    sums = "{0}  {1}\n".format(hashlib.sha256(data).hexdigest(), _FILE).encode()
    writing = deposit.write(SUMS)
    writing.write(sums)
    writing.close()
    return hashlib.sha256(sums).hexdigest(), deposit.seal()


def follow(deposit, size):
    """Take what is acknowledged, as the check of the structure does; it frees the memory."""
    following = deposit.follow(_FILE)

    def run():
        taken = 0
        try:
            while taken < size and following.settle() > taken:
                while chunk := following.read(_MIB):
                    taken += len(chunk)
        except BackupError:
            pass  # told by the writer too

    threading.Thread(target=run, daemon=True).start()


def refused(code, work, *words):
    with pytest.raises(BackupError) as told:
        work()
    assert told.value.fault.name == code, told.value
    for word in words:
        assert word in told.value.message, told.value.message


def test_a_copy_appears_whole_or_not_at_all(bench):
    data = os.urandom(20 * _MIB + 17)
    medium = bench.medium(tier="cool", prefix="lima")
    medium.check(SLOT, len(data))
    digest, note = staged(medium, data)
    assert medium.labels("database", "SIGA") == [] and bench.names() == []
    assert medium.publish(SLOT, digest, note) is True
    assert medium.publish(SLOT, digest, note) is False
    assert medium.labels("database", "SIGA") == ["SIGA_20261124"]
    assert read_all(medium.read(SLOT, _FILE)) == data
    assert medium.digest(SLOT) == digest
    blob = bench.client.get_blob_client("lima/{0}/{1}".format(_DIRECTORY, _FILE))
    told = blob.get_blob_properties()
    assert blob.download_blob().readall() == data and told.blob_tier == "Cool"
    assert told.metadata["sha256"] == hashlib.sha256(data).hexdigest() and told.metadata["label"] == "SIGA_20261124"
    assert [(found.kind, found.system, found.name) for found in medium.survey()] == [("database", "SIGA", ""), ("database", "SIGA", "SIGA_20261124")]
    assert medium.remove(SLOT, digest) is True and medium.remove(SLOT, digest) is False and bench.names() == []


def test_of_a_copy_under_hold_nothing_is_removed(bench):
    """azcopy#495: a lease on one blob, and the others were gone."""
    medium = bench.medium()
    digest, note = staged(medium, b"data")
    medium.publish(SLOT, digest, note)
    names = bench.names()
    lease = bench.client.get_blob_client("{0}/{1}".format(_DIRECTORY, _FILE)).acquire_lease()
    refused("blob_protected", lambda: medium.remove(SLOT, digest), _FILE, "leased")
    assert bench.names() == names
    lease.release()
    assert medium.remove(SLOT, digest) is True and bench.names() == []


def test_an_empty_file_is_a_file(bench):
    medium = bench.medium()
    digest, note = staged(medium, b"")
    medium.publish(SLOT, digest, note)
    assert read_all(medium.read(SLOT, _FILE)) == b""


def test_the_sdk_reads_ours_and_what_it_writes_is_a_copy_without_an_entry(bench):
    medium = bench.medium()
    bench.client.upload_blob(_DIRECTORY + "/" + _FILE, b"somebody's")
    assert medium.labels("database", "SIGA") == [], "without a list of sums it is no copy"
    assert [found.name for found in medium.survey()] == ["", ".SIGA_20261124.partial"]
    bench.client.upload_blob(_DIRECTORY + "/" + SUMS, b"x")
    assert medium.labels("database", "SIGA") == ["SIGA_20261124"], "reconciliation tells it as a stray: no entry names it"


def test_what_somebody_else_put_under_a_label_stays(bench):
    """Without a list of sums it is no copy, and it is nobody's to remove or to replace: the label is refused, and the next one is free."""
    medium = bench.medium()
    for name in (_FILE, "nota.txt"):
        bench.client.upload_blob(_DIRECTORY + "/" + name, b"somebody's")
    medium.check(SLOT, 10)
    digest, note = staged(medium, b"ours")
    refused("label_taken", lambda: medium.publish(SLOT, digest, note))
    assert bench.client.get_blob_client(_DIRECTORY + "/" + _FILE).download_blob().readall() == b"somebody's"
    assert _DIRECTORY + "/nota.txt" in bench.names() and _DIRECTORY + "/" + SUMS not in bench.names()


def test_a_label_in_use_is_never_replaced(bench):
    medium = bench.medium()
    digest, note = staged(medium, b"first")
    medium.publish(SLOT, digest, note)
    other, other_note = staged(medium, b"second")
    refused("label_taken", lambda: medium.publish(SLOT, other, other_note))
    assert read_all(medium.read(SLOT, _FILE)) == b"first" and medium.digest(SLOT) == digest


def test_two_uploads_of_one_label_at_once_leave_one_whole_copy(bench):
    first, second = bench.medium(), bench.medium()
    contents = os.urandom(9 * _MIB), os.urandom(9 * _MIB)
    notes = [staged(medium, data) for medium, data in zip((first, second), contents)]
    outcomes = []

    def publish(medium, told):
        try:
            outcomes.append(medium.publish(SLOT, *told))
        except BackupError as error:
            outcomes.append(error.fault.name)

    threads = [threading.Thread(target=publish, args=pair) for pair in zip((first, second), notes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes))[0] == "True" and set(outcomes) - {True} <= {"label_taken", "blocks_lost"}
    won = contents[[digest for digest, _note in notes].index(first.digest(SLOT))]
    assert read_all(first.read(SLOT, _FILE)) == won


@pytest.mark.parametrize("cuts", [1, 4])
def test_a_stream_survives_cut_connections(bench, cuts):
    data = os.urandom(40 * _MIB)
    medium = bench.medium()
    done = threading.Event()

    def cutting():
        for _each in range(cuts):
            bench.relay.cut_after = bench.relay.passed + random.randrange(_MIB, 8 * _MIB)
            while bench.relay.cut_after is not None and not done.is_set():
                time.sleep(0.01)

    cutter = threading.Thread(target=cutting)
    cutter.start()
    digest, note = staged(medium, data)
    done.set()
    cutter.join()
    assert bench.relay.cuts >= 1
    medium.publish(SLOT, digest, note)
    assert read_all(medium.read(SLOT, _FILE)) == data


def test_a_reading_survives_cut_connections_and_sees_one_version(bench):
    data = os.urandom(40 * _MIB)
    medium = bench.medium()
    medium.publish(SLOT, *staged(medium, data))
    reading = medium.read(SLOT, _FILE)
    head = reading.read(1000)
    bench.relay.cut_after = bench.relay.passed + 300
    assert head + read_all(reading) == data and bench.relay.cuts == 1
    reading = medium.read(SLOT, _FILE)
    reading.read(1000)
    bench.client.upload_blob("{0}/{1}".format(_DIRECTORY, _FILE), os.urandom(40 * _MIB), overwrite=True)
    refused("bytes_differ", lambda: read_all(reading), "changed while it was read")


def test_an_answer_that_was_lost_is_not_taken_for_somebody_elses_blob(bench):
    """The commit was done and its answer cut off: the second try is refused by the service, and the blob is ours."""
    medium = bench.medium()
    digest, note = staged(medium, b"once")
    again = bench.medium()
    files = json.loads(note)["files"]
    again.commit("{0}/{1}".format(_DIRECTORY, _FILE), files[_FILE], {})
    assert medium.publish(SLOT, digest, note) is True
    assert medium.labels("database", "SIGA") == ["SIGA_20261124"]


def test_the_service_restarts_in_the_middle(bench):
    data = os.urandom(30 * _MIB)
    medium = bench.medium(retry_seconds=60)
    deposit = medium.deposit(SLOT)
    writing = deposit.write(_FILE)
    follow(deposit, len(data))
    writing.write(data[:20 * _MIB])
    bench.azurite.stop()
    rest = threading.Thread(target=lambda: (writing.write(data[20 * _MIB:]), writing.close()))
    rest.start()
    time.sleep(1)
    bench.azurite.start()     # by this thread: the emulator dies with the one that started it
    rest.join()
    assert deposit.files[_FILE].size == len(data)


COLLECTIONS = Path(__file__).resolve().parents[3] / "collections"
_KILLED = """
import sys, json
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media import catalogue
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot
options, path = json.loads(sys.stdin.read()), sys.argv[1]
medium = catalogue.build(options)
deposit = medium.deposit(Slot("database", "SIGA", "SIGA_20261124"))
journal = deposit.journal("SIGA_20261124.dump")
known = journal.known() | set(medium.settings.staged.get("SIGA_20261124.dump", ()))
upload = medium.upload("database/SIGA/SIGA_20261124/SIGA_20261124.dump", 1 << 20, known, journal)
with open(path, "rb") as file:
    for chunk in iter(lambda: file.read(1 << 20), b""):
        upload.write(chunk)
        print(medium.sent, flush=True)
print(json.dumps({"size": upload.close().size, "sent": medium.sent, "skipped": medium.skipped}), flush=True)
"""


def _begin(bench, path, **session):
    process = subprocess.Popen([sys.executable, "-c", _KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(COLLECTIONS)})
    process.stdin.write(json.dumps(bench.options(session=session)))
    process.stdin.close()
    return process


@pytest.mark.parametrize("how", ["journal", "list"])
def test_a_file_killed_at_ten_random_points_sends_only_what_is_missing(bench, tmp_path, how):
    data = os.urandom(64 * _MIB)
    path = tmp_path / "file"
    path.write_bytes(data)
    medium, workers, block = bench.medium(), 3, 8 * _MIB
    chosen = random.Random(20261124)
    for point in sorted(chosen.randrange(1, 60) for _each in range(10)):
        session = {"journal": str(tmp_path / "journal")} if how == "journal" else {"staged": medium.unfinished(SLOT)}
        process = _begin(bench, path, **session)
        for line in process.stdout:
            if line.startswith("{") or int(line) >= point * _MIB // 4:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert bench.names() == [], "nothing is visible under the name"
    there = len(medium.staged_blocks(_DIRECTORY + "/" + _FILE))
    before = bench.relay.passed
    session = {"journal": str(tmp_path / "journal")} if how == "journal" else {"staged": medium.unfinished(SLOT)}
    last = json.loads(_begin(bench, path, **session).stdout.read().splitlines()[-1])
    assert last["size"] == len(data) and last["sent"] + last["skipped"] == len(data)
    again = last["sent"] - (len(data) - there * block)
    assert again < workers * block, "less than one block a worker is sent twice"
    assert bench.relay.passed - before < last["sent"] + 4 * _MIB


def test_a_journal_that_cannot_be_written_costs_only_the_resuming(bench, tmp_path):
    (tmp_path / "journal").write_text("a file where the directory should be")
    medium = bench.medium(session={"journal": str(tmp_path / "journal")})
    digest, note = staged(medium, os.urandom(9 * _MIB))
    assert medium.publish(SLOT, digest, note) and len(medium.troubles) == 1


@pytest.fixture
def full_disk(tmp_path):
    """A file system of one page that holds something already: files can be made there and nothing can be written into them."""
    path = tmp_path / "full"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(path)], check=True)
    (path / "other").write_bytes(b"x" * 4096)
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_journal_on_a_full_disk_costs_only_the_resuming(bench, tmp_path, full_disk):
    (tmp_path / "file").write_bytes(os.urandom(20 * _MIB))
    medium = bench.medium(session={"journal": str(full_disk)})
    medium.commit("file", azure_files.stage(medium, "file", str(tmp_path / "file")), {})
    assert bench.client.download_blob("file").readall() == (tmp_path / "file").read_bytes()
    assert len(medium.troubles) == 1 and "No space left on device" in medium.troubles[0] and medium.sent == 20 * _MIB
    assert all(not path.stat().st_size for path in full_disk.glob("*.blocks"))


@pytest.mark.parametrize("how", ["cut", "expired", "restarted"])
def test_a_file_whose_upload_failed_sends_only_what_is_missing_the_next_time(bench, tmp_path, how):
    """Not killed but failed: the connection stays cut, the signature ran out and nobody gives another, the service is away."""
    data = os.urandom(64 * _MIB)
    (tmp_path / "file").write_bytes(data)
    session = {"journal": str(tmp_path / "journal")}
    medium = bench.medium(session=session, retry_seconds=0)
    told, ended = medium.upload, []

    def upload(*arguments):
        made = told(*arguments)
        staged = made.told

        def after(*news):
            staged(*news)
            if medium.sent >= 24 * _MIB and not ended:
                ended.append(how)
                if how != "expired":
                    bench.relay.refusing = True
                else:
                    medium.service.credentials = lambda _blob, _spent: azure_http.Credential(bench.sign("cw", -1))

        made.told = after
        return made

    medium.upload = upload
    with pytest.raises(BackupError) as failed:
        azure_files.stage(medium, "file", str(tmp_path / "file"))
    assert failed.value.fault.name == ("azure_expired" if how == "expired" else "medium_unreachable") and bench.names() == []
    bench.relay.refusing = False
    if how == "restarted":
        bench.azurite.stop()
        bench.azurite.start()
    there = len(bench.medium().staged_blocks("file"))
    again = bench.medium(session=session)
    again.commit("file", azure_files.stage(again, "file", str(tmp_path / "file")), {})
    assert bench.client.download_blob("file").readall() == data
    assert there >= 3 and again.sent - (len(data) - there * 8 * _MIB) < 3 * 8 * _MIB, "less than one block a worker is sent twice"


def test_a_journal_of_blocks_that_are_lost_is_not_believed_twice(bench, tmp_path):
    """Where nobody may ask the service, the note on this machine may tell of blocks that it forgot: then all is sent anew."""
    data = os.urandom(9 * _MIB)
    (tmp_path / "file").write_bytes(data)
    session = {"journal": str(tmp_path / "journal")}
    deceived = bench.medium(session=session)
    note = azure_journal.Journal(session["journal"], deceived.service.location + "/file")
    for index, part in enumerate((data[:8 * _MIB], data[8 * _MIB:])):
        note.add(azure_blocks.block_id(index, hashlib.md5(part).digest()))
    note.close()
    told = azure_files.stage(deceived, "file", str(tmp_path / "file"))
    assert deceived.sent == 0
    refused("blocks_lost", lambda: deceived.commit("file", told, {}))
    anew = bench.medium(session={**session, "anew": True})
    assert anew.commit("file", azure_files.stage(anew, "file", str(tmp_path / "file")), {}) and anew.sent == 9 * _MIB


def test_signatures(bench):
    def check(**changed):
        return lambda: bench.medium(**changed).check(SLOT, 1)

    refused("azure_refused", check(session={"keys": {"*": bench.sign()[:-9] + "AAAAAA%3D"}}))
    refused("azure_refused", check(session={"keys": {"*": bench.sign("r")}}), "AuthorizationPermissionMismatch")
    refused("azure_expired", check(session={"keys": {"*": bench.sign("cw", -60)}}), "expired since")
    refused("azure_refused", check(session={"keys": {}}))
    refused("azure_refused", check(container="otro"))


def test_a_deposit_signature_can_do_nothing_else(bench):
    """By the emulator's own check. That `c` alone stages blocks is of 2026-04-06, which it does not know yet: here it is `c` only for small blobs."""
    medium = bench.medium()
    medium.publish(SLOT, *staged(medium, b"good"))
    server = bench.medium(session={"keys": {"*": bench.sign("c")}})
    refused("azure_refused", lambda: read_all(server.read(SLOT, SUMS)))
    refused("azure_refused", lambda: server.labels("database", "SIGA"))
    refused("azure_refused", lambda: server.remove(SLOT, ""))
    refused("azure_refused", lambda: server._delete(_DIRECTORY + "/" + SUMS))
    refused("azure_refused", lambda: server.staged_blocks(_DIRECTORY + "/" + _FILE))
    one = bench.medium(session={"keys": {"*": bench.sign("cw", blob=_DIRECTORY + "/" + _FILE)}})
    refused("azure_refused", lambda: one.check(Slot("database", "OTRO", "OTRO_20261124"), 1))


def test_a_network_that_is_not_there(bench):
    quick = {"retry_seconds": 1}
    refused("azure_untrusted", lambda: bench.medium(ca_certs="", **quick).check(SLOT, 1))
    refused("medium_unreachable", lambda: bench.medium(endpoint="https://localhost:1/x", **quick).labels("database", "SIGA"))
    away = bench.medium(proxy="http://ana:secreta@127.0.0.1:9", **quick)
    with pytest.raises(BackupError) as told:
        away.labels("database", "SIGA")
    assert "through the proxy http://127.0.0.1:9" in told.value.message and "secreta" not in told.value.message


def test_blocks_that_the_service_dropped_are_told(bench):
    medium = bench.medium()
    digest, note = staged(medium, os.urandom(9 * _MIB))
    told = json.loads(note)
    told["files"][_FILE]["ids"] = azure_blocks.block_id(0, b"0" * 16)
    refused("blocks_lost", lambda: medium.publish(SLOT, digest, json.dumps(told)))
    assert bench.names() == []


def test_bandwidth_is_held(bench):
    medium = bench.medium(bandwidth=4 * _MIB)
    began = time.monotonic()
    staged(medium, os.urandom(8 * _MIB))
    assert time.monotonic() - began > 1.0


_STREAM = """
import sys, json
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies import making, publishing
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.copies.orders import Order
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media import catalogue
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import Slot
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import catalogue as sources
medium = catalogue.build(json.loads(sys.stdin.read()))
slot = Slot("database", "SIGA", "SIGA_20261124")
source = sources.build("command", {"dump": ["/bin/dd", "if=/dev/urandom", "bs=1M", "count=40", "status=none"], "verify": ["/usr/bin/wc", "-c"],
                                   "restore": ["/bin/false"]}, [])
print("begun", flush=True)
made = making.make(Order(slot), source, [medium])
print("sealed", flush=True)
publishing.publish(slot, made.digest, [medium], made.notes)
print(made.digest, flush=True)
"""


def test_a_stream_killed_at_ten_random_points_leaves_nothing_wrong_under_its_label(bench):
    """A dump that is never the same twice: each run begins anew, and what is seen is whole or is no copy."""
    medium = bench.medium()
    chosen = random.Random(20261125)
    environment = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
    for point in range(11):
        for name in bench.names():     # what the controller's sweep does before each copy
            medium._delete(name)
        process = subprocess.Popen([sys.executable, "-c", _STREAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        process.stdin.write(json.dumps(bench.options()))
        process.stdin.close()
        assert process.stdout.readline() == "begun\n"
        if point == 10:
            told = process.stdout.read().split()
        elif point in (3, 7):
            process.stdout.readline()     # sealed: it is killed while it is committed
            time.sleep(chosen.uniform(0.0, 0.02))
        else:
            time.sleep(chosen.uniform(0.0, 1.5))
        process.kill()
        process.wait()
        for name in bench.names():
            blob = bench.client.get_blob_client(name)
            assert hashlib.sha256(blob.download_blob().readall()).hexdigest() == blob.get_blob_properties().metadata["sha256"], "what is seen is right"
        if medium.labels("database", "SIGA"):
            read_all(medium.read(SLOT, SUMS))
            assert len(medium.files(SLOT)) == 3, "a list of sums is there only with all it lists"
    assert told[-1] == medium.digest(SLOT) and len(medium.files(SLOT)) == 3
