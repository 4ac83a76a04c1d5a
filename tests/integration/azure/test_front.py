# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the emulator can't enforce, enforced by the front: create-only signatures, write-once, clocks; and its faults on the way."""

from __future__ import annotations

import os
import time

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media import azure_http, catalogue
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.base import SUMS, Slot, read_all
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import storage
from bench import ACCOUNT, KEY, SLOT
from front import Front
from test_blobs import refused, staged

_FILE = "SIGA_20261124.dump"
_DIRECTORY = "database/SIGA/SIGA_20261124"
_MIB = 1 << 20


@pytest.fixture
def front(azurite):
    made = Front(azurite)
    yield made
    made.close()


@pytest.fixture
def controller(front, bench):
    """The medium with the controller's own account key; signatures that servers get are create-only, as shipped."""
    account = storage.Account({**bench.options(endpoint=front.url), "session": {}, "auth": {"account_key": KEY}})
    yield account
    account.close()


def server(controller, slot=SLOT):
    """The medium as a server gets it: a signature for each file of the copy, create-only."""
    given = controller.for_deposit(slot, "", True)
    below = controller.directory(slot)
    given["session"]["keys"][f"{below}/{_FILE}"] = controller.sign(f"{below}/{_FILE}", controller.deposit)
    assert all("sp=c&" in key and "sr=b" in key for key in given["session"]["keys"].values())
    return catalogue.build(given)


def test_a_create_only_signature_deposits_a_whole_copy_and_can_do_nothing_else(controller, bench):
    data = os.urandom(20 * _MIB)
    there = server(controller)
    there.check(SLOT, len(data))
    digest, note = staged(there, data)
    refused("azure_refused", lambda: there.labels("database", "SIGA"))
    assert controller.medium.publish(SLOT, digest, note) is True
    for attempt in (lambda: read_all(there.read(SLOT, SUMS)), lambda: there.labels("database", "SIGA"), lambda: there.files(SLOT),
                    lambda: there._delete(f"{_DIRECTORY}/{SUMS}"), lambda: there.remove(SLOT, ""), lambda: there.properties(f"{_DIRECTORY}/{_FILE}"),
                    lambda: there.staged_blocks(f"{_DIRECTORY}/{_FILE}"), lambda: there.check(Slot("database", "OTRO", "OTRO_20261124"), 1)):
        refused("azure_refused", attempt)
    with pytest.raises(BackupError):
        staged(there, b"over it")
    assert bench.client.download_blob(f"{_DIRECTORY}/{_FILE}").readall() == data


def test_a_storm_of_busy_answers_is_waited_out(controller, front):
    front.fault = lambda _method, _comp, number: "busy" if number % 3 else ""
    data = os.urandom(20 * _MIB)
    there = server(controller)
    digest, note = staged(there, data)
    assert controller.medium.publish(SLOT, digest, note)
    front.fault = lambda *_told: ""
    assert read_all(controller.medium.read(SLOT, _FILE)) == data


def test_a_service_that_stays_busy_is_told(front, bench):
    front.fault = lambda *_told: "busy"
    medium = bench.medium(endpoint=front.url, retry_seconds=1)
    medium.service.place = medium.service.place._replace(patience=0)
    began = time.monotonic()
    refused("medium_unreachable", lambda: medium.labels("database", "SIGA"), "503 ServerBusy")
    assert time.monotonic() - began < 30


def test_a_block_damaged_on_the_way_is_sent_again(controller, front):
    hit = []
    front.fault = lambda _method, comp, _number: "damage" if comp == "block" and len(hit) < 3 and not hit.append(1) else ""
    data = os.urandom(20 * _MIB)
    there = server(controller)
    digest, note = staged(there, data)
    assert len(hit) == 3 and controller.medium.publish(SLOT, digest, note)
    assert read_all(controller.medium.read(SLOT, _FILE)) == data


def test_a_way_that_damages_every_block_is_told(front, bench):
    front.fault = lambda _method, comp, _number: "damage" if comp == "block" else ""
    medium = bench.medium(endpoint=front.url, retry_seconds=2)
    refused("bytes_differ", lambda: staged(medium, os.urandom(9 * _MIB)), "again and again")


def test_a_commit_whose_answer_was_lost_is_ours(controller, front):
    there = server(controller)
    digest, note = staged(there, os.urandom(9 * _MIB))
    lost = []
    front.fault = lambda _method, comp, _number: "lost" if comp == "blocklist" and not lost and not lost.append(1) else ""
    controller.medium.publish(SLOT, digest, note)
    assert lost and controller.medium.labels("database", "SIGA") == ["SIGA_20261124"]


def test_what_is_write_once_is_not_removed_and_says_so(controller, front, bench):
    there = server(controller)
    digest, note = staged(there, b"kept")
    controller.medium.publish(SLOT, digest, note)
    front.write_once = True
    refused("blob_protected", lambda: controller.medium.remove(SLOT, digest), "BlobImmutableDueToPolicy")
    assert controller.medium.digest(SLOT) == digest
    other = Slot("database", "SIGA", "SIGA_20261125")
    bench.client.upload_blob("database/SIGA/SIGA_20261125/a", b"left by a commit that was cut short")
    refused("leftover_stays", lambda: controller.prepare(other, False))


def test_a_stream_outlives_its_signature(controller, front, bench):
    """The signature runs out while the copy runs; the controller gives another, and the blocks go on."""
    asked = []

    def credentials(blob, spent):
        if spent is not None:
            asked.append(blob)
        return azure_http.Credential(bench.sign("c", 2 if not asked else 600, blob))

    medium = catalogue.azure(bench.options(endpoint=front.url), credentials)
    data = os.urandom(24 * _MIB)
    short = bench.sign("c", -1, f"{_DIRECTORY}/{_FILE}")
    medium.service.credentials = lambda blob, spent: credentials(blob, spent) if spent is not None or asked else azure_http.Credential(short)
    digest, note = staged(medium, data)
    assert asked and controller.medium.publish(SLOT, digest, note)
    assert read_all(controller.medium.read(SLOT, _FILE)) == data


@pytest.mark.parametrize(("ahead", "word"), [(3700, "behind"), (-3700, "ahead of")])
def test_a_clock_that_is_an_hour_off_is_told(front, bench, ahead, word):
    front.ahead = ahead
    medium = bench.medium(endpoint=front.url, session={"keys": {"*": bench.sign("c", 600)}})
    refused("azure_expired", lambda: medium.check(SLOT, 1), word)


def test_the_front_knows_a_forged_signature(front, bench):
    forged = bench.medium(endpoint=front.url, session={"keys": {"*": bench.sign("c").replace("sp=c", "sp=rcwdl")}})
    refused("azure_refused", lambda: forged.labels("database", "SIGA"))
    assert ACCOUNT in front.url
