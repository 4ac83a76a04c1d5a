# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house as its imports draw it (tools/floors.py): imports run down, none in a circle, and a file is as long as a reader holds in the head."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
_SPECIFICATION = importlib.util.spec_from_file_location("floors", TOP / "tools" / "floors.py")
assert _SPECIFICATION is not None and _SPECIFICATION.loader is not None
floors = importlib.util.module_from_spec(_SPECIFICATION)
sys.modules["floors"] = floors
_SPECIFICATION.loader.exec_module(floors)

# file -> why it may be longer than the others
LONG = {
    "plugins/plugin_utils/_bitacora/chain.py": "the verifier is one plain file that an auditor runs by `python3 -I -S`: in parts it would not stand alone",
}


@pytest.fixture(scope="module")
def house():
    return floors.read(TOP / "plugins")


def test_no_import_runs_in_a_circle(house) -> None:
    assert floors.circles(house) == []


def test_no_two_rooms_need_each_other(house) -> None:
    rooms = floors.rooms(house)
    assert floors.circles(rooms) == []
    # what would be found if every file were a room
    assert {"module_utils/_engine/copies", "module_utils/_engine/media", "plugin_utils/_decisions"} < set(rooms.files) and len(rooms.arrows) > 300


def test_imports_run_down_the_storeys(house) -> None:
    assert [f"{arrow.of}:{arrow.line} imports {arrow.to}" for arrow in floors.arrows_up(house)] == []


def test_each_import_leads_down_a_floor(house) -> None:
    on = floors.floors(house)
    assert set(on) == set(house.files) and {arrow for arrow in house.arrows if on[arrow.of] <= on[arrow.to]} == set()
    # what would be found if nothing were read
    assert len(house.files) > 250 and len(house.arrows) > 1000 and max(on.values()) > 10


def test_no_file_is_longer_than_a_reader_holds_in_the_head() -> None:
    long = {file: lines for file, lines in floors.lengths(TOP).items() if lines > floors.MOST_LINES}
    assert {file: lines for file, lines in long.items() if file not in LONG} == {}, "split it by what it is about, or name it here with its reason"
    assert sorted(set(LONG) - set(long)) == [], "no exception any more: take it out of LONG"


def test_what_is_measured_is_all_that_we_wrote_in_python() -> None:
    lines = floors.lengths(TOP)
    for room in ("plugins/modules/", "plugins/module_utils/_engine/", "plugins/plugin_utils/", "plugins/action/", "plugins/callback/", "tools/", "benchmarks/"):
        assert any(file.startswith(room) for file in lines), room
    # a program without the end .py, and a link to a file that is counted where it lies
    assert "benchmarks/files/run" in lines and "callback_plugins/bitacora.py" not in lines


# -- the tool sees what it is to see: each of these houses is built wrong on purpose -----------------------------------------------------------
ENGINE, TASKS, CONTROLLER = "module_utils/_engine/", "module_utils/_tasks/", "plugin_utils/"


def built(top: Path, files: dict[str, str]):
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return floors.read(top)


@pytest.mark.parametrize("back", [
    "from . import low", "from .low import X", "def f():\n    from .low import X", "from .. import _engine\nfrom .._engine import low",
    "import ansible_collections.perucompras.respaldo.plugins.module_utils._engine.low",
    "from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.low import X", "try:\n    from .low import X\nexcept ImportError:\n    X = 0",
    "class A:\n    from .low import X", "if X:\n    pass\nelse:\n    from .low import X",
])
def test_a_circle_is_found_wherever_the_import_stands(tmp_path: Path, back: str) -> None:
    house = built(tmp_path, {ENGINE + "__init__.py": "", ENGINE + "low.py": "from .high import Y\nX = 1\n", ENGINE + "high.py": back + "\n"})
    assert floors.circles(house) == [[ENGINE + "high.py", ENGINE + "low.py"]]
    assert floors.floors(house)[ENGINE + "high.py"] == floors.floors(house)[ENGINE + "low.py"]


