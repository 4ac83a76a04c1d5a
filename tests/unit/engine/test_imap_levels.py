# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the synchroniser is told of a folder that is there in name alone, whatever pieces the server's answer comes in; and that no mail is touched."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import imap_levels, imap_maildir

TOLD = (b'* LIST (\\HasChildren) "." Uno\r\n* LIST () "." "Con espacio"\r\n* LIST () "." Uno.Dos\r\n* LIST () NIL INBOX\r\n'
        b'* LSUB () "." Uno\r\n* LIST (\r\n* OK (x) "." Uno\r\n1 OK\r\n')
SHOWN = TOLD.replace(b'(\\HasChildren) "." Uno\r', b'(\\Noselect \\HasChildren) "." Uno\r').replace(b'() "." "Con', b'(\\Noselect ) "." "Con')


@pytest.mark.parametrize("size", [1, 7, 20, 1000])
def test_a_level_is_told_as_one_however_it_comes(size: int) -> None:
    shown = imap_levels.Shown({"Uno", "Con espacio"})
    pieces = [TOLD[at:at + size] for at in range(0, len(TOLD), size)]
    assert b"".join(map(shown.passed, pieces)) == SHOWN
    # what was begun is given when the first mail is asked for, and all beyond passes as it is, as where there are no levels
    assert shown.passed(b"* LI") + shown.rest() + shown.passed(TOLD) == b"* LI" + TOLD
    assert imap_levels.Shown(()).passed(TOLD[:size]) == TOLD[:size]


def test_a_line_without_an_end_is_not_kept_for_ever() -> None:
    shown = imap_levels.Shown({"Uno"})
    assert len(b"".join(shown.passed(b"x" * 1000) for _each in range(100))) == 100_000


def test_only_what_others_lie_in_can_be_a_level() -> None:
    assert imap_levels.above(["Uno", "Uno.Dos", "Tres"], ".") & {"Uno", "Tres", "Uno.Dos"} == {"Uno"} and not imap_levels.above(["Uno.Dos"], "")


def test_an_index_that_nests_without_end_is_none() -> None:
    with pytest.raises(ValueError, match="nested"):
        imap_maildir.told_of(b'{"a":' + b"[" * 200_000)
