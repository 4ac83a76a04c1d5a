# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of a mailbox, with its options."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from .given import given
from .graph import Graph
from .imap import Imap


def build(options: Mapping[str, Any], assigned: Sequence[str] = ()) -> Imap:
    """The mailbox that the options name. `assigned` are the assigned paths of the scope guard (numeral 6.2)."""
    # a copy by Graph is given back by IMAP too: then a server is named, which a source of Graph never has
    if options.get("type") == Graph.type and not options.get("host"):
        return Graph(assigned=assigned, **given(options, Graph.OPTIONS))
    return Imap(assigned=assigned, **given(options, Imap.OPTIONS))
