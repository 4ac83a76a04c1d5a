# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`scripts/respaldo` with an inventory of its own, from another directory: a copy made, shown and brought back; a failure with its remedy; Ctrl-C."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).resolve().parents[3]
SYSTEM = "Mesa de Partes"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A database of a row, an inventory with it and a slow source, a configuration that names both."""
    tmp_path.chmod(0o755)
    with sqlite3.connect(tmp_path / "mesa.sqlite") as database:
        database.execute("create table expediente (numero text)")
        database.execute("insert into expediente values ('2026-0117')")
    database.close()
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 600\n")
    slow.chmod(0o755)
    common = {"kind": "database", "criticality": "baja", "office": "Secretaría General"}
    host = {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
        "backup_media": [{"name": "local", "type": "local", "path": str(tmp_path / "copias"), "create": True}],
        "backup_custody_directory": str(tmp_path / "custody"),
        "backup_systems": [
            {**common, "name": SYSTEM, "source": {"type": "sqlite", "path": str(tmp_path / "mesa.sqlite")}},
            {**common, "name": "LENTO", "source": {"type": "command", "dump": [str(slow)], "verify": ["/bin/true"], "restore": ["/bin/true"]}},
        ],
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"bd1": host}}}), "utf-8")
    (tmp_path / "respaldo.conf").write_text(f"[respaldo]\ninventario = {tmp_path}/hosts.yml\nbitacora = {tmp_path}/bitacora.sqlite\n"
                                            f"registros = {tmp_path}/registros\n", "utf-8")
    for name in ("hosts.yml", "respaldo.conf"):
        (tmp_path / name).chmod(0o644)
    return tmp_path


def command(place: Path, *words: str) -> tuple[list[str], dict[str, object]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RESPALDO_"))}
    return [str(TOP / "scripts/respaldo"), *words], {
        "cwd": place, "env": {**environment, "HOME": str(place), "RESPALDO_CONF": str(place / "respaldo.conf"), "LC_ALL": "C.UTF-8"}, "text": True}


def respaldo(place: Path, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    arguments, how = command(place, *words)
    answer = subprocess.run(arguments, capture_output=True, stdin=subprocess.DEVNULL, check=False, **how)     # type: ignore[call-overload]
    assert answer.returncode == status, answer.stdout + answer.stderr
    return answer


def test_a_copy_is_made_shown_and_brought_back(place: Path) -> None:
    made = respaldo(place, "copiar", SYSTEM)
    told = re.search(r"^Copiado  (\S+_20\d{6})  \S+ \S+  T\d  local  \d+ s$", made.stdout, re.MULTILINE)
    assert told and len(made.stdout.splitlines()) <= 10, made.stdout
    label = told[1]
    assert f'"backup_only": ["{SYSTEM}"]' in made.stderr and "Equivale a: ansible-playbook -i" in made.stderr
    log, = (place / "registros").iterdir()
    assert log.stat().st_mode & 0o777 == 0o600 and "PLAY RECAP" in log.read_text("utf-8") and str(log) in made.stderr
    # a usual night asks no package manager: the tools are there
    assert re.search(r"TASK \[perucompras.respaldo.common : Install the packages that bring them\] \**\nskipping: \[bd1\]", log.read_text("utf-8"))
    shown = respaldo(place, "bitacora", "--sistema", SYSTEM, "--json", str(place / "tabla.json")).stdout
    told = json.loads((place / "tabla.json").read_text("utf-8"))
    assert (told["version"], told["verb"]) == (1, "bitacora") and (place / "tabla.json").stat().st_mode & 0o022 == 0
    types = [row["type"] for row in told["rows"] if row.get("label") == label]
    assert types[0] == "copy_started" and "copy_made" in types, types
    assert label in shown and "La cadena está íntegra" in shown and "TASK [" not in shown

    back = respaldo(place, "restaurar", "Mesa de Partes", "--destino", str(place / "vuelta.sqlite"), "--ticket", "2026-0117", status=2)
    assert "RSP763" in back.stdout and re.search(r"^    No se tocó nada\.", back.stdout, re.MULTILINE), back.stdout
    back = respaldo(place, "restaurar", "Mesa de Partes", "--destino", str(place / "vuelta.sqlite"))
    assert re.search(rf"^Restaurado  {label}", back.stdout, re.MULTILINE), back.stdout
    with sqlite3.connect(place / "vuelta.sqlite") as database:
        assert database.execute("select numero from expediente").fetchall() == [("2026-0117",)]
    database.close()
    wrong = respaldo(place, "restaurar", "Mesa de Parte", "--destino", "/x", status=64)
    assert "¿Quiso decir «Mesa de Partes»? Un nombre con espacios va entre comillas. Sistemas: LENTO, Mesa de Partes." in wrong.stderr
    completed = respaldo(place, "--completar", "restaurar", "m").stdout
    assert SYSTEM in completed or os.geteuid() == 0      # root keeps the names in /var/lib/respaldo, which is not the test's to read


def on_a_terminal(columns: int, arguments: list[str], how: dict[str, object], **more: str) -> tuple[int, str]:
    """A command on a terminal of so many columns: its status, and all that it shows."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(arguments, stdin=theirs, stdout=theirs, stderr=theirs, **{**how, "env": {**how["env"], **more}})     # type: ignore[call-overload,dict-item]
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    return process.wait(), shown.decode("utf-8").replace("\r\n", "\n")


