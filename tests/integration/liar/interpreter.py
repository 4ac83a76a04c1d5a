# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python of a server that was taken: runs the true module, keeps all it was given, and changes the answer.

In the directory of its first argument: `orders.json` says which lie is told by which module for which system; `heard` keeps what came in.
Where the orders say by which word (`remembered_by`), a truth once told is kept, and only lied about again: a thousand lies need ten truths.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import lies

_MODULE = re.compile(rb"ansible_collections\.perucompras\.respaldo\.plugins\.modules\.(\w+)")


def main() -> int:
    room, arguments = Path(sys.argv[1]), sys.argv[2:]
    given = b"" if arguments and not arguments[0].startswith("-") else sys.stdin.buffer.read()
    with (room / "heard").open("ab") as file:
        file.write(given + b"\n")
    match = _MODULE.search(given)
    module = match.group(1).decode() if match else ""
    orders = json.loads((room / "orders.json").read_text("utf-8"))
    name = choose(orders, module, given)
    word = orders.get("remembered_by") and re.search(orders["remembered_by"].encode(), given)
    kept = room / "truth-{0}-{1}".format(module, word.group(0).decode().replace("/", "-")) if name and word else None
    if kept is not None and kept.exists():
        truth, status = kept.read_bytes(), 0
    else:
        done = subprocess.run([sys.executable, *arguments], input=given, stdout=subprocess.PIPE, check=False)
        truth, status = done.stdout, done.returncode
        if kept is not None:
            kept.write_bytes(truth)
    start = truth.find(b"{")
    if not name or start < 0:
        sys.stdout.buffer.write(truth)
        return status
    answer, other = json.loads(truth[start:]), lies.Other(**orders["other"])
    if isinstance(answer.get("answers"), list) and name != "at_random":
        # about each of several copies the lie of its own system
        answer["answers"] = [each_said(room, orders, module, each, other) for each in answer["answers"]]
        sys.stdout.buffer.write(json.dumps(answer).encode())
    else:
        sys.stdout.buffer.write(lies.said(name, answer, other, number_of(room, orders, module, name)))
    return 0


def each_said(room: Path, orders: dict, module: str, answer: dict, other: lies.Other) -> object:
    label = str((answer.get("backup") or {}).get("label"))
    name = choose(orders, module, label.encode())
    if not name:
        return answer
    said = lies.said(name, answer, other, number_of(room, orders, module, name))
    try:
        return json.loads(said)
    except ValueError:
        return said.decode(errors="replace")[:100_000]


def number_of(room: Path, orders: dict, module: str, name: str) -> int:
    """Keeps that this lie is told, and gives its seed."""
    with (room / "told").open("a+", encoding="utf-8") as file:
        file.write(json.dumps([module, name]) + "\n")
        file.seek(0)
        number = len(file.readlines())
    return int(orders.get("seed", 0)) * 100_003 + number


def choose(orders: dict, module: str, given: bytes) -> str:
    """The lie for a module's answer: of the first row whose module and word (a system's name, as it stands in what was given) fit."""
    for row in orders["rows"]:
        if re.fullmatch(row["module"], module) and re.search(row.get("word", "").encode(), given):
            return str(row["lie"])
    return ""


if __name__ == "__main__":
    sys.exit(main())
