#!/usr/bin/env python3
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads one file to one sink by each client in turn, several rounds, and prints medians as a table. See README.md."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "database"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import measuring
from servers import PostgreSQL

HERE = Path(__file__).resolve().parent


def certificates(directory: Path) -> None:
    run = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
    subprocess.run([*run, "-subj", "/CN=Benchmark authority", "-keyout", directory / "ca.key", "-out", directory / "ca.pem"],
                   check=True, stderr=subprocess.DEVNULL)
    subprocess.run([*run, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,DNS:*.blob.localhost", "-addext",
                    "basicConstraints=critical,CA:FALSE", "-CA", directory / "ca.pem", "-CAkey", directory / "ca.key", "-keyout",
                    directory / "server.key", "-out", directory / "server.pem"], check=True, stderr=subprocess.DEVNULL)


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and the peak memory in MiB of a command with all its children."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _pid, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    errors = process.stderr.read().decode() if process.stderr else ""
    if status:
        raise SystemExit(f"{command[0]} ended with {status}: {errors[-2000:]}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def clients(url: str, directory: Path, file: Path, azcopy: str) -> dict[str, tuple[list[str], dict[str, str]]]:
    ca = str(directory / "ca.pem")
    plain = {"PATH": os.environ["PATH"], "HOME": str(directory), "LC_ALL": "C.UTF-8"}
    python = sys.executable
    found = {
        "ours": ([python, str(HERE / "ours.py"), url, "copias", ca, str(file)], plain),
        "SDK, 8 MiB x 4, no checksums": ([python, str(HERE / "sdk.py"), url, "copias", ca, str(file), "8", "4", "no"], plain),
        "SDK, 8 MiB x 4, MD5 per block": ([python, str(HERE / "sdk.py"), url, "copias", ca, str(file), "8", "4", "yes"], plain),
        "SDK, 4 MiB x 1 (what azure_rm_storageblob asks of it)": ([python, str(HERE / "sdk.py"), url, "copias", ca, str(file), "4", "1", "no"], plain),
    }
    if azcopy:
        tool = {**plain, "SSL_CERT_FILE": ca, "AZCOPY_LOG_LOCATION": str(directory), "AZCOPY_JOB_PLAN_LOCATION": str(directory),
                "AZCOPY_DISABLE_SYSLOG": "true"}
        common = [azcopy, "copy", str(file), url + "/copias/file?sp=rcwl&sig=x", "--block-size-mb", "8", "--skip-version-check", "--output-level", "essential",
                  "--from-to", "LocalBlob", "--check-length=false"]
        found["azcopy"] = (common, tool)
        found["azcopy --put-md5"] = ([*common, "--put-md5"], tool)
    rclone = shutil.which("rclone")
    if rclone:
        found["rclone"] = ([rclone, "--config", "/dev/null", "--ca-cert", ca, "--azureblob-chunk-size", "8M",
                            "--azureblob-upload-concurrency", "4", "copyto", str(file),
                            f":azureblob,sas_url='{url}/copias?sp=rcwl&sig=x':copias/file"], plain)
    return found


def main() -> None:
    options = measuring.parser(__doc__, results=False, beside=False)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--mib", type=int, default=1024)
    options.add_argument("--azcopy", default="", metavar="PROGRAM", help="left out without it")
    options.add_argument("--database", type=int, default=1024, metavar="MIB", help="of data in the PostgreSQL database that is copied")
    given = measuring.parse(options, rounds=2, mib=2, database=2)
    missing = [name for name, here in (("azcopy: --azcopy names it", given.azcopy), ("rclone: not here", shutil.which("rclone"))) if not here]
    print(measuring.machine() + "load average before {0}\n{1}".format(measuring.load(), measuring.left_out(missing)))
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o711)      # PostgreSQL's account must get through
        certificates(directory)
        file = directory / "file"
        with file.open("wb") as output:
            for _each in range(given.mib):
                output.write(os.urandom(1 << 20))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        sink = subprocess.Popen([sys.executable, str(HERE / "sink.py"), str(port), str(directory / "server.pem"), str(directory / "server.key")],
                                stdout=subprocess.PIPE)
        try:
            assert sink.stdout is not None
            sink.stdout.readline()
            url = f"https://localhost:{port}"
            measure(clients(url, directory, file, given.azcopy), given.rounds, given.mib, url, directory)
            pipelines(url, directory, given.rounds, given.mib, given.database)
        finally:
            sink.kill()
            sink.wait()


