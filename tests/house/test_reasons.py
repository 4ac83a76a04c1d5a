# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make test` says below everything of a part that failed: enough to know why, where nothing else is kept."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from reasons import reasons  # pylint: disable=wrong-import-position

# as pytest writes a failed assertion that carries the output of a play
PLAY = """\
>       assert done.returncode == 4, done.stdout
E       AssertionError:
E
E         PLAY [Copy what is due] *******************
E         TASK [Make the copy] **********************
E         fatal: [aqui]: FAILED! => {"msg": "RSP404: another run is at work on SIGA"}
E         PLAY RECAP ********************************
E         aqui : ok=9 changed=0 unreachable=0 failed=1
E         nothing else to tell
E
E       assert 2 == 4
E        +  where 2 = CompletedProcess(...).returncode

tests/x.py:9: AssertionError
>       made, = []
E       ValueError: not enough values to unpack (expected 1, got 0)
=========================== short test summary info ============================
FAILED tests/x.py::test_one - AssertionError:
FAILED tests/x.py::test_two - ValueError: not enough values to unpack
"""


def test_the_reason_stands_in_the_output_of_the_play_that_an_assertion_carries() -> None:
    told = reasons(PLAY)
    assert told[:2] == ["FAILED tests/x.py::test_one - AssertionError:", "FAILED tests/x.py::test_two - ValueError: not enough values to unpack"]
    assert 'E  fatal: [aqui]: FAILED! => {"msg": "RSP404: another run is at work on SIGA"}' in told
    assert "E  assert 2 == 4" in told and "E  ValueError: not enough values to unpack (expected 1, got 0)" in told
    assert not [line for line in told if "nothing else" in line or "TASK" in line]


def test_one_reason_of_many_tests_is_told_once_and_long_lines_are_cut() -> None:
    told = reasons("\n\n".join(["E  " + "x" * 9000 + "the cause"] * 50))
    assert len(told) == 1 and len(told[0]) == 700 and told[0].startswith("E  x") and told[0].endswith("the cause")


def test_what_is_no_log_of_pytest_gives_its_last_lines() -> None:
    assert reasons("one\ntwo\nthree\nfour") == ["two", "three", "four"]


def test_the_frame_that_molecule_draws_hides_nothing() -> None:
    told = reasons("""\
  \x1b[2m│\x1b[0m >       assert "por carpeta" in warnings
  \x1b[2m│\x1b[0m E       AssertionError: assert 'por carpeta' in ['por carpeta.']
  \x1b[2m│\x1b[0m FAILED tests/test_shares.py::test_a_limit -
\x1b[31m\x1b[1mCRITICAL\x1b[0m Verifier tests failed
""")
    assert told == ["FAILED tests/test_shares.py::test_a_limit -", "E  AssertionError: assert 'por carpeta' in ['por carpeta.']"]
