# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of folders by a real play on this machine: growth, check mode, and a folder that is not itself."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]


def report(directory, folders, *arguments):
    play = directory / "play.yml"
    play.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [
        {"perucompras.respaldo.shared_folder_info": {"folders": folders, "longest": 2, "show": True}}]}]), "utf-8")
    return subprocess.run(
        ["ansible-playbook", str(play), *arguments], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "RESPALDO_BITACORA": str(directory / "bitacora.sqlite"), "RESPALDO_BITACORA_JOURNAL": str(directory / "journal")})


def entries(directory, *types):
    connection = sqlite3.connect("file:{0}?mode=ro".format(directory / "bitacora.sqlite"), uri=True)
    try:
        rows = connection.execute("SELECT type, body FROM entries ORDER BY n").fetchall()
    finally:
        connection.close()
    return [dict(json.loads(body), type=kind) for kind, body in rows if kind in types]


def test_shared_folder_info(tmp_path):
    places = [tmp_path / "datos" / name for name in ("logística", "jurídica")]
    for place in places:
        place.mkdir(parents=True)
        (place / "acta.pdf").write_bytes(b"x" * 2048)
    folders = [{"name": place.name, "path": str(place), "office": "Oficina " + place.name, "group": "of-x"} for place in places]
    # a place for temporary files is no place for an office's data
    refused = report(tmp_path, folders)
    assert refused.returncode == 2 and "is a place of the system" in refused.stdout
    data = Path("/srv/respaldo-test-{0}".format(os.getpid()))
    data.symlink_to(tmp_path / "datos")
    try:
        for folder, place in zip(folders, places, strict=True):
            folder["path"] = str(data / place.name)
        first = report(tmp_path, folders)
        assert first.returncode == 0 and first.stdout.count("primer informe") == 2, first.stdout
        (places[0] / "más.mp3").write_bytes(b"x" * 1024)
        assert "+1,0 KiB" in report(tmp_path, folders, "--check").stdout
        places[1].rename(places[1].with_name("otra"))
        places[1].symlink_to("/etc")
        second = report(tmp_path, folders)
        assert second.returncode == 2 and "RSP110" in second.stdout and "+1,0 KiB y +1 archivos" in second.stdout
    finally:
        data.unlink()
    told = [(row["type"], row["system"], row.get("size"), row.get("previous_size"), row.get("error_code"), row.get("simulated", False))
            for row in entries(tmp_path, "folder_reported", "path_refused")]
    assert told == [
        ("folder_reported", "logística", 2048, None, None, False), ("folder_reported", "jurídica", 2048, None, None, False),
        ("folder_reported", "logística", 3072, 2048, None, True), ("folder_reported", "jurídica", 2048, 2048, None, True),
        ("folder_reported", "logística", 3072, 2048, None, False), ("path_refused", "jurídica", None, None, "RSP110", False)]
    assert entries(tmp_path, "folder_reported")[-1]["note_es"].endswith("1 mp3 (1,0 KiB)")
