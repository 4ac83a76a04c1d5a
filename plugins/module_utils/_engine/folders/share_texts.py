# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written for a shared folder: Samba's file of the share, systemd's rule for its recycle bin, its rights, and what is told of a change."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, Dict, List, Sequence

from ..errors import BackupError
from . import quotas
from .share_files import read

if TYPE_CHECKING:
    from .shares import Folder, Settings

BIN = ".papelera"    # where deleted files wait; hidden from Windows by its dot

_MARK = "# perucompras.respaldo "


def quota_known(share: str) -> int:
    """The limit that was set before, in GiB, as the file of the share keeps it."""
    known = facts_of(share).get("quota_gib")
    return known if isinstance(known, int) else 0


def facts_of(share: str) -> Dict[str, Any]:
    """What the first line of a share's file keeps: whose it is, by which document, and its limit."""
    with contextlib.suppress(ValueError, IndexError):
        facts = json.loads(share.splitlines()[0][len(_MARK):])
        if isinstance(facts, dict):
            return facts
    return {}


def difference(before: str, after: str) -> List[str]:
    """The words whose lines differ, for the bitácora."""
    lines = set(before.splitlines()) ^ set(after.splitlines())
    old, new = facts_of(before), facts_of(after)
    facts = [word for key, word in (("office", "órgano"), ("document", "documento"), ("quota_gib", "límite")) if old.get(key) != new.get(key)]
    return facts + sorted({line.partition(" = ")[0].strip() for line in lines if not line.startswith(_MARK)})


def share(folder: Folder, quota: quotas.Plan) -> str:
    """The file of a share. The comments say whose it is: a change of these is a change of the assignment."""
    readers = ', +"{0}"'.format(folder.readers) if folder.readers else ""
    facts = {"office": folder.office, "document": folder.document, "quota_gib": folder.quota_gib if quota.kind else 0}
    lines = [
        _MARK + json.dumps(facts, ensure_ascii=False, sort_keys=True),
        "[{0}]".format(folder.name),
        "comment = {0}".format(folder.description or folder.office),
        "path = {0}".format(folder.path),
        "browseable = {0}".format("yes" if folder.browseable else "no"),
        "guest ok = no",
        'valid users = +"{0}"{1}'.format(folder.group, readers),
        "read only = yes",
        'write list = +"{0}"'.format(folder.group),
        # whose group a new file is: acl_xattr takes it from the account, not from the setgid directory
        "force group = +{0}".format(folder.group),
        "create mask = 0770",
        "force create mode = 0660",
        "directory mask = 2770",
        "force directory mode = 2770",
        "inherit acls = yes",
        "map acl inherit = yes",
        "store dos attributes = yes",
        "wide links = no",
        "vfs objects = {0}acl_xattr".format("recycle " if folder.recycle_days else ""),
    ]
    if folder.recycle_days:
        lines += [
            "recycle:repository = {0}/%U".format(BIN), "recycle:keeptree = yes", "recycle:versions = yes", "recycle:touch = yes",
            "recycle:directory_mode = 0700", "recycle:subdir_mode = 0700", "recycle:exclude_dir = {0}".format(BIN),
        ]
    return "{0}\n{1}\n{2}\n".format(lines[0], lines[1], "\n".join("    " + line for line in lines[2:]))


def rule(folder: Folder) -> str:
    """What empties the recycle bin: systemd's own daily cleaning of files that nobody touched, moved or read for so many days."""
    if not folder.recycle_days:
        return ""
    return "# {0}: deleted files wait so many days (perucompras.respaldo)\ne \"{1}/{2}\" - - - {3}d\n".format(
        folder.name, folder.path, BIN, folder.recycle_days)


def rights(folder: Folder) -> str:
    """Owner, mode and ACL as `_rights_of` reads them."""
    acl = ["user::rwx", "group::rwx"] + (["group:{0}:r-x".format(folder.readers), "mask::rwx"] if folder.readers else []) + ["other::---"]
    return "\n".join(["owner root", "group {0}".format(folder.group), "mode 2770"] + acl + ["default:" + line for line in acl])


def list_of(names: Sequence[str], settings: Settings) -> str:
    return "# Shared folders, one file for each (perucompras.respaldo). Written by the role shared_folder.\n" + "".join(
        "include = {0}\n".format(settings.share_file(name)) for name in names)


def smb_conf(settings: Settings) -> str:
    """smb.conf with the line that includes the list at its end, where it belongs to no section: the list's files begin theirs."""
    found = read(settings.smb_conf)
    if not found:
        raise BackupError("folder_failed", folder=settings.smb_conf, detail="it does not exist: install Samba (package samba)")
    line = "include = {0}".format(settings.list_file)
    if re.search(r"^\s*{0}\s*$".format(re.escape(line)), found, re.MULTILINE):
        return found
    return "{0}\n# perucompras.respaldo: shared folders of the offices (5.2). Keep this line the last.\n{1}\n".format(found.rstrip("\n") + "\n", line)
