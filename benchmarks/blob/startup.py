#!/usr/bin/env python3
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPU seconds that the controller spends on Azure's packages before the first request, by the source of its identity. See README.md."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import measuring

TOP = measuring.TOP
# What every play of ours has loaded anyway.
BASE = "import time, ansible.plugins.action, ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying.sealing; began = time.process_time(); "
CASES = {
    "a signature of the account's key or a given SAS": "from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import clouds",
    "service principal, workload or managed identity (msal, requests)":
        "from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import clouds; import msal, requests; requests.Session()",
    "an az login session (azure-cli-core)":
        "from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import clouds; from azure.cli.core import get_default_cli; "
        "from azure.cli.core._profile import Profile; Profile(cli_ctx=get_default_cli())",
}


def main() -> None:
    parser = measuring.parser(__doc__, results=False, beside=False)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = measuring.parse(parser, rounds=1).rounds
    with tempfile.TemporaryDirectory() as home:
        measure(home, rounds)


def measure(home: str, rounds: int) -> None:
    print("| identity | CPU s, median | most |")
    print("|---|---|---|")
    for name, code in CASES.items():
        taken = [float(subprocess.run([sys.executable, "-c", BASE + code + "; print(time.process_time() - began)"], capture_output=True, text=True, check=True,
                                      env={"PYTHONPATH": str(TOP / "collections"), "HOME": home, "PATH": "/usr/bin:/bin"}).stdout)
                 for _round in range(rounds)]
        print(f"| {name} | {statistics.median(taken):.3f} | {max(taken):.3f} |")


if __name__ == "__main__":
    main()
