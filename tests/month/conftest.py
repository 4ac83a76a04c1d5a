# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The institution of the month, and the table that its rows end with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databases.conftest import Maria, Postgres, running
from institution import Institution

_rows: list[tuple[str, str, float]] = []
_notes: list[str] = []


def note(text: str) -> None:
    """A line below the table."""
    _notes.append(text)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Institution]:
    place = tmp_path_factory.mktemp("mes")
    for each in (place, place.parent):
        each.chmod(0o755)
    for postgres in running(Postgres, "postgres", "postgresql"):
        for maria in running(Maria, "mysql", "mariadb-server"):
            institution = Institution(place, postgres, maria)
            try:
                yield institution
            finally:
                institution.end()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    if call.when == "call" or call.excinfo is not None:
        worked = {"passed": "W", "skipped": "-"}.get(outcome.get_result().outcome, "F")
        _rows.append(((item.function.__doc__ or item.name).splitlines()[0], worked, call.duration))      # type: ignore[attr-defined]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_sep("=", "the month, row by row (W: as written)")
    for row, worked, seconds in _rows:
        terminalreporter.write_line(f"{worked}  {seconds:6.1f} s  {row}")
    for text in _notes:
        terminalreporter.write_line(text)
    terminalreporter.write_line(f"{sum(worked == 'W' for _row, worked, _seconds in _rows)} of {len(_rows)} rows, {sum(row[2] for row in _rows):.0f} s")
