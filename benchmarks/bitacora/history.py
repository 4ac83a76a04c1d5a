# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the bitácora of an institution, three hundred systems unless told otherwise: a copy of each a day, for as many entries as asked for."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "collections"))

from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import chain
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

SYSTEMS = [(f"SISTEMA{number:03}", "database" if number % 3 else "source_code") for number in range(300)]


def happened(count: int, systems: Sequence[tuple[str, str]] = SYSTEMS, hosts: int = 20, last: datetime.datetime | None = None):
    """(type, body, at_event, emitter) of each entry, as a nightly run writes them; the last night is yesterday unless told.

    A system's host is the one of its place in the list, round and round.
    """
    nights = count // (len(systems) * 2 + 2)
    if not last:
        nights += 1
        last = datetime.datetime.now(datetime.timezone.utc).replace(hour=3, minute=0, second=0, microsecond=0) - datetime.timedelta(days=1)
    for night in range(nights):
        moment = last - datetime.timedelta(days=nights - 1 - night)
        at, run = moment.strftime("%Y-%m-%dT%H:%M:%SZ"), moment.strftime("%Y%m%dT%H%M%SZ-bench")
        yield "run_started", {"run": run, "playbook": "site.yml", "controller": "respaldo1", "boot_id": "x", "pid": 1}, at, run
        for place, (system, kind) in enumerate(systems):
            label = system + moment.strftime("_%Y%m%d")
            body = {"run": run, "host": f"srv{place % hosts:02}", "event": "copy_started", "label": label, "system": system, "kind": kind, "started_at": at,
                    "criticality": "media", "office": "OTI", "responsible": "Ana Quispe Núñez", "numeral": "7.2.1"}
            yield "copy_started", body, at, run
            yield "copy_made", {**body, "event": "copy_made", "ended_at": at, "duration_ms": 5000, "size": 1000000 + place * night, "trust_level": "T2",
                                "medium": "local, nas-lima", "location": f"/srv/copias/{kind}/{system}/{label}", "sha256": f"{place:032x}{night:032x}"}, at, run
        yield "run_ended", {"run": run, "verdict": "good"}, at, run


def rows(count: int, **of: Any):
    """The entries themselves, chained, in the order of chain.COLUMNS."""
    n, previous, numbers = 0, chain.GENESIS, {}
    for type_, body, at, emitter in happened(count, **of):
        n += 1
        numbers = {emitter: numbers.get(emitter, 0) + 1}
        text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        row = {"n": n, "emitter": emitter, "n_emitter": numbers[emitter], "at_event": at, "at_recorded": at, "type": type_, "body": text,
               "body_digest": chain.digest_of_body(text), "previous": previous}
        row["digest"] = previous = chain.digest_of_entry(row)
        yield [row[name] for name in chain.COLUMNS]
        if n >= count:
            break


def write(path: Path, count: int, **of: Any) -> None:
    """A SQLite bitácora of about `count` entries."""
    with open_store(str(path)) as store:
        store.run("PRAGMA synchronous = OFF")
        with store.exclusive():
            for row in rows(count, **of):
                store.insert(row)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
