# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that asks for signs of life to be taken (_heartbeats.py): each service in a thread of its own, all within a time, then it ends, whatever hangs.

Its standard input says whom and where to, its standard output, in words that hold neither address nor token, what did not arrive.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from . import _http

_LARGEST_ANSWER = 4096
# what Healthchecks says, with status 200, of a check that it does not know or asks too often
_NOT_TAKEN = (b"not found", b"rate limited")
_SHORTEST_HIDDEN = 4
_ONCE = " (tried 1 time)"     # it is asked once and no more


def main() -> None:
    asked = json.loads(sys.stdin.read())
    seconds, rows = float(asked["seconds"]), asked["rows"]
    ends, told = time.monotonic() + seconds, {name: "it did not answer in {0} s".format(int(seconds)) for name in rows}

    def take(name: str) -> None:
        told[name] = ping(rows[name], seconds)

    threads = [threading.Thread(target=take, args=(name,), daemon=True) for name in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    sys.stdout.write(json.dumps(dict(told)))
    sys.stdout.flush()
    # a name that is being looked up can't be given up otherwise
    os._exit(0)


def ping(row: Mapping[str, Any], seconds: float) -> str:
    """Ask once; what went wrong, "" when it was taken. A redirection is no answer that counts: the token is for one address only."""
    try:
        client = _http.Client(row, "ca_certs", "", lambda heard: "")
        heard = client.ask("GET", row["address"], {"User-Agent": "perucompras.respaldo"}, _http.Limits(seconds, seconds, _LARGEST_ANSWER, 0))
    except _http.Trouble as trouble:
        return hidden(trouble.detail.replace(_ONCE, ""), row)
    except Exception as error:
        return "it can't be asked ({0})".format(type(error).__name__)
    if not 200 <= heard.status < 300:
        return "it answers with status {0}".format(heard.status)
    if row["type"] == "healthchecks" and any(words in heard.body for words in _NOT_TAKEN):
        return "it answers that it does not know this check, or is asked too often"
    return ""


def hidden(text: str, row: Mapping[str, Any]) -> str:
    """A text without any part of the address."""
    secrets = {row["address"], row["url"], row["token"], *row["address"].split("/")[3:], *row["url"].split("/")[3:]}
    for secret in sorted(filter(lambda each: len(each) >= _SHORTEST_HIDDEN, secrets), key=len, reverse=True):
        text = text.replace(secret, "(…)")
    return text
