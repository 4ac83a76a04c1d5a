# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to forges and custodians: a token that no header can hold - a block of YAML ends with a line end - is told, and nothing of it, though
http.client repeats it in its error; an answer that never ends is none.
"""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from plugins.module_utils._engine.errors import BackupError
from plugins.module_utils._engine.policy import places
from plugins.plugin_utils._actions import failed, foreseen
from plugins.plugin_utils._custodians import rest
from plugins.plugin_utils._custodians.rest import Rest
from plugins.plugin_utils._forges import requests
from plugins.plugin_utils._forges.requests import Api

NOWHERE = "https://127.0.0.1:1"
ASKED = {
    "forge": lambda token: Api("forja", NOWHERE, {"Authorization": "token " + token}, {"retry_seconds": 0}).get("/x"),
    "custodian": lambda token: Rest("boveda", NOWHERE, {"retry_seconds": 0}).request("GET", "/x", {"X-Vault-Token": token}),
}


@pytest.mark.parametrize("end", ["\n", "\r\nX-Otra: z", "\u2026"])
@pytest.mark.parametrize("who", sorted(ASKED))
def test_an_error_repeats_no_token(who, end):
    with pytest.raises(BackupError) as caught, foreseen():
        ASKED[who]("SECRETO" + end)
    assert caught.value.fault.name == who + "_refused" and "SECRETO" not in str(failed(caught.value)) + str(caught.value.details)
    assert caught.value.__suppress_context__


def test_a_custodians_token_is_of_one_line():
    problems = []
    place = {"name": "boveda", "type": "hashicorp_vault", "address": "https://boveda.example.org"}
    places.custodian({**place, "token": "hvs.SECRETO-_a"}, "x", problems)
    assert problems == []
    places.custodian({**place, "token": "SECRETO\n"}, "x", problems)
    assert [problem.where for problem in problems] == ["x.token"] and "SECRETO" not in str(problems)


@pytest.fixture(params=["status", "header", "body"])
def dripping(request):
    """The address of a service that sends a byte every twentieth of a second from there on, ten seconds long."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()
    head = {"status": b"", "header": b"HTTP/1.1 200 OK\r\nX-A: ", "body": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"}[request.param]

    def serve():
        with contextlib.suppress(OSError):
            while not ended.is_set():
                connection, _from = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(head)
                    for _byte in range(200):
                        if ended.wait(0.05):
                            break
                        connection.sendall(b"1")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield "http://127.0.0.1:{0}".format(listener.getsockname()[1])
    ended.set()
    with contextlib.suppress(OSError):
        socket.create_connection(listener.getsockname()).close()
    thread.join(30)
    listener.close()


def test_an_answer_that_never_ends_is_none(dripping, monkeypatch):
    """Each read of its socket has its byte in time: the list of a forge held its host's copies for ever, and the run's verdict."""
    monkeypatch.setattr(requests, "_LONGEST_ANSWER", 1.0)
    monkeypatch.setattr(rest, "_LONGEST_ANSWER", 1.0)
    for code, ask in (("RSP459", lambda: Api("forja", dripping, {}, {"retry_seconds": 0}).get("/x")),
                      ("RSP804", lambda: Rest("boveda", dripping, {"retry_seconds": 0}).request("GET", "/x", {}))):
        with pytest.raises(BackupError) as caught:
            ask()
        assert caught.value.code == code and "does not end in 1 s" in str(caught.value)