def test_at_eighty_columns_each_thing_is_told_once_and_between_words(place: Path) -> None:
    """A medium that was exchanged for an empty one, by the verb and by its playbook: no line wider than the terminal, no escape, no failure twice."""
    respaldo(place, "copiar", SYSTEM)
    shutil.rmtree(place / "copias")
    (place / "copias").mkdir()
    arguments, how = command(place, "conciliar")
    status, shown = on_a_terminal(80, arguments, how, NO_COLOR="1", TERM="xterm-256color", LC_ALL="C")
    lines = shown.splitlines()
    assert status == 2 and "\x1b" not in shown, shown
    assert [line for line in lines if len(line) > 80 and len(line.split()) > 1] == []
    assert shown.count("pero allí") == 1 and "Falló   bd1  RSP409: La bitácora conoce copias" in shown and "''" not in shown, shown
    # its own table in Ansible's output, which is Ansible's but for that
    playbook = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", str(TOP / "playbooks/compliance.yml")]
    status, shown = on_a_terminal(80, playbook, how, TERM="dumb", ANSIBLE_CONFIG=str(TOP / "ansible.cfg"), RESPALDO_BITACORA=str(place / "bitacora.sqlite"),
                                  ANSIBLE_COLLECTIONS_PATH=str(TOP / "collections"))
    assert status == 0 and "\x1b" not in shown, shown
    table = shown.partition("Sistema ")[2].partition("ok: [localhost]")[0].splitlines()
    assert len(table) > 10 and max(map(len, table)) <= 80, shown


def test_ctrl_c_reaches_the_run_and_the_bitacora_tells_it(place: Path) -> None:
    arguments, how = command(place, "copiar", "LENTO")
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, **how)     # type: ignore[call-overload]
    try:
        limit = time.monotonic() + 120
        while not _sleeps(place):
            assert process.poll() is None and time.monotonic() < limit, process.stdout.read() if process.stdout else ""
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 99, output
    assert not _sleeps(place), "the source's program went on"
    with sqlite3.connect(place / "bitacora.sqlite") as database:
        types = [row[0] for row in database.execute("select type from entries order by n")]
    database.close()
    assert types[-2:] == ["run_interrupted", "seal"] and "copy_made" not in types, types


def _sleeps(place: Path) -> bool:
    """Whether the source's program of this test runs."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes() == f"/bin/sh\0{place}/slow\0".encode():
                return True
    return False
