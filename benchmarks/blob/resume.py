#!/usr/bin/env python3
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent again after an upload was killed: by ours, and by azcopy's `jobs resume`. One emulator, one file, the same points.

Bytes are counted by a relay before the emulator, so neither client's own word is taken for them. See README.md.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / name) for name in ("benchmarks", "collections", "tests/integration/azure", "plugins/module_utils")]

MIB = 1 << 20
BLOCK = 8 * MIB
POINTS = (0.25, 0.5, 0.75)


def child() -> None:
    """Our upload, as a server makes it, with its own note of what it sent."""
    from _engine.media import azure_files, catalogue

    options = json.loads(sys.stdin.read())
    medium = catalogue.build(options)
    medium.commit("file", azure_files.stage(medium, "file", sys.argv[2]), {})


def ours(bench: Any, file: Path, directory: Path, rate: int) -> Any:
    options = {"name": "nube", "type": "azure_blob", "endpoint": bench.relay.url, "container": bench.container, "ca_certs": str(bench.azurite.ca),
               "bandwidth": rate * MIB, "session": {"keys": {"*": bench.sign("cw")}, "journal": str(directory / "journal")}}

    def start(_again: bool) -> subprocess.Popen[Any]:
        process = subprocess.Popen([sys.executable, __file__, "--child", str(file)], stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(json.dumps(options).encode())
        process.stdin.close()
        return process

    return start


def azcopy(bench: Any, file: Path, directory: Path, rate: int) -> Any:
    import bench as tools

    signature = bench.sign("rcwdl")
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "SSL_CERT_FILE": str(bench.azurite.ca), "AZCOPY_LOG_LOCATION": str(directory),
                   "AZCOPY_JOB_PLAN_LOCATION": str(directory / "plans"), "AZCOPY_DISABLE_SYSLOG": "true"}
    common = ["--skip-version-check", "--output-level", "quiet", "--cap-mbps", str(rate * 8)]

    def start(again: bool) -> subprocess.Popen[Any]:
        if again:
            job = next((directory / "plans").glob("*--*.steV*")).name.partition("--")[0]
            command = [tools.azcopy(), "jobs", "resume", job, "--destination-sas", signature, *common]
        else:
            command = [tools.azcopy(), "copy", str(file), f"{bench.relay.url}/{bench.container}/file?{signature}", "--block-size-mb", str(BLOCK // MIB),
                       "--put-md5", "--from-to", "LocalBlob", *common]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)

    return start


def tried(start: Any, bench: Any, point: float, size: int) -> tuple[int, int]:
    """Bytes that went to the service before the kill and after it."""
    process = start(False)
    while bench.relay.passed < point * size:
        if process.poll() is not None:
            raise SystemExit(f"it ended with {process.returncode} before it could be killed")
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1)
    before = bench.relay.passed
    if start(True).wait():
        raise SystemExit("the second run failed")
    properties = bench.client.get_blob_client("file").get_blob_properties()
    assert properties.size == size
    return before, bench.relay.passed - before


def main() -> None:
    import measuring

    parser = measuring.parser(__doc__, results=False, beside=False)
    parser.add_argument("--mib", type=int, default=256, help="of the file that is sent")
    # so that a point of the way can be met
    parser.add_argument("--rate", type=int, default=24, metavar="MIB", help="to send in a second")
    options = measuring.parse(parser, mib=32, rate=16)
    clients, points = {"ours": ours, "azcopy jobs resume": azcopy}, POINTS[1:2] if options.small else POINTS
    measure(clients, points, options.mib * MIB, options.rate)


def measure(clients: dict[str, Any], points: tuple[float, ...], size: int, rate: int) -> None:
    import conftest
    from bench import Azurite

    print(f"{size // MIB} MiB in blocks of {BLOCK // MIB}, killed by SIGKILL; MiB that went to the service, requests and all\n")
    print("| killed at | client | before | after | more than the file |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        top = Path(name)
        file = top / "file"
        file.write_bytes(os.urandom(size))
        azurite = Azurite(top / "service")
        try:
            for point in points:
                for title, client in clients.items():
                    bench, directory = conftest.Bench(azurite), top / f"{title[:4]}{point}"
                    directory.mkdir()
                    before, after = tried(client(bench, file, directory, rate), bench, point, size)
                    print(f"| {point:.0%} | {title} | {before / MIB:.0f} | {after / MIB:.0f} | {(before + after - size) / MIB:.0f} |", flush=True)
                    bench.close()
        finally:
            azurite.stop()


if __name__ == "__main__":
    child() if sys.argv[1:2] == ["--child"] else main()
