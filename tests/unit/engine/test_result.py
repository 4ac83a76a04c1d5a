# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup structure: only what it knows goes in or out."""

from __future__ import annotations

import pytest
from _engine import result
from _engine.errors import BackupError
from hypothesis import given, settings, strategies

ANYTHING = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text() | strategies.binary(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.sampled_from(["name", "size", "sha256"]) | strategies.text(), inner),
    max_leaves=12)


def test_build():
    assert result.build(event="copy_made", size=3, label=None) == {"event": "copy_made", "size": 3}
    with pytest.raises(KeyError):
        result.build(password="x")
    with pytest.raises(TypeError):
        result.build(size="3")


def test_failure():
    fields = result.failure(BackupError("medium_full", location="disk", detail="x"))
    assert fields["error_code"] == "RSP402" and "lleno" in fields["error_message_es"]
    assert result.clean(fields) == fields


def test_clean_keeps_what_is_known_and_nothing_else():
    row = {"name": "a", "size": 1, "sha256": "b"}
    found = {"event": "copy_made", "password": "secret", "size": True, "label": 3, "encrypted": True, "source": "x" * 5000,
             "parts": [dict(row, password="secret"), "no row", {"name": "a"}, dict(row, size="many"), dict(row, size=True)],
             "warnings": ["a", 1]}
    assert result.clean(found) == {
        "event": "copy_made", "encrypted": True, "source": "x" * 4000, "parts": [row], "warnings": ["a", "1"]}


@settings(deadline=None)
@given(strategies.dictionaries(strategies.sampled_from(sorted(result.FIELDS)) | strategies.text(), ANYTHING) | ANYTHING)
def test_clean_never_raises(found):
    kept = result.clean(found)
    assert set(kept) <= set(result.FIELDS)
    assert all(isinstance(value, result.FIELDS[name]) for name, value in kept.items())
    assert result.clean(kept) == kept
