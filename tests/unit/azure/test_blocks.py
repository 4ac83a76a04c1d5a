# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How files are cut into blocks: never more than the service takes, whatever their size."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import io

import pytest
from _engine.errors import BackupError
from _engine.media import azure_blocks, azure_http, catalogue
from hypothesis import example, given, settings
from hypothesis import strategies as st

_TIB = 1 << 40


@given(st.integers(1, 171 * _TIB))
def test_a_known_size_fits_in_the_blocks_of_a_blob(expected):
    size = azure_blocks.block_size(0, expected)
    assert 8 << 20 <= size <= 4000 << 20 and size % (8 << 20) == 0
    assert -(-expected // size) <= azure_blocks.MOST_BLOCKS


def test_the_largest_blob_of_the_service_fits():
    most = 50000 * (4000 << 20)
    assert azure_blocks.block_size(0, most) * azure_blocks.MOST_BLOCKS >= most


def test_an_unknown_size_fits_up_to_ninety_tebibytes():
    sizes = [azure_blocks.block_size(index, 0) for index in range(azure_blocks.MOST_BLOCKS)]
    assert sizes[0] == 8 << 20 and sizes == sorted(sizes) and max(sizes) <= 4000 << 20
    assert sum(sizes) > 90 * _TIB


@given(st.one_of(st.sampled_from([1, 300_000_000, 300 << 30]), st.integers(1, 4 * _TIB)))
@example(1)
@settings(max_examples=8, deadline=None)
def test_a_file_that_grows_past_its_plan_goes_on(expected):
    """rclone#6115: no blob over 390 GiB, since every role expects a byte at least."""
    sizes = [azure_blocks.block_size(index, expected) for index in range(azure_blocks.MOST_BLOCKS)]
    assert sizes == sorted(sizes) and max(sizes) <= 4000 << 20 and sum(sizes) > 10 * _TIB


def test_a_blob_that_is_full_says_so(monkeypatch):
    monkeypatch.setattr(azure_blocks, "MOST_BLOCKS", 2)
    monkeypatch.setattr(azure_blocks, "put_block", lambda *_given: None)
    monkeypatch.setattr(azure_blocks, "block_size", lambda _index, _expected: 1000)
    service = azure_http.Service(azure_http.Place("https://x", "c"), lambda _blob, _refused: azure_http.Credential())
    upload = azure_blocks.Upload(service, "b", 1, 1)
    with pytest.raises(BackupError) as full:
        upload.write(b"x" * 2001)
    assert full.value.code == "RSP458" and "2000 bytes" in full.value.message
    with contextlib.suppress(BackupError):
        upload.close()


@pytest.mark.parametrize("query", ["sv=2024-11-04&sig=SECRETO123\n", " sv=2024-11-04&sig=SECRETO123"])
def test_an_address_that_can_t_be_sent_is_not_quoted(query):
    """azure-sdk-for-java#10887: http.client tells the whole address, whose query signs."""
    place = azure_http.Place("https://127.0.0.1:9", "c", patience=0)
    connection = http.client.HTTPSConnection("127.0.0.1", 9)
    service = azure_http.Service(place, lambda _blob, _refused: azure_http.Credential(query))
    service._connection = lambda: (connection, False)
    with pytest.raises(BackupError) as told:
        service.request("GET", "b")
    assert "SECRETO123" not in str(told.value) + told.value.spanish and "blank or a control character" in told.value.message


@pytest.mark.parametrize("password", ["cla@ve2026", "ve2026", "a@b@c"])
def test_no_part_of_a_proxys_password_is_told(password):
    proxy = "http://ana:{0}@127.0.0.1:9".format(password)
    place = azure_http.Place("https://127.0.0.1:9", "c", proxy=proxy, patience=0)
    with pytest.raises(BackupError) as told:
        azure_http.Service(place, lambda _blob, _refused: azure_http.Credential()).request("GET", "b")
    assert "http://127.0.0.1:9" in told.value.message
    assert not [word for word in password.split("@") if len(word) > 1 and word in told.value.message]


def test_endpoints_and_proxies_are_checked_before_anything():
    options = {"name": "nube", "type": "azure_blob", "storage_account_name": "cuenta", "container": "copias"}
    medium = catalogue.build(dict(options, endpoint="https://[::1]:10000/cuenta", proxy="http://ana:p%40ss%3A%2F@proxy:3128"))
    assert (medium.service.host, medium.service.port) == ("::1", 10000)
    with pytest.raises(BackupError) as wrong:
        catalogue.build(dict(options, proxy="http://ana:cla@ve2026@127.0.0.1:9"))
    assert wrong.value.code == "RSP101" and "%40" in wrong.value.hint and "ve2026" not in wrong.value.message


@given(st.integers(0, 49999), st.binary(max_size=100))
def test_a_block_is_named_by_its_place_and_its_content(index, data):
    digest = hashlib.md5(data).digest()
    named = azure_blocks.block_id(index, digest)
    assert len(named) == 28 and base64.b64decode(named) == "{0:05d}".format(index).encode() + digest


def test_a_large_block_is_gathered_outside_memory():
    block = azure_blocks.Block(0, 1000, None)
    assert block.take(memoryview(b"x" * 600)) == 600 and block.take(memoryview(b"y" * 600)) == 400
    assert block.read(590, 20) == b"x" * 10 + b"y" * 10 and block.body().read() == b"x" * 600 + b"y" * 400
    assert block.body().read(5) == b"xxxxx" and block.digest() == hashlib.md5(b"x" * 600 + b"y" * 400).digest()
    block.release()


def answer(status, headers=None, body=b""):
    return azure_http.Answer(status, headers or {}, body)


def test_what_the_service_asks_for_is_how_long_is_waited():
    assert azure_http._pause(1, answer(503, {"retry-after": "7"})) == 7.0
    pauses = [azure_http._pause(tries, None) for tries in range(1, 40)]
    assert max(pauses) <= 30.0 and pauses[0] <= 0.5


def meaning(status, code, credential="", headers=None, detail=""):
    body = "<Error><Code>{0}</Code><Message>m</Message><AuthenticationErrorDetail>{1}</AuthenticationErrorDetail></Error>".format(code, detail)
    return azure_http.fault(azure_http.Refused(answer(status, headers, body.encode()), azure_http.Credential(credential)), "place")


def test_each_refusal_has_its_error():
    assert meaning(404, "ContainerNotFound").fault.name == "azure_container_missing"
    assert meaning(409, "BlobImmutableDueToPolicy").fault.name == "blob_protected"
    assert meaning(409, "BlobArchived").fault.name == "blob_archived"
    assert meaning(400, "InvalidBlockList").fault.name == "blocks_lost"
    assert meaning(400, "InvalidBlobOrBlock").fault.name == "blocks_lost"      # Azurite#401: blocks of another run, with names of another length
    assert meaning(403, "AuthorizationPermissionMismatch").fault.name == "azure_refused"
    assert meaning(403, "AuthenticationFailed", "se=2020-01-01T00%3A00%3A00Z&sig=x").fault.name == "azure_expired"
    assert meaning(403, "AuthenticationFailed", detail="Signature not valid in the specified time frame").fault.name == "azure_expired"
    assert meaning(500, "InternalError").fault.name == "medium_unreachable"


def test_a_clock_that_is_an_hour_off_is_told():
    told = meaning(403, "AuthenticationFailed", headers={"date": "Tue, 24 Nov 2020 16:07:38 GMT"})
    assert told.fault.name == "azure_expired" and "ahead of" in told.message


def test_no_credential_shows_in_what_is_printed():
    assert "secret" not in repr(azure_http.Credential("sig=secret", (("Authorization", "secret"),)))


def test_a_rate_is_held_for_files_too():
    service = azure_http.Service(azure_http.Place("https://x", "c", bandwidth=1 << 30), lambda _blob, _refused: azure_http.Credential())
    for payload in (io.BytesIO(b"abc" * 50000), b"abc" * 50000):
        left = [0]
        assert b"".join(map(bytes, service._leaving(payload, left))) == b"abc" * 50000 and left == [150000]
    assert service.in_flight == 300000, "until the service has answered"
