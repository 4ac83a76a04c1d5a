# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names in a copy, told page by page by a real restic: whichever bytes they have, and wherever a page ends."""

from __future__ import annotations

import base64
import gzip
import importlib
import json
import os

import pytest

naming = importlib.import_module("_engine.copies.incremental.naming")

ODD = [b"nueva\nlinea\n.txt", b"\xff\xfe", b"\xfe", "\ufffd".encode(), b"a\n\xff\nb", b"ordinario", b"  ", b"\x01"]


def told(page):
    return [json.loads(line) for line in gzip.decompress(base64.b64decode(page.packed)).splitlines()]


@pytest.fixture
def odd_share(share):
    folder = os.fsencode(str(share.folder)) + b"/carpeta \xe9\n"
    os.mkdir(folder)
    for name in ODD:
        with open(folder + b"/" + name, "wb") as file:
            file.write(name)
    os.symlink("nada", folder + b"/\xfdenlace")
    os.mkfifo(folder + b"/tubo")
    share.make()
    return share


@pytest.mark.parametrize("most", [1000, 1, 4])
def test_every_name_is_told_as_it_is_and_once(odd_share, most):
    rows, after, more = [], 0, True
    while more:
        with odd_share.opened() as opened:
            page = naming.page(opened, after, most)
        assert page.total <= most and len(told(page)) == page.total
        rows, after, more = rows + told(page), after + page.total, page.more
    top = os.fsencode(str(odd_share.folder))
    there = {}
    for directory, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            kind = "d" if name in folders else "l" if os.path.islink(path) else "f" if os.path.isfile(path) else "o"
            there[path] = [kind, *((0, 0) if kind == "d" else (status.st_size if kind == "f" else 0, status.st_mtime_ns))]
    below = {os.fsencode(row[0]): row[1:] for row in rows if os.fsencode(row[0]).startswith(top + b"/")}
    assert below == there and len(rows) == len({row[0] for row in rows})
    keys = [os.fsencode(row[0]).replace(b"/", b"\0") for row in rows]
    assert keys == sorted(keys)


def test_a_name_that_restic_s_plain_list_has_not_is_left_out_and_counted(odd_share, monkeypatch):
    calls = type(odd_share.opened()).restic

    class Other:
        """A restic that writes its plain list otherwise."""

        def __init__(self, real):
            self.real = real

        def __getattr__(self, name):
            return getattr(self.real, name)

        def call(self, arguments, line=None, **more):
            return self.real.call(arguments, line and (lambda text: line(text.replace(b"\xff", b"\\xff"))), **more)

    monkeypatch.setattr(type(odd_share.opened()), "restic", lambda self: Other(calls(self)))
    with odd_share.opened() as opened:
        page = naming.page(opened, 0, 1000)
    names = [os.fsencode(row[0]) for row in told(page)]
    assert page.total - len(names) == 2 and any(name.endswith(b"\xe9\n/\xfe") for name in names) and not any(b"\xff" in name for name in names)


def test_times_are_told_to_the_nanosecond_whenever_they_were():
    days = {}
    for text, nanoseconds in (("2026-11-22T03:04:05.123456789Z", 1795316645123456789), ("1969-12-31T23:59:59.5Z", -500000000), ("2026-11-22T03:04:05Z", None),
                              ("2026-11-22T03:04:05.1-05:00", None), ("0001-01-01T00:00:00Z", None)):
        from_restic = importlib.import_module("_engine.restic.restic").nanoseconds(text)
        assert naming._moment(text, days) == from_restic and nanoseconds in (None, from_restic)
