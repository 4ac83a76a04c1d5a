# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: each fault fills, in both languages."""

from __future__ import annotations

import re
import string

import pytest
from _engine.errors import _FAULTS, CATALOGUE, BackupError


def words(template):
    return {name for _text, name, _form, _conversion in string.Formatter().parse(template) if name}


def test_codes_and_names_are_unique():
    assert len({fault.code for fault in _FAULTS}) == len({fault.name for fault in _FAULTS}) == len(_FAULTS) == len(CATALOGUE)


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.name)
def test_fault(fault):
    assert re.match(r"RSP[1-9]\d\d\Z", fault.code)
    details = {name: "«{0}»".format(name) for name in words("".join(fault[2:]))}
    error = BackupError(fault.name, **details)
    for text in (error.message, error.hint, error.spanish, error.remedy):
        assert text and "<" not in text and "{" not in text
    assert error.spanish != error.message and error.remedy != error.hint
    assert words(fault.spanish) <= words(fault.english)
    assert str(error) == error.message and error.code == fault.code


def test_a_missing_detail_never_fails_the_report():
    assert "<detail>" in BackupError("medium_full", location="disk").message
