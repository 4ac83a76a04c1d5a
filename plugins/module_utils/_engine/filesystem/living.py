# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk through folders that people work in meanwhile, by descriptors: what moves or goes is passed over and told, and ends nothing."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Callable, Iterator, List, Optional, Tuple

from .descriptors import Entry, enter, identity

_Trail = List[Tuple[Tuple[int, int], str]]       # of each directory we are in: what it is, and its name


def scan(held: int, into: Optional[List[str]] = None, inside: Optional[Callable[[Entry], bool]] = None) -> Iterator[Entry]:
    """All that lies below a held directory that people work in meanwhile: as descriptors.walk, in no order, and a directory that is moved away ends nothing.

    What can't be read, or went while it was read, is told in `into`. `inside` says whether a directory is entered. In memory are the names of the
    directories that wait, not of the files.
    """
    trail: _Trail = []
    waiting: List[List[str]] = []
    at = os.dup(held)
    try:
        yield from _listed(at, trail, waiting, into, inside)
        while waiting:
            if not waiting[-1]:
                waiting.pop()
                if trail:
                    at = _back(held, at, trail, waiting, into)
                continue
            name = waiting[-1].pop()
            path = "/".join([each for _known, each in trail] + [name])
            try:
                inner = enter(at, name)
            except OSError:
                if into is not None:
                    into.append(path)
                continue
            os.close(at)
            at = inner
            trail.append((identity(at), name))
            yield from _listed(at, trail, waiting, into, inside)
    finally:
        os.close(at)


def _listed(at: int, trail: _Trail, waiting: List[List[str]], into: Optional[List[str]],
            inside: Optional[Callable[[Entry], bool]]) -> Iterator[Entry]:
    """What one directory holds; the directories among it are left to `waiting`."""
    before = "/".join(name for _known, name in trail)
    directories: List[str] = []
    waiting.append(directories)
    with os.scandir(at) as entries:
        for found in entries:
            path = before + "/" + found.name if before else found.name
            try:
                status = os.stat(found.name, dir_fd=at, follow_symlinks=False)
            except FileNotFoundError:
                continue     # its owner removed it meanwhile
            except OSError:
                if into is not None:
                    into.append(path)
                continue
            entry = Entry(path, found.name, status, at)
            yield entry
            if stat.S_ISDIR(status.st_mode) and (inside is None or inside(entry)):
                directories.append(found.name)


def _back(held: int, at: int, trail: _Trail, waiting: List[List[str]], into: Optional[List[str]]) -> int:
    """From a directory to the one above. When it was moved meanwhile, to the innermost one that is still where it was: what waited between is passed over."""
    trail.pop()
    expected = trail[-1][0] if trail else identity(held)
    with contextlib.suppress(OSError):
        above = enter(at, "..")
        if identity(above) == expected:
            os.close(at)
            return above
        os.close(above)
    reached = os.dup(held)
    for number, (known, name) in enumerate(trail):
        try:
            inner = enter(reached, name)
        except OSError:
            inner = -1
        if inner < 0 or identity(inner) != known:
            if inner >= 0:
                os.close(inner)
            if into is not None:
                into.append("/".join(each for _known, each in trail[:number + 1]))
            del trail[number:], waiting[number + 1:]
            break
        os.close(reached)
        reached = inner
    os.close(at)
    return reached
