# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that move single files to and from Azure Blob Storage, without a copy's label and entry."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict

from ansible.module_utils.basic import AnsibleModule

from ._engine.errors import BackupError
from ._engine.media import azure_files, catalogue
from ._engine.media.azure_blob import AzureBlob
from ._tasks.base import fail


def upload(module: AnsibleModule) -> None:
    """Stage the files of `src`; the action commits them."""

    def work(medium: AzureBlob) -> Dict[str, Any]:
        session = module.params["medium"]["session"]
        files = azure_files.files_of(module.params["src"], module.params["blob"])
        there = azure_files.same(session.get("there") or {}, files)
        missing = {blob: path for blob, path in files.items() if blob not in there}
        if module.check_mode or not missing:
            return dict(changed=bool(missing), staged={}, files=[])
        medium.settings = medium.settings._replace(expected=sum(os.path.getsize(path) for path in missing.values()))
        staged = {blob: azure_files.stage(medium, blob, path) for blob, path in missing.items()}
        for trouble in medium.troubles:
            module.warn("Si la subida se corta, no podrá reanudarse: {0}".format(trouble))
        return dict(changed=True, staged=staged, bytes_sent=medium.sent, bytes_there=medium.skipped)

    _run(module, work)


def download(module: AnsibleModule) -> None:
    """Bring a blob to `dest`, unless that has the same bytes."""

    def work(medium: AzureBlob) -> Dict[str, Any]:
        blob, path = module.params["blob"], module.params["dest"]
        if os.path.isdir(path):
            path = os.path.join(path, os.path.basename(blob))
        told = medium.properties(medium.below(blob))
        if told is None:
            raise BackupError("copy_missing", label=blob, location=medium.service.location)
        if os.path.exists(path) and azure_files.digest_of(path) == told.get("x-ms-meta-sha256"):
            return dict(changed=False, dest=path, sha256=told["x-ms-meta-sha256"], size=os.path.getsize(path), verified=True)
        if module.check_mode:
            return dict(changed=True, dest=path)
        return dict(azure_files.fetch(medium, blob, path), changed=True, dest=path)

    _run(module, work)


def _run(module: AnsibleModule, work: Callable[[AzureBlob], Dict[str, Any]]) -> None:
    try:
        medium = catalogue.build(module.params["medium"])
        if not isinstance(medium, AzureBlob):
            kind = module.params["medium"]["type"]
            raise BackupError("invalid_input", where="medium.type", value=kind, problem="is not a cloud", mend="Use type: azure_blob.")
        module.exit_json(**work(medium))
    except BackupError as error:
        fail(module, error)
