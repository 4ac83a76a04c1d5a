# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which letters tell names of files, and to whom: none goes to who only says of which office he is; and the file that goes with the request for conformity."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

import pytest
import yaml
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import requests
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._letters import due, envelope, queue, sending, writing
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._letters.addressees import Addressee

RULES = yaml.safe_load((Path(__file__).resolve().parents[3] / "policies/manual-001-2019.yml").read_text("utf-8"))
AT = "2026-11-20T15:00:00Z"
SECRET = "/srv/oficinas/logistica/planilla.xlsx: 2,0 KiB"


@pytest.fixture(scope="module")
def words():
    return writing.Words()


def written(words, kind, asker):
    """A letter of a request, with an index that knows names."""
    step = requests.Step(1, "request_opened", AT, "Carmen Soto", asker, "mail", "<uno@example.org>", "", requests.AWAITING)
    estimated = requests.Step(2, "request_estimated", AT, "Ana Quispe", "egcr.infrastructure.titular", "word", "", requests.ENDORSED, requests.ESTIMATED)
    request = requests.Request("2026-0001", "restore", "Logística", "Carmen Soto", AT, requests.ESTIMATED, wanted=("planilla.xlsx",), steps=[step, estimated])
    history = [{"n": 1, "type": "request_opened"}, {"n": 2, "type": "request_estimated"}]
    post = sending.Post({}, b"", words, RULES, history, [], datetime.datetime(2026, 11, 23, tzinfo=datetime.timezone.utc), "R", "c",
                        lambda _request: [SECRET], lambda _request: ("restaurado-2026-0001.csv", "ñ\r\n".encode(), "La lista va adjunta"))
    letter = due.Letter(due.Key("2026-0001", kind, 2, 0, due.KINDS[kind].posts[0]), Addressee("heads", "Carmen Soto", "carmen@example.org"), request, estimated)
    return letter, sending.write(post, letter), sending.write(post._replace(versions=None, listed=None), letter)


@pytest.mark.parametrize("kind", sorted(due.KINDS))
@pytest.mark.parametrize("asker", ["requester", "heads", "heads.titular", ""])
def test_versions_go_to_who_may_know_them(words, kind, asker):
    _letter, said, without = written(words, kind, asker)
    knows = kind in ("endorsement", "forwarding", "estimate") or kind == "acknowledgement" and asker.startswith("heads")
    assert ("planilla.xlsx: 2,0 KiB" in said.text) == ("planilla.xlsx: 2,0 KiB" in said.html) == knows
    assert [each.name for each in said.attached] == (["restaurado-2026-0001.csv"] if kind == "conformity" else [])
    assert ("La lista va adjunta" in said.text) == (kind == "conformity")
    assert "planilla.xlsx: 2" not in without.text and not without.attached


def test_the_file_goes_with_the_mail_and_its_digest_stays(words, tmp_path):
    letter, said, _without = written(words, "conformity", "heads")
    mail = envelope.mail(said, "a@example.org", "Entidad", "Carmen", "carmen@example.org", "<a@b>", [])
    attached, = mail.iter_attachments()
    assert attached.get_filename() == "restaurado-2026-0001.csv" and attached.get_payload(decode=True) == "ñ\r\n".encode()
    assert attached.get_content_type() == "text/csv" and attached.get_content_charset() == "utf-8" and mail.get_body(("plain",)).get_content() == said.text
    with open_store(str(tmp_path / "b.sqlite")) as store:
        queue.told(store, letter, "R", "c", "<a@b>", said)
        entry, = store.entries(type="request_told")
    digest = hashlib.sha256("ñ\r\n".encode()).hexdigest()
    assert entry["mail_attached"] == [f"restaurado-2026-0001.csv, 4 bytes, SHA-256 {digest}"] and digest in entry["note_es"]
