# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules of shared folders."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  folders:
    description:
      - The shared folders of this server, as C(backup_shared_folders) of the inventory has them (manual 001-2019, numeral 5.2).
      - Every mistake of the list is told at once, with RSP101, before anything is touched.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the folder and of its share, unique on the server whatever its case.
          - Without the characters that Samba gives a meaning to, such as C(/), C(%), brackets, C(,), C(:) and quotes; 80 at most.
        type: str
        required: true
      path:
        description:
          - The directory. Its parent must exist; it is made when it does not exist, and keeps all it holds when it does.
          - At least two directories below the root, not in a place of the system, and not in another folder or around it.
        type: path
        required: true
      office:
        description: The office (órgano) it is assigned to.
        type: str
        required: true
      group:
        description: The group that reads and writes. It is made as a group of the system when no such group is known, of a domain either.
        type: str
        required: true
      readers:
        description: A group that only reads, made likewise. By default there is none.
        type: str
      members:
        description:
          - The accounts that are members of O(folders[].group), no others. Accounts must exist.
          - Left out, the group's members are not looked at. For groups of this server only, not of a domain.
        type: list
        elements: str
      readers_members:
        description: As O(folders[].members), for O(folders[].readers).
        type: list
        elements: str
      description:
        description: What clients see beside its name. By default the office.
        type: str
      document:
        description: The document by which it was assigned; recorded.
        type: str
      responsible:
        description: Who assigns it. By default the EGCR de Infraestructura in force (O(actors)).
        type: str
      state:
        description:
          - V(present) assigns the folder.
          - V(withdrawn) takes the share away and closes its sessions. The directory, what it holds, its rights and its groups stay.
          - By default V(present).
        type: str
        choices: [present, withdrawn]
      browseable:
        description: Whether it is shown to those who list the server's shares. By default it is.
        type: bool
      recycle_days:
        description:
          - Days that a deleted file waits in the share's recycle bin, C(.papelera), before systemd's daily cleaning removes it. V(0) for no bin.
          - By default what the policy says (C(shared_folders.recycle_days)).
        type: int
      quota_gib:
        description:
          - Most that the folder may hold, in GiB; V(0), the default, for no limit.
          - Where its file system can set one, ext4 and XFS mounted with C(prjquota) and Btrfs with quotas enabled. Elsewhere a warning says so and the
            folder is assigned all the same.
        type: int
      unwanted:
        description: Kinds of files, by extension, that the report names. By default what the policy says (C(shared_folders.unwanted)).
        type: list
        elements: str
"""
