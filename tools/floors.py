# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house as its imports draw it: rooms, floors, arrows that run up, circles of imports, the longest files.

A file stands on the floor above the highest of what it imports; one that imports nothing of ours stands on the ground, floor 0. An import counts
wherever it stands, at the top of a file or within a function; one below `if TYPE_CHECKING:` is a word for the type checker and runs nowhere.
`tests/house/test_floors.py` holds the house to it; by hand: `python tools/floors.py`.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parent.parent
OURS = "ansible_collections.perucompras.respaldo.plugins"
MOST_LINES = 400
# where a file of Python may lie that the limit of lines holds for
MEASURED = ("plugins", "callback_plugins", "tools", "benchmarks")

# The storeys, from the ground up, by the path below plugins/: what stands on one may import from it and from those below.
STOREYS = (
    ("engine", ("module_utils/_engine",)),
    ("options and tasks", ("module_utils",)),
    ("controller", ("plugin_utils",)),
    ("plugins", ("action", "callback", "doc_fragments", "filter", "lookup", "modules")),
)
# What two storeys may not do to each other though one lies above: a server's module has nothing of the controller.
SEPARATE = {("modules", "plugin_utils"), ("modules", "action"), ("modules", "callback"), ("plugin_utils", "_tasks")}


class Arrow(NamedTuple):
    """One import: the file that has it, the file it names, its line."""

    of: str
    to: str
    line: int


class House(NamedTuple):
    """Every file below plugins/, as its path from there, and every import between them."""

    files: list[str]
    arrows: list[Arrow]


def read(plugins: Path) -> House:
    """The house below a directory `plugins`. Raises LookupError for an import of ours that names no file."""
    files = sorted(path.relative_to(plugins).as_posix() for path in plugins.rglob("*.py"))
    known = set(files)
    arrows = [Arrow(file, to, line) for file in files for to, line in sorted(_imported(plugins, file, known)) if to != file]
    return House(files, arrows)


