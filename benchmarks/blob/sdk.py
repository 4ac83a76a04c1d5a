# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads one file by the official Python SDK: URL CONTAINER CA FILE BLOCK_MIB THREADS CHECKSUMS(yes|no)."""

from __future__ import annotations

import sys

from azure.storage.blob import BlobClient


def main() -> None:
    url, container, authority, path, block, threads, checked = sys.argv[1:8]
    client = BlobClient(url, container, "file", credential="sp=c&sig=x", connection_verify=authority, max_block_size=int(block) << 20,
                        max_single_put_size=1)
    with open(path, "rb") as file:
        client.upload_blob(file, max_concurrency=int(threads), overwrite=True, validate_content=checked == "yes")


if __name__ == "__main__":
    main()
