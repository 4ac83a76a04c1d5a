# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The number that what a person did has in the bitácora is told once, and only when it is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import result
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import events, numbers, view
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.recorder import Recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store

HOLD = events.COLLECTION + "backup_hold"


def held(**more: str) -> dict[str, str]:
    return result.build(event="copy_held", system="SIGA", kind="database", reason_text="Oficio 117", **more)


def test_the_number_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorder = Recorder(str(tmp_path / "b.sqlite"), tmp_path / "journal", None, {})
    recorder.start()
    recorder.take("localhost", HOLD, held(label="SIGA_20261122"), simulated=False)
    recorder.take("localhost", HOLD, held(), simulated=True)
    numbers.flush(recorder)
    with open_store(recorder.url, readonly=True) as store:
        first, second = (entry["n"] for entry in store.entries(type="copy_held"))
    told = capsys.readouterr().out
    assert told == (f"Asiento N.º {first} de la bitácora: En retención, SIGA, SIGA_20261122\n"
                    f"Asiento N.º {second} de la bitácora: En retención, SIGA (simulación)\n")
    numbers.flush(recorder)
    assert capsys.readouterr().out == ""


def test_what_waits_in_the_journal_has_no_number_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b.sqlite").mkdir()
    recorder = Recorder(str(tmp_path / "b.sqlite"), tmp_path / "journal", None, {})
    recorder.take("localhost", HOLD, held(), simulated=False)
    numbers.flush(recorder)
    assert recorder.journal_file is not None and capsys.readouterr().out == ""


def test_each_has_a_word_for_people() -> None:
    assert all(view.word(event) != event and event in result.EVENTS for event in numbers.CITED)
