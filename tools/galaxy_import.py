# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""galaxy_import.py ARTIFACT: what Galaxy's importer says of a built collection. Exit status 1 when it refuses it, or warns.

The importer demands the address of a repository. While galaxy.yml has none to give, one is stood in, in a copy of the artifact, so that all
that comes after it is looked at too. Its ansible-lint is left out: tools/lint.sh runs it with a stricter profile.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SETTINGS = {"GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false", "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true", "GALAXY_IMPORTER_CHECK_CHANGELOG": "true"}
STOOD_IN = "https://example.org/perucompras/respaldo"


def with_an_address(artifact: Path, directory: Path) -> Path:
    """The artifact, or a copy of it whose MANIFEST.json names a repository. No digest of the artifact covers that file."""
    with tarfile.open(artifact) as built:
        found = built.extractfile("MANIFEST.json")
        if found is None:
            raise SystemExit(f"{artifact}: its MANIFEST.json is no file")
        manifest = json.load(found)
        if manifest["collection_info"]["repository"]:
            return artifact
        print("galaxy.yml names no repository, which Galaxy demands: one is stood in to see the rest")
        manifest["collection_info"]["repository"] = STOOD_IN
        body = json.dumps(manifest).encode()
        with tarfile.open(directory / artifact.name, "w:gz") as copy:
            for member in built.getmembers():
                if member.name == "MANIFEST.json":
                    member.size = len(body)
                    copy.addfile(member, io.BytesIO(body))
                else:
                    copy.addfile(member, built.extractfile(member) if member.isreg() else None)
    return directory / artifact.name


def main() -> int:
    artifact = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        # it writes its result where it stands
        answer = subprocess.run([sys.executable, "-m", "galaxy_importer.main", str(with_an_address(artifact, Path(scratch)))], cwd=scratch,
                                env={**os.environ, **SETTINGS}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    lines = [line for line in answer.stdout.splitlines() if line and not line.startswith("Loading ")]
    complaints = [line for line in lines if line.startswith(("WARNING", "ERROR", "CRITICAL"))]
    if answer.returncode or complaints:
        print("\n".join(complaints or lines))
        return 1
    if "Collection loading complete" not in lines:
        print("the importer ended before it had read the collection:\n" + answer.stdout)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