def test_a_long_circle_and_one_through_a_package_are_found(tmp_path: Path) -> None:
    house = built(tmp_path, {
        ENGINE + "a.py": "from . import b", ENGINE + "b.py": "from .c import X", ENGINE + "c.py": "def f():\n    from . import a\n",
        ENGINE + "d.py": "from . import a",
        ENGINE + "room/__init__.py": "from .one import X", ENGINE + "room/one.py": "from . import Y", ENGINE + "e.py": "from .room import one",
    })
    assert floors.circles(house) == [[ENGINE + name for name in ("a.py", "b.py", "c.py")], [ENGINE + "room/__init__.py", ENGINE + "room/one.py"]]


def test_two_rooms_that_need_each_other_are_found_where_no_two_files_do(tmp_path: Path) -> None:
    house = built(tmp_path, {
        ENGINE + "media/far.py": "from ..copies.sums import X", ENGINE + "copies/sums.py": "", ENGINE + "copies/making.py": "from ..media import near",
        ENGINE + "media/near.py": "from .. import ground", ENGINE + "ground.py": ""})
    assert floors.circles(house) == [] and floors.circles(floors.rooms(house)) == [[ENGINE + "copies", ENGINE + "media"]]


def test_who_imports_a_file_of_a_room_runs_what_opens_the_room(tmp_path: Path) -> None:
    house = built(tmp_path, {ENGINE + "room/__init__.py": "from .. import top", ENGINE + "room/one.py": "", ENGINE + "top.py": "from .room.one import X"})
    assert floors.circles(house) == [[ENGINE + "room/__init__.py", ENGINE + "top.py"]]


def test_a_word_for_the_type_checker_runs_nowhere(tmp_path: Path) -> None:
    high = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .low import X\n"
    house = built(tmp_path, {ENGINE + "low.py": "from .high import Y", ENGINE + "high.py": high})
    assert floors.circles(house) == [] and floors.floors(house) == {ENGINE + "high.py": 0, ENGINE + "low.py": 1}


@pytest.mark.parametrize(("of", "text"), [
    (ENGINE + "low.py", "from .._tasks import base"), (ENGINE + "low.py", "def f():\n    from ...plugin_utils._decisions.due import decide"),
    (ENGINE + "room/low.py", "from ..._tasks.base import Task"), (TASKS + "low.py", "from ...plugin_utils._decisions import due"),
    (CONTROLLER + "low.py", "from ..action.backup_plan import ActionModule"), (CONTROLLER + "low.py", "from ..module_utils._tasks import base"),
    ("modules/backup_low.py", "from ..plugin_utils._decisions import due"),
])
def test_an_arrow_that_runs_up_is_found(tmp_path: Path, of: str, text: str) -> None:
    ground = {TASKS + "base.py": "", CONTROLLER + "_decisions/due.py": ""}
    house = built(tmp_path, {**ground, "action/backup_plan.py": "from ..plugin_utils._decisions import due", of: text + "\n"})
    assert [arrow.of for arrow in floors.arrows_up(house)] == [of]


@pytest.mark.parametrize("text", ["from . import gone", "from .gone import X", "from .room.gone.deep import X"])
def test_an_import_of_what_is_not_there_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(LookupError, match="gone"):
        built(tmp_path, {ENGINE + "low.py": text + "\n", ENGINE + "room/one.py": ""})


def test_a_file_outside_all_storeys_is_told(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="strategy/new.py"):
        floors.arrows_up(built(tmp_path, {"strategy/new.py": "from ..plugin_utils._decisions import due", "plugin_utils/_decisions/due.py": ""}))


def test_the_picture_tells_circles_arrows_and_long_files(tmp_path: Path) -> None:
    high = "from .low import X\nfrom .._tasks import base"
    house = built(tmp_path / "plugins", {ENGINE + "low.py": "from .high import Y", ENGINE + "high.py": high, TASKS + "base.py": ""})
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "long.py").write_text("x = 1\n" * (floors.MOST_LINES + 1), "utf-8")
    told = "\n".join(floors.picture(house, floors.lengths(tmp_path)))
    assert "arrows up: 1\n  module_utils/_engine/high.py:2 imports module_utils/_tasks/base.py" in told
    assert "circles: 1\n  module_utils/_engine/high.py, module_utils/_engine/low.py" in told
    assert "files over 400 lines: 1; the longest:\n    401 tools/long.py" in told


if __name__ == "__main__":
    sys.exit(floors.main())
