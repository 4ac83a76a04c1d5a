# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backup structure: only what it knows goes in or out."""

from __future__ import annotations

import json

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


ROW = {"name": "a", "size": 1, "sha256": "b" * 64}
WHOLE = {"event": "copy_verified", "label": "SIGA_20261127", "printed_label": "SIGA_2026 11 27", "system": "SIGA", "kind": "database",
         "started_at": "2026-11-27T03:00:00Z", "size": 7, "sha256": "a" * 64, "trust_level": "T2", "encrypted": True, "checks": ["sha256"]}


def test_clean_keeps_what_is_known_and_nothing_else():
    """S13: what has not its form is dropped, and the entry says so."""
    found = {"event": "copy_made", "password": "secret", "size": True, "label": 3, "encrypted": True, "source": "x" * 5000,
             "parts": [dict(ROW, password="secret"), "no row", {"name": "a"}, dict(ROW, size="many"), dict(ROW, size=True)],
             "warnings": ["a", 1], "office": "", "kind": ""}
    kept = result.clean(found)
    assert kept.pop("note_es").endswith("label, parts, size, warnings")
    assert kept == {"event": "copy_made", "encrypted": True, "source": "x" * 4000, "parts": [ROW], "warnings": ["a"], "office": "",
                    "refused_fields": ["label", "parts", "size", "warnings"]}


BAD_FORMS = [
    ("started_at", "ayer"), ("started_at", "2026-11-27T16:51:!"), ("started_at", "..:!"), ("started_at", "2026-02-30T00:00:00Z"),
    ("started_at", "9999-12-31T23:59:59Z"), ("started_at", "1970-01-01T00:00:00Z"), ("started_at", "2026-11-27T03:00:00Z\n"),
    ("started_at", "٢٠٢٦-11-27T03:00:00Z"), ("started_at", 20261127), ("ended_at", ["2026-11-27T03:00:00Z"]),
    ("size", 10 ** 400), ("size", -1), ("size", 2 ** 63), ("size", 1.5), ("size", float("nan")), ("size", True), ("size", "7"), ("objects", {}),
    ("label", "../../SIGA"), ("label", "SIGA_20261399"), ("label", "SIGA_2026 11 27"), ("label", "SIGA_20261127\n"), ("label", "x" * 10 ** 6),
    ("printed_label", "SIGA_20261127"), ("previous_label", "SIGA"), ("sha256", "A" * 64), ("sha256", "a" * 63), ("content_digest", "xyz"),
    ("trust_level", "T9"), ("trust_level", "t2"), ("verification_level", ["T4"]), ("kind", "databases"), ("kind", ["database"]), ("event", "seal"),
    ("event", "run_ended"), ("event", {}), ("system", "SIGA\x1b[2J"), ("system", "SIGA\u202eAGIS"), ("medium", "nas\n"), ("office", "\ud800"),
    ("key_reference", "a" * 5000), ("reason", "two words"), ("retention_until", "2026-13-01"), ("excused_until", "2027-12-31T00:00:00Z"),
    ("encrypted", 1), ("checks", "sha256"), ("checks", {"a": 1}), ("warnings", 7), ("parts", [[]]), ("error_code", "RSP000"), ("source", b"bytes"),
]


@pytest.mark.parametrize("name, value", BAD_FORMS, ids=[f"{name}-{index}" for index, (name, _value) in enumerate(BAD_FORMS)])
def test_a_value_of_another_form_is_dropped_and_told(name, value):
    """S13, S21: each form, by values that broke a reader or could."""
    kept = result.clean({**WHOLE, name: value})
    assert name in kept["refused_fields"] and name in kept["note_es"]
    assert kept.get(name) in (None, []), kept[name]
    assert {key: kept[key] for key in WHOLE if key != name} == {key: WHOLE[key] for key in WHOLE if key != name}


def test_texts_keep_their_words_and_lose_what_is_not_seen():
    """S21: escapes and changes of direction of a server or a NAS reach no terminal, page or sheet."""
    kept = result.clean({"event": "copy_failed", "error_message": "a\x1b]0;T\x07\u202eb\nc\u2028d\ud800", "warnings": ["x\x1b[2K\ry"], "source": "ñandú 🙂"})
    assert kept == {"event": "copy_failed", "error_message": "a ]0;T  b c d?", "warnings": ["x [2K y"], "source": "ñandú 🙂"}


def test_an_entry_is_bounded_whatever_it_is_given():
    """S3: one answer made the bitácora grow by 385 MiB."""
    huge = {name: ["x" * 4000] * 50000 if field.type is list else "x" * 10 ** 6 for name, field in result.SCHEMA.items()}
    kept = result.clean({**huge, "event": "copy_made", "parts": [ROW] * 50000})
    assert len(str(kept)) < 200_000 and len(kept["unread"]) <= 1000 and "unread" in kept["refused_fields"]


