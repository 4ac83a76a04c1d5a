# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that a source is built with."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence


def given(options: Mapping[str, Any], known: Sequence[str]) -> Dict[str, Any]:
    """The options of a source that were given; a module's None stands for not given, a foreign option is left out."""
    return {name: options[name] for name in known if options.get(name) is not None}
