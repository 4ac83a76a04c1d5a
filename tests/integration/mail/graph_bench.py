# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of Microsoft Graph have in common: a place of work, a source that reads the fake, what a copy gives back."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import graph_service, mailbox_tokens
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.graph import Graph
from graph import server

from .test_imap_source import Bench

SUBJECT = "SECRETO"


@contextlib.contextmanager
def opened(top: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    temporary = Path("/tmp") / f"respaldo-graph-{os.getpid()}-{top.name}"      # an account that nobody has must reach it
    temporary.mkdir(mode=0o755)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr(graph_service, "_SHORTEST", 0.001)
    # seen twice in thousands: a port that listens refused for a moment, on a loaded machine
    monkeypatch.setattr(mailbox_tokens, "_WAITS", (0.0, 0.02, 0.3))
    yield Bench(top)
    assert list(temporary.iterdir()) == [], "scratch was left"
    temporary.rmdir()


def oauth(fake: server.FakeGraph, **more: str) -> dict[str, str]:
    return {"tenant": server.TENANT, "client_id": server.CLIENT, "client_secret": server.SECRET, "authority": fake.url, "ca_certs": fake.certificates, **more}


def source(fake: server.FakeGraph, **more: Any) -> Graph:
    return Graph(**{"user": server.USER, "endpoint": fake.url, "oauth": oauth(fake), **more})


def refused(bench: Bench, made_of: Graph, fake: server.FakeGraph) -> BackupError:
    before = set(bench.left())
    with pytest.raises(BackupError) as told:
        bench.make(made_of)
    said = f"{told.value} {told.value.message} {told.value.spanish} {told.value.details}"
    assert set(bench.left()) <= before and not any(each in said for each in (SUBJECT, server.SECRET, *fake.tokens))
    return told.value


def mail(number: int, size: int = 60) -> bytes:
    return f"Subject: {SUBJECT} {number}\r\n\r\n".encode() + b"y" * size + b"\r\n"


def back(bench: Bench, mailbox: Graph) -> dict[str, list[tuple[dict[str, Any], bytes]]]:
    """What the copy gives, by the folder's own name: lines of its index, each with the bytes of its file."""
    with bench.open() as copy:
        mailbox.restore(copy, str(bench.top / "back"), False)
    found = {}
    for index in sorted((bench.top / "back/indice").iterdir()):
        head, *lines = map(json.loads, index.read_text("ascii").splitlines())
        folder = bench.top / "back/Maildir" / head["directory"]
        found[head["name"]] = [(each, (folder / each["file"]).read_bytes()) for each in lines]
    return found