def test_a_stray_may_be_called_anything():
    kept = result.clean({"event": "stray_found", "label": "copia de\x1b[2J Juan", "medium": "nas"})
    assert kept == {"event": "stray_found", "label": "copia de [2J Juan", "medium": "nas"}


KNOWN = {"label": "WEB_20261127", "printed_label": "WEB_2026 11 27", "system": "WEB", "kind": "database", "medium": "nas", "office": "OTI",
         "key_reference": "custodia:database/WEB/WEB_20261127"}
EVENTS = ("copy_verified", "copy_damaged")


def test_testimony_is_about_the_controllers_copy_only():
    """S2, S3: identity and key are the controller's; the server adds what only it can know; the lie is told."""
    lie = {**WHOLE, "medium": "otro", "key_reference": "custodia:database/SIGA/SIGA_20261127", "custodians": ["x"], "office": "OTI", "trust_level": "T5",
           "excused_until": "2027-12-31", "warning": "overdue:database:SIGA", "retention_until": "2099-01-01", "responsible": "Yo"}
    told = result.testimony(lie, KNOWN, EVENTS)
    assert {name: told[name] for name in KNOWN} == KNOWN
    assert told["event"] == "copy_verified" and told["size"] == 7 and told["sha256"] == "a" * 64 and told["started_at"] == WHOLE["started_at"]
    assert not {"custodians", "excused_until", "warning", "retention_until", "responsible", "trust_level"}.intersection(told)
    assert told["refused_fields"] == ["label", "printed_label", "system", "responsible", "medium", "key_reference", "custodians", "trust_level",
                                      "retention_until", "warning", "excused_until"]
    assert result.clean(told) == told and told["note_es"].startswith("Se descartó del servidor")


def test_testimony_that_tells_nothing_false_is_told_of_nothing():
    told = result.testimony({**WHOLE, **KNOWN}, KNOWN, EVENTS)
    assert "refused_fields" not in told and "note_es" not in told


@pytest.mark.parametrize("event", [None, "copy_pruned", "excuse", "seal", "run_ended", 7, ["copy_verified"], "x\x1b[2J" * 1000, 10 ** 5000],
                         ids=["none", "other", "excuse", "seal", "run", "number", "list", "escape", "huge"])
def test_testimony_of_another_event_is_refused(event):
    with pytest.raises(BackupError) as caught:
        result.testimony({**WHOLE, "event": event}, KNOWN, EVENTS)
    assert caught.value.code == "RSP722" and len(str(caught.value)) < 400 and "\x1b" not in caught.value.spanish
    with pytest.raises(BackupError):
        result.testimony(event, KNOWN, EVENTS)


def test_testimony_may_name_no_event_where_that_is_allowed():
    assert "event" not in result.testimony({"size": 3}, KNOWN, ("",))
    assert result.testimony("nonsense", {**KNOWN, "event": "copy_damaged"}, EVENTS) == {**KNOWN, "event": "copy_damaged"}


def test_deep_and_strange_structures():
    deep: list = []
    for _each in range(100_000):
        deep = [deep]
    found = {**{name: deep for name in result.SCHEMA}, 3: "x", None: deep, "event": "copy_verified", ("a",): 1}
    assert result.testimony(found, KNOWN, EVENTS)["label"] == "WEB_20261127"
    assert result.rows_of(deep, 5) == [] and result.rows_of([{}, 1] * 9, 3) == [{}, {}] and result.rows_of({"a": 1}, 1) == [{"a": 1}]


STRUCTURES = strategies.dictionaries(strategies.sampled_from(sorted(result.FIELDS)) | strategies.text() | strategies.integers(), ANYTHING) | ANYTHING


@pytest.mark.slow
@settings(deadline=None)
@given(STRUCTURES)
def test_clean_never_raises(found):
    kept = result.clean(found)
    assert set(kept) <= set(result.FIELDS)
    assert all(isinstance(value, result.FIELDS[name]) for name, value in kept.items())
    assert result.clean(kept) == kept
    json.dumps(kept).encode("utf-8")


@pytest.mark.slow
@settings(deadline=None)
@given(STRUCTURES, STRUCTURES)
def test_testimony_raises_nothing_but_its_own_error(found, known):
    words = result.clean(known)
    try:
        told = result.testimony(found, known, EVENTS)
    except BackupError as error:
        assert error.code == "RSP722"
        return
    identity = [name for name, field in result.SCHEMA.items() if not field.server and name != "event"]
    assert {name: told[name] for name in identity if name in told} == {name: words[name] for name in identity if name in words}
    assert result.clean(told) == told
