# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository holds is told as it lies there, once copies were made, removed and carried."""

import os

from _engine.media.local import Local
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import capacity

GROWN = 3 << 20


def lying(directory):
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file() and path.parent.name != "locks")


def test_the_level_of_a_medium_is_what_lies_there(share):
    (share.folder / "grande.bin").write_bytes(os.urandom(GROWN))
    told = []

    def entry(type_, label, medium="nas", **fields):
        told.append({"n": len(told), "type": type_, "at_event": f"2026-11-{len(told) + 1:02d}T10:00:00Z", "label": label, "medium": medium,
                     "kind": "file_server", "system": "RRHH", **fields})

    def level(medium="nas"):
        return capacity.history(told)[medium][-1][1]

    for number in range(3):
        (share.folder / f"poco{number}").write_bytes(os.urandom(1000))
        made = share.make()
        entry("copy_made", share.slot().label, **{name: made.fields[name] for name in ("size", "size_original", "repository", "repository_sizes")})
        assert level() == lying(share.repository)
    first, last = share.slot("RRHH_" + told[0]["label"][5:]), share.slot()
    assert told[0]["size"] > GROWN > told[1]["size"]
    share.media[0].remove(first, "")
    with share.opened(last.label) as newest:
        newest.give_back(0)
        stored = newest.stored(share.media[0])
    entry("copy_pruned", first.label, repository_sizes=[stored])
    assert level() == stored == lying(share.repository) > GROWN, "the copy that brought nearly all of it is gone, and what it brought is not"
    measured = told.pop()
    entry("copy_pruned", first.label)
    assert abs(level() - measured["repository_sizes"][0]) < GROWN / 10, "an entry of an earlier release has no measure"
    other = Local("boveda", str(share.top / "boveda"), True)
    (share.top / "boveda").mkdir()
    with share.opened(last.label) as newest:
        newest.carry(other)
        carried = newest.stored(other)
    entry("copy_transferred", last.label, "boveda", repository_sizes=[carried])
    assert level("boveda") == carried == lying(share.top / "boveda" / "file_server" / ".restic.RRHH" / "repositorio") > GROWN
