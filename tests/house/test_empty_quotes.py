# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a play says of a value that may be missing: a quote with nothing in it tells nobody what is wrong."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
_EMPTY = re.compile(r"""(?:'|«)\{\{[^}]*default\((?:''|"")\)[^}]*\}\}(?:'|»)""")


def test_no_play_quotes_a_value_that_may_be_empty() -> None:
    plays = [*TOP.glob("playbooks/*.yml"), *TOP.glob("roles/*/tasks/*.yml")]
    found = [path for path in plays for line in path.read_text("utf-8").splitlines() if "RSP" in line and _EMPTY.search(line)]
    assert found == [] and len(plays) > 100
    assert _EMPTY.search("RSP101: restore_host: '{{ restore_host | default('') }}' no es un servidor"), "what it would find"