def pipelines(url: str, directory: Path, rounds: int, mib: int, database: int) -> None:
    """Whole copies, compressed, encrypted and read back, to this disk and to the sink: of a real database, and of a dump that comes at once."""
    if database:
        server = PostgreSQL(directory / "postgresql", database << 20)
        try:
            compare(f"a PostgreSQL database of {server.size >> 20} MiB", "postgresql", server.source(), url, directory, rounds)
        finally:
            server.stop()
            shutil.rmtree(directory / "postgresql")
    dump = directory / "dump"
    with dump.open("wb") as output:
        for number in range(mib):
            output.write(os.urandom(1 << 18) + (b"expediente %09d;" % number) * ((3 << 18) // 21))
    source = {"dump": ["/bin/cat", str(dump)], "verify": ["/bin/grep", "-a", "-c", "expediente"], "restore": ["/bin/false"]}
    compare(f"a dump of {mib} MiB, as fast as cat gives it", "command", source, url, directory, rounds)


def compare(what: str, kind: str, source: dict[str, Any], url: str, directory: Path, rounds: int) -> None:
    rows: dict[str, list[tuple[float, float, float]]] = {"disk": [], "cloud": []}
    plain = {"PATH": os.environ["PATH"], "HOME": str(directory), "LC_ALL": "C.UTF-8"}
    for number in range(rounds):
        for name in rows if number % 2 == 0 else reversed(rows):
            before = told(url, directory)[0]
            wall, cpu, _memory = measured([sys.executable, str(HERE / "pipeline.py"), name, url, str(directory / "ca.pem"), kind, json.dumps(source),
                                           str(directory / f"copies{number}")], plain)
            rows[name].append((wall, cpu, told(url, directory)[0] - before))
            shutil.rmtree(directory / f"copies{number}", ignore_errors=True)
    pairs = list(zip(rows["cloud"], rows["disk"]))
    print(f"\nThe whole copy of {what}, zstd, OpenPGP, read back (T2), {rounds} pairs:\n")
    print("| to | wall s | CPU s | the sink's CPU s, on the same processors |")
    print("|---|---|---|---|")
    for name, taken in rows.items():
        print("| {0} | {1:.1f} | {2:.1f} | {3:.1f} |".format(name, *(statistics.median(column) for column in zip(*taken))))
    for place, which in enumerate(("wall", "CPU")):
        ratios = sorted(cloud[place] / disk[place] for cloud, disk in pairs)
        print(f"\ncloud / disk, {which}: median of pairs {statistics.median(ratios):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f}")


def told(url: str, directory: Path) -> tuple[float, int]:
    context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
    with urllib.request.urlopen(url + "/.told", context=context) as answer:
        cpu, received = answer.read().split()
    return float(cpu), int(received)


def measure(found: dict[str, tuple[list[str], dict[str, str]]], rounds: int, mib: int, url: str, directory: Path) -> None:
    rows: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in found}
    for _round in range(rounds):
        for name, (command, environment) in found.items():
            before = told(url, directory)
            wall, cpu, memory = measured(command, environment)
            after = told(url, directory)
            if after[1] - before[1] < mib << 20:
                raise SystemExit(f"{name} sent only {after[1] - before[1]} bytes")
            rows[name].append((wall, cpu, memory, after[0] - before[0]))
    print(f"medians of {rounds} interleaved rounds, {mib} MiB of random bytes in the page cache\n")
    print("| client | MiB/s | CPU s per GiB | peak MiB | the sink's CPU s per GiB |")
    print("|---|---|---|---|---|")
    for name, taken in rows.items():
        wall, cpu, memory, other = (statistics.median(column) for column in zip(*taken))
        print(f"| {name} | {mib / wall:.1f} | {cpu * 1024 / mib:.2f} | {memory:.0f} | {other * 1024 / mib:.2f} |")


if __name__ == "__main__":
    main()
