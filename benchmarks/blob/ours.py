# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages and commits one file by the engine of azure_blob_upload, without Ansible: URL CONTAINER CA FILE."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins" / "module_utils"))

from _engine.media import azure_files, catalogue


def main() -> None:
    url, container, authority, path = sys.argv[1:5]
    medium = catalogue.build({"name": "nube", "type": "azure_blob", "endpoint": url, "container": container, "ca_certs": authority,
                              "session": {"keys": {"*": "sp=c&sig=x"}}})
    medium.commit("file", azure_files.stage(medium, "file", path), {})
    medium.close()


if __name__ == "__main__":
    main()
