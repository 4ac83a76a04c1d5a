# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fresh machine to its first encrypted copy of PostgreSQL, by the lines that the guide prints, typed one by one and timed; and the first rows of the month.

The machine is this one in a mount namespace of its own: all that is written lies in an overlay that goes with the test, and nothing of the product, of
Python's packages or of the developer's home is in it. Debian's packages are there already, so what apt-get fetches is not in the time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import note
from databases.conftest import needed

TOP = Path(__file__).resolve().parents[2]
MOST_LINES, MOST_SECONDS = 8, 300


class Machine:
    """A process in the overlay takes lines of a shell and tells how each ended."""

    def __init__(self, place: Path) -> None:
        for name in ("upper", "work", "root", "srv", "lib"):
            (place / name).mkdir()
        root = place / "root"
        inside = " && ".join((
            f"mount -t overlay overlay -o lowerdir=/,upperdir={place}/upper,workdir={place}/work {root}",
            f"mount --rbind /proc {root}/proc", f"mount --rbind /dev {root}/dev", f"mount -t tmpfs tmpfs {root}/tmp",
            *(f"rm -rf {root}{path}" for path in ("/etc/respaldo", "/etc/respaldo.conf", "/var/lib/postgresql", "/usr/local/bin/respaldo")),
            # what lasts is no overlay, as on no machine: the product takes one for a container, and refuses to keep there what must not be lost
            f"mkdir -p {root}/srv {root}/var/lib/respaldo", f"mount --bind {place}/srv {root}/srv", f"mount --bind {place}/lib {root}/var/lib/respaldo",
            f"mkdir -p {root}/var/lib/postgresql {root}/run/postgresql", f"chown postgres {root}/var/lib/postgresql {root}/run/postgresql",
            f"exec chroot {root} /usr/bin/env -i HOME=/nuevo LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
            f"{_for_pip()} bash --norc"))
        self.process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "bash", "-c", inside], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.type("mkdir -p /nuevo && cd /nuevo")

    def type(self, line: str, status: int = 0) -> str:
        """What it printed; it must end with this status."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{line}\necho \"===== $?\"\n")
        self.process.stdin.flush()
        printed = []
        for each in self.process.stdout:
            if each.startswith("===== "):
                assert int(each[6:]) == status, f"$ {line}\n{''.join(printed[-60:])}"
                return "".join(printed)
            printed.append(each)
        raise AssertionError(f"$ {line}\nthe shell ended\n{''.join(printed)}")

    def spent(self) -> float:
        """Processor seconds of all that was typed."""
        return sum(float(minutes) * 60 + float(seconds) for minutes, seconds in re.findall(r"(\d+)m([\d.]+)s", self.type("times").splitlines()[-1]))

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)


def _for_pip() -> str:
    """Where pip of this machine finds its packages, if not where it does by itself."""
    told = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower() in ("http_proxy", "https_proxy", "no_proxy")}
    return " ".join(f"{name}={subprocess.list2cmdline([value])}" for name, value in told.items())


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    place = tmp_path_factory.mktemp("nueva")
    found = Machine(place)
    try:
        yield found
    finally:
        found.type("su postgres -s /bin/sh -c 'kill -INT $(head -1 /var/lib/postgresql/data/postmaster.pid)' 2>/dev/null; true")
        found.end()
        shutil.rmtree(place, ignore_errors=True)


def lines_of_the_guide() -> list[str]:
    """Those of «De una máquina vacía a la primera copia cifrada»."""
    text = (TOP / "docs/guia-operador.md").read_text("utf-8").partition("### De una máquina vacía a la primera copia cifrada")[2]
    return text.partition("```sh\n")[2].partition("\n```")[0].splitlines()


def test_fresh_machine_to_the_first_encrypted_copy(machine: Machine) -> None:
    """a fresh machine to the first encrypted PostgreSQL copy"""
    tools = os.path.dirname(needed("PostgreSQL's server", "postgresql", "/usr/lib/postgresql/*/bin/initdb"))
    machine.type(f"su postgres -s /bin/sh -c '{tools}/initdb -D /var/lib/postgresql/data --encoding=UTF8 --locale=C.UTF-8 --no-sync && "
                 f"{tools}/pg_ctl -D /var/lib/postgresql/data -o \"-c listen_addresses= -k /run/postgresql\" -l /dev/null -w start' >/dev/null")
    machine.type("su postgres -s /bin/sh -c 'createdb siga && psql -q siga -c \"create table expediente as select generate_series(1, 200000) n\"'")
    lines = lines_of_the_guide()
    assert 4 < len(lines) <= MOST_LINES, lines
    began, before, told, spent = time.monotonic(), machine.spent(), "", []
    for line in lines:
        at = time.monotonic()
        if line.startswith("apt-get"):
            line = "command -v git make"         # they are here; what a mirror takes is not ours to measure
        told = machine.type(line.replace("REPOSITORIO", f"file://{TOP}"))
        spent.append(f"{time.monotonic() - at:.0f}")
    seconds, processor = time.monotonic() - began, machine.spent() - before
    copy = re.search(r"SIGA_\d{8}\s+Generada", told)
    assert copy and re.search(r"SIGA_\d{8}\s+Verificada", told) and "T3" in told and "La cadena está íntegra" in told, told
    machine.type("ls /srv/respaldos/database/SIGA/SIGA_*/*.siga.dump.zst.gpg")
    note(f"first encrypted copy: {len(lines)} lines typed, {seconds:.0f} s (each: {', '.join(spent)}), {processor:.0f} s of a processor")
    # five minutes by the clock is the aim, on a machine with nothing else to do; here others may have it, so that the processor's are judged
    assert processor < MOST_SECONDS


def test_make_backup(machine: Machine) -> None:
    """`make backup`, fresh clone"""
    told = machine.type("make -C /srv/respaldo backup")
    assert re.search(r"respaldo_\d{8}\s+Generada", told), told[-3000:]


def test_make_backup_with_a_reason(machine: Machine) -> None:
    """`make backup REASON=`"""
    told = machine.type("make -C /srv/respaldo backup REASON='aviso de ransomware'")
    assert "aviso de ransomware" in told and len(told.splitlines()) < 400, len(told.splitlines())


def test_inventory_of_the_readme(machine: Machine) -> None:
    """README inventory, first PostgreSQL copy"""
    readme = (TOP / "README.md").read_text("utf-8")
    text = readme.partition("## An inventory")[2].partition("```yaml\n")[2].partition("\n```")[0]
    machine.type("git init --quiet --bare /srv/portal.git && git clone --quiet /srv/portal.git /nuevo/p 2>/dev/null && cd /nuevo/p && "
                 "git -c user.name=d -c user.email=d@example.org commit --quiet --allow-empty -m uno && git push --quiet && cd /nuevo")
    # who begins by the README has no copy of a SIGA by another inventory yet
    machine.type("rm -rf /srv/respaldos/* /var/lib/respaldo/*")
    # names of others' servers become this machine; nothing else is changed
    text = text.replace("bd1.example.gob.pe:", "localhost:\n      ansible_connection: local")
    text = text.replace("https://git.example.gob.pe/portal.git", "file:///srv/portal.git")
    machine.type(f"cat >/nuevo/hosts.yml <<'FIN'\n{text}\nFIN")
    line = re.search(r"`(ansible-playbook playbooks/site\.yml -i INVENTORY[^`]*)`", readme)
    assert line
    typed = line[1].replace("INVENTORY", "/nuevo/hosts.yml").replace("PASSWORD", "/etc/respaldo/vault.pass")
    machine.type(f"cd /srv/respaldo && PATH=$PWD/.venv/bin:$PATH {typed}")
    machine.type("ls /srv/respaldos/database/SIGA/SIGA_*/*.siga.dump.zst.gpg /srv/respaldos/source_code/PORTAL/PORTAL_*/*.gpg")
