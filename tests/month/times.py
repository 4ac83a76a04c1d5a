# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the newcomer's plays cost in this tree and in another one, in turn, on the same servers: ten copies, nothing due, the plan, a transfer.

    python tests/month/times.py TREE [ROUNDS]

TREE is a worktree of the other commit. Each round begins with a new institution of the nine systems. Prints a table, medians of the rounds.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / each) for each in ("collections", "tests/integration", "tests/month")]

from databases.conftest import Maria, Postgres, running  # noqa: E402
from institution import Institution, quoted  # noqa: E402

PLAYS = {"site.yml, ten copies": "site", "site.yml, nothing due": "site", "plan.yml": "plan", "transfer.yml, the ten copies": "transfer"}


def prepared(place: Path, postgres: Postgres, maria: Maria, tree: Path) -> Institution:
    """An inventory as `respaldo nuevo` writes it, by the policy of the tree, with a repository."""
    place.mkdir()
    month = Institution(place, postgres, maria)
    month.typed(quoted(
        "respaldo", "nuevo", "--sin-preguntas", "--institucion", "Municipalidad", "--jefe", "Rosa Huamán Ccori", "--directorio", str(month.inventory),
        "--archivo-de-vault", str(place / "vault.pass"), "--medio", str(month.media), "--estado", str(month.state), "--conf", str(place / "x.conf"),
        *month.systems()), RESPALDO_CONF="")
    month.replaced("hosts.yml", "        ansible_user: root\n",
                   "        ansible_connection: local\n        ansible_python_interpreter: \"{{ ansible_playbook_python }}\"\n")
    month.replaced("group_vars/all/personas.yml", f"{month.inventory}/policy.yml", f"{tree}/policies/manual-001-2019.yml")
    month.replaced("group_vars/all/medios.yml", "    create: true\n",
                   f"    create: true\n  - name: segundo\n    type: local\n    path: {place}/segundo\n    create: true\n    default: false\n"
                   "backup_repository: segundo\n")
    return month


def measured(month: Institution, tree: Path, play: str) -> tuple[float, float, int]:
    """Processor seconds, wall seconds and lines of a play."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    told = month.typed(f"ansible-playbook playbooks/{play}.yml INV LLAVE", where=tree)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - began, len(told.out.splitlines())


def emptied(postgres: Postgres, maria: Maria) -> None:
    """The servers as they were before an institution had its data there."""
    for base in ("siga", "catalogos", "auditoria"):
        postgres.sql(f"DROP DATABASE IF EXISTS {base}")
    postgres.sql("DROP ROLE IF EXISTS respaldo")
    maria.sql("DROP DATABASE IF EXISTS tramite; DROP USER IF EXISTS respaldo@'127.0.0.1'")


def main(other: Path, rounds: int) -> None:
    trees = {"before": other, "now": TOP}
    found: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
    with tempfile.TemporaryDirectory(prefix="month-times-") as place:
        os.chmod(place, 0o755)
        for postgres in running(Postgres, "postgres", "postgresql"):
            for maria in running(Maria, "mysql", "mariadb-server"):
                for number in range(rounds):
                    for name, tree in trees.items():
                        emptied(postgres, maria)
                        month = prepared(Path(place, f"{name}{number}"), postgres, maria, tree)
                        month.at(0, "20:00")
                        for title, play in PLAYS.items():
                            found.setdefault((title, name), []).append(measured(month, tree, play))
                            print(name, title, found[title, name][-1], file=sys.stderr, flush=True)
                        month.end()
    print(f"| of {rounds} | CPU s before | CPU s now | wall s before | wall s now | lines before | lines now |", "| --- " + "| ---: " * 6 + "|", sep="\n")
    for title in PLAYS:
        cells = [statistics.median(row[place] for row in found[title, name]) for place in range(3) for name in trees]
        print(f"| {title} | {cells[0]:.1f} | {cells[1]:.1f} | {cells[2]:.1f} | {cells[3]:.1f} | {cells[4]:.0f} | {cells[5]:.0f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