def _imported(plugins: Path, file: str, known: set[str]) -> set[tuple[str, int]]:
    found = set()
    for node in _run(ast.parse((plugins / file).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = _base(file, node)
            names = [] if base is None else [(*base, alias.name) for alias in node.names]
        else:
            names = [name for name in (_ours(alias.name) for alias in node.names) if name is not None]
        for name in names:
            found |= {(to, node.lineno) for to in _files(name, file, known)}
    return found


def _run(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that are run, anywhere in a file."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif (isinstance(node, ast.If) and isinstance(node.test, (ast.Name, ast.Attribute))
              and ast.unparse(node.test) in ("TYPE_CHECKING", "t.TYPE_CHECKING", "typing.TYPE_CHECKING")):
            for other in node.orelse:
                yield from _run(ast.Module([other], []))
        elif not isinstance(node, ast.expr):      # no expression holds a statement
            yield from _run(node)


def _ours(name: str) -> tuple[str, ...] | None:
    """A full name as its parts below plugins/; None for what is not ours."""
    return tuple(name[len(OURS) + 1:].split(".")) if name.startswith(OURS + ".") else () if name == OURS else None


def _base(file: str, node: ast.ImportFrom) -> tuple[str, ...] | None:
    """What the names of `from ... import` are names in, as its parts below plugins/; None for what is not ours."""
    if not node.level:
        return _ours(node.module or "")
    package = Path(file).parent.parts
    return (*package[:len(package) - node.level + 1], *(node.module.split(".") if node.module else ()))


def _files(name: tuple[str, ...], file: str, known: set[str]) -> set[str]:
    """The files that are run when a name is imported: itself, or what it is a name in, and the `__init__.py` of each package that is entered by it."""
    for parts in (name, name[:-1]):
        path = "/".join(parts)
        end = next((each for each in (path + ".py", path + "/__init__.py") if each in known), None)
        if end:
            above = ["/".join(parts[:count]) for count in range(1, len(parts))]
            # one who is in a package already has it run
            return {end} | {each + "/__init__.py" for each in above if each + "/__init__.py" in known and not file.startswith(each + "/")}
    raise LookupError("{0} imports {1}, which is not there".format(file, ".".join(name)))


def circles(house: House) -> list[list[str]]:
    """The files that reach themselves by imports, those of one knot together."""
    below = _below(house)
    reach = {file: _reached(file, below) for file in house.files}
    knots: list[list[str]] = []
    for file in house.files:
        if file in reach[file] and not any(file in knot for knot in knots):
            knots.append([file] + [other for other in house.files if other != file and other in reach[file] and file in reach[other]])
    return knots


def _below(house: House) -> dict[str, set[str]]:
    below: dict[str, set[str]] = {file: set() for file in house.files}
    for arrow in house.arrows:
        below[arrow.of].add(arrow.to)
    return below


def _reached(file: str, below: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    pending = list(below[file])
    while pending:
        each = pending.pop()
        if each not in found:
            found.add(each)
            pending += below[each]
    return found


def floors(house: House) -> dict[str, int]:
    """file -> its floor; the files of a circle stand on one floor."""
    below, knot = _below(house), {file: tuple(each) for each in circles(house) for file in each}
    found: dict[str, int] = {}

    def floor(file: str) -> int:
        if file not in found:
            one = knot.get(file, (file,))
            level = 1 + max((floor(to) for member in one for to in below[member] if to not in one), default=-1)
            found.update(dict.fromkeys(one, level))
        return found[file]

    return {file: floor(file) for file in house.files}


def storey(file: str) -> int:
    """The storey a file stands on, from 0. Raises LookupError for one that stands on none."""
    for number, (_name, places) in enumerate(STOREYS):
        if any(file.startswith(place + "/") for place in places):
            return number
    raise LookupError(file + " stands in no storey: give it one in STOREYS")


def arrows_up(house: House) -> list[Arrow]:
    """The imports that run up from one storey to a higher one, and those between rooms that have nothing to do with each other."""
    return [arrow for arrow in house.arrows if storey(arrow.of) < storey(arrow.to)
            or any("/{0}/".format(one) in "/" + arrow.of and "/{0}/".format(other) in "/" + arrow.to for one, other in SEPARATE)]


def rooms(house: House) -> House:
    """The house by its rooms: a room is a directory of a storey, a file that lies in none is a room of one."""
    return House(sorted({room(file) for file in house.files}), [
        Arrow(room(arrow.of), room(arrow.to), arrow.line) for arrow in house.arrows if room(arrow.of) != room(arrow.to)])


def room(file: str) -> str:
    """The room of a file, as the path of its directory, or as the file's own where it stands in no room."""
    place = next(place for place in STOREYS[storey(file)][1] if file.startswith(place + "/"))
    return "/".join(Path(file).parts[:len(Path(place).parts) + 1])


def lengths(top: Path) -> dict[str, int]:
    """file -> lines of each program in Python that we wrote, a link to one not counted again. One without `.py` is known by its first line."""
    found = {}
    for path in sorted(path for room in MEASURED for path in (top / room).rglob("*") if path.is_file() and not path.is_symlink()):
        text = path.read_bytes() if path.suffix in (".py", "") else b""
        if path.suffix == ".py" or text.startswith(b"#!") and b"python" in text.partition(b"\n")[0]:
            found[path.relative_to(top).as_posix()] = text.count(b"\n") + (not text.endswith(b"\n") if text else 0)
    return found


def picture(house: House, lines: Mapping[str, int]) -> Iterator[str]:
    """The house in words."""
    on, engine = floors(house), STOREYS[0][1][0] + "/"
    for name, places in STOREYS:
        for place in places:
            own = [file for file in house.files if file.startswith(place + "/") and (place == engine[:-1] or not file.startswith(engine))]
            if own:
                yield "{0:17} {1:20} {2:3} files, floors {3} to {4}".format(name, place, len(own), min(on[file] for file in own), max(on[file] for file in own))
    yield ""
    yield from _engine(house)
    yield ""
    up, knots = arrows_up(house), circles(house)
    yield "arrows up: {0}".format(len(up))
    yield from ("  {0}:{1} imports {2}".format(arrow.of, arrow.line, arrow.to) for arrow in up)
    yield "circles: {0}".format(len(knots))
    yield from ("  " + ", ".join(knot) for knot in knots)
    between = circles(rooms(house))
    yield "circles of rooms: {0}".format(len(between))
    yield from ("  " + ", ".join(knot) for knot in between)
    long = sorted(((count, file) for file, count in lines.items()), reverse=True)
    yield "files over {0} lines: {1}; the longest:".format(MOST_LINES, sum(count > MOST_LINES for count, _file in long))
    yield from ("  {0:5} {1}".format(count, file) for count, file in long[:12])


def _engine(house: House) -> Iterable[str]:
    """The rooms of the engine, by how high each stands over the others: what is on the ground uses none of them."""
    by_room, engine = rooms(house), STOREYS[0][1][0] + "/"
    on = {name[len(engine):]: number for name, number in floors(by_room).items() if name.startswith(engine) and not name.endswith("__init__.py")}
    yield "the rooms of the engine, from the highest down:"
    for number in sorted(set(on.values()), reverse=True):
        yield "  {0:2}  {1}".format(number, "  ".join(sorted(name for name, floor in on.items() if floor == number)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("top", nargs="?", type=Path, default=TOP, help="a checkout; this one when left out")
    top = parser.parse_args().top
    print("\n".join(picture(read(top / "plugins"), lengths(top))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
