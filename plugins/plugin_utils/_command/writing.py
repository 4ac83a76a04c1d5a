# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New files where nothing is overwritten: a tree that is there whole or not at all, and single files with their modes, in held directories."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from .. import _held_places
from .configured import Unusable


def tree(directory: Path, drawn: Mapping[str, str]) -> None:
    """All files, then one rename: an inventory is there whole or not at all. Raises Unusable."""
    part = f".{directory.name}.{secrets.token_hex(8)}"
    try:
        with _held_places.place(directory, make=0o755) as at:
            if at.open:
                raise Unusable(f"{directory.parent} lo pueden escribir otros: no se escribe ahí un inventario, que dice qué se ejecuta como root.")
            os.mkdir(part, 0o750, dir_fd=at.held)
            whole = False
            made: list[str] = []
            try:
                for name, text in drawn.items():
                    made.append(name)
                    _write_below(at.held, f"{part}/{name}", text)
                for above in _above(part, drawn):
                    with _held_places.below(at.held, above) as inside:
                        _held_places.sync(inside)
                os.rename(part, at.name, src_dir_fd=at.held, dst_dir_fd=at.held)     # fails on what holds anything
                whole = True
                _kept(at.held)
            finally:
                if not whole:
                    _take_away(at.held, part, made)
    except OSError as error:
        raise Unusable(f"No se pudo escribir {directory}: {told(error)}. No quedó nada a medias.") from None


def _write_below(held: int, relative: str, text: str) -> None:
    above, _slash, name = relative.rpartition("/")
    with _held_places.below(held, above, make=0o750) as inside:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640, dir_fd=inside)
        _filled(descriptor, text)


def new_file(path: Path, text: str, mode: int) -> None:
    """A file that must not be there yet. Raises Unusable."""
    try:
        with _held_places.place(path, make=0o700 if mode == 0o600 else 0o755) as at:
            if at.open:
                raise Unusable(f"{path.parent} lo pueden escribir otros: no se escribe ahí {path.name}. Elija otro lugar.")
            descriptor = os.open(at.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=at.held)
            _filled(descriptor, text)
            _kept(at.held)
    except OSError as error:
        raise Unusable(f"No se pudo escribir {path}: {told(error)}.") from None


def forget(path: Path) -> None:
    """A file that was made a moment ago."""
    with _held_places.place(path) as at:
        os.unlink(at.name, dir_fd=at.held)


def _filled(descriptor: int, text: str) -> None:
    try:
        _held_places.filled(descriptor, text.encode("utf-8"))
    finally:
        os.close(descriptor)


def _take_away(held: int, part: str, made: Sequence[str]) -> None:
    """The unfinished tree, of which every name is ours."""
    for name in made:
        with contextlib.suppress(OSError):
            os.unlink(f"{part}/{name}", dir_fd=held)
    for above in _above(part, made):
        with contextlib.suppress(OSError):
            os.rmdir(above, dir_fd=held)


def _above(part: str, names: Iterable[str]) -> list[str]:
    """The directories of a tree, the innermost first."""
    return sorted({part, *(f"{part}/{parent}" for name in names for parent in map(str, Path(name).parents) if parent != ".")}, key=len, reverse=True)


def _kept(held: int) -> None:
    """The new name on stable storage. What a file system can't promise is no reason to take away what is whole."""
    with contextlib.suppress(OSError):
        _held_places.sync(held)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Whoever ends this process does so before or after: an inventory and the only password that opens it are never there one without the other."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def told(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(getattr(error, "strerror", None) or "no es texto"))
