# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs ansible-core and what it imports, of this very Python, below lib/: the lab's servers have the same Python (3.11), and need no network for it."""

from __future__ import annotations

import importlib
import sys
import tarfile
from pathlib import Path

NAMES = ("ansible", "jinja2", "markupsafe", "yaml", "_yaml", "packaging", "resolvelib", "cryptography", "cffi", "_cffi_backend", "pycparser")

with tarfile.open(sys.argv[1], "w:gz", compresslevel=1) as archive:
    for name in NAMES:
        try:
            found = Path(str(importlib.import_module(name).__file__))
        except ImportError:
            continue
        place = found.parent if found.name == "__init__.py" else found
        archive.add(place, "lib/" + place.name, filter=lambda member: None if "__pycache__" in member.name else member)
        # by which some ask for a version
        for told in place.parent.glob("*.dist-info"):
            if told.name.lower().replace("ansible_core", "ansible").startswith((name + "-", "py" + name + "-")):
                archive.add(told, "lib/" + told.name)
