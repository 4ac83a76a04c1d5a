# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-test runs in place of the get-pip script it would download: pip from this Python, then the versions asked for.

It takes get-pip's own arguments. The index, certificate and proxy come from pip's configuration (see sanity.sh).
"""

from __future__ import annotations

import subprocess
import sys


def main(arguments: list[str]) -> None:
    """Installs what `arguments` names into the environment that runs this; raises CalledProcessError when pip fails."""
    # the two flags belong to get-pip alone: pip refuses them
    wanted = [argument for argument in arguments if argument not in {"--no-setuptools", "--no-wheel"}]
    # in a process of its own, since ensurepip changes the environment variables of pip
    subprocess.run([sys.executable, "-m", "ensurepip", "--default-pip"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *wanted], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
