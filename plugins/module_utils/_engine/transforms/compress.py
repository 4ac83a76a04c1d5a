# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compression: zstd (default), gzip, xz, or none, each by the stock program of its name."""

from __future__ import annotations

import os
from typing import Dict, List, NamedTuple, Optional

from ..processes import programs
from ..processes.pipeline import Stage


class _Format(NamedTuple):
    tool: str
    package: str
    extension: str
    compress: List[str]
    decompress: List[str]
    default_level: int
    level_range: str


_FORMATS: Dict[str, _Format] = {
    "zstd": _Format("zstd", "zstd", ".zst", ["-q", "-c", "--check"], ["-q", "-d", "-c"], 3, "1 to 19"),
    "gzip": _Format("gzip", "gzip", ".gz", ["-n", "-c"], ["-d", "-c"], 6, "1 to 9"),
    "xz": _Format("xz", "xz-utils", ".xz", ["-q", "-c"], ["-q", "-d", "-c"], 6, "0 to 9"),
}

NAMES = sorted(_FORMATS) + ["none"]

# More threads than this cost memory (each zstd worker holds its own window) and starve the engine that is dumped.
_MOST_THREADS = 4

# Up to this level zstd's threads take small pieces: measured at level 3, a third of the memory for 0.3 % more bytes. The windows
# of higher levels are larger than such a piece.
_SMALL_JOBS = 9


def extension(name: str) -> str:
    """The extension of a compressed file, `.zst` for zstd; empty for none."""
    return _FORMATS[name].extension if name in _FORMATS else ""


def compressor(name: str, level: Optional[int] = None, threads: int = 0) -> List[Stage]:
    """The stage that compresses (none for `none`). Threads: 0 takes one a processor, 4 at most.

    zstd and xz write their own checksum of the data, gzip its CRC, so decompression proves every byte.
    """
    if name not in _FORMATS:
        return []
    form = _FORMATS[name]
    argv = [programs.find(form.tool, form.package)] + form.compress
    argv.append("-{0}".format(form.default_level if level is None else level))
    if name == "zstd" and (form.default_level if level is None else level) <= _SMALL_JOBS:
        argv.append("-B2MiB")
    if name != "gzip":
        argv.append("-T{0}".format(threads or min(_MOST_THREADS, os.cpu_count() or 1)))
    return [Stage(form.tool, argv)]


def decompressor(name: str) -> List[Stage]:
    """The stage that decompresses (none for `none`)."""
    if name not in _FORMATS:
        return []
    form = _FORMATS[name]
    return [Stage(form.tool + " -d", [programs.find(form.tool, form.package)] + form.decompress)]


def restore_command(name: str) -> str:
    """The stock command that decompresses in a pipe; empty for none."""
    return "{0} -d -c".format(_FORMATS[name].tool) if name in _FORMATS else ""
