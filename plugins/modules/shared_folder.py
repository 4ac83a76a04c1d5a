#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: shared_folder
short_description: Assign folders of a file server to offices, as Samba shares
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.2.0"
description:
  - Makes each folder of an office what it should be - groups, directory with owner, setgid and POSIX ACLs that new files inherit, Samba share,
    recycle bin, limit - and records each assignment, change and withdrawal (manual 001-2019, numeral 5.2).
  - What is assigned is what may be copied and restored (numeral 6.2).
  - No data is ever removed, moved or given other rights. A folder is withdrawn by O(folders[].state=withdrawn); one that is only taken out of the list stays in
    force and is told.
  - A path can't be changed, since data would have to be moved. RSP112 tells how it is done.
  - Samba's own C(testparm) reads the configuration before it is in force, and smbd reads it again without ending sessions.
notes:
  - Needs C(testparm) and C(smbcontrol) (samba), C(getfacl) and C(setfacl) (acl), and the file system's own tools for limits; the role installs them.
  - Accounts of Samba and their passwords are not its matter.
  - The POSIX ACLs are the rights. What Windows adds to them is kept by C(acl_xattr) in C(security.NTACL) of each file.
options:
  recreate:
    description:
      - Make a folder anew that was assigned and is not there any more. By default that is refused with RSP110, since it may have been renamed, or its disk
        not mounted.
    type: bool
    default: false
  smb_conf:
    description: Samba's configuration. One line is added at its end, which includes C(respaldo.conf) beside it.
    type: path
    default: /etc/samba/smb.conf
  shares_directory:
    description: Directory of the files of the shares, one for each.
    type: path
    default: /etc/samba/respaldo.d
  tmpfiles_directory:
    description: Directory of the rules that empty recycle bins (C(tmpfiles.d)).
    type: path
    default: /etc/tmpfiles.d
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.folders
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: All is checked, by C(testparm) too, and the result says what would be done.
    support: full
  diff_mode:
    description: Shows the file of each share and the rights of its directory.
    support: full
"""

EXAMPLES = r"""
---
- name: The folders of two offices
  perucompras.respaldo.shared_folder:
    folders:
      - name: Logística
        path: /srv/compartidos/logistica
        office: Oficina de Logística
        group: of-logistica
        readers: of-logistica-lectura
        document: Memorando 012-2026-OTI
        recycle_days: 30
      - name: Imagen
        path: /srv/compartidos/imagen
        office: Oficina de Comunicaciones
        group: of-comunicaciones
        state: withdrawn
"""

RETURN = r"""
---
folders:
  description: What became of each folder.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: Its name., type: str}
    path: {description: Its path., type: str}
    office: {description: Its office., type: str}
    state: {description: "present or withdrawn.", type: str}
    event: {description: "path_assigned, path_changed, path_withdrawn, or empty when it was as it should be.", type: str}
    changes: {description: "What was changed, in Spanish.", type: list, elements: str}
    warnings: {description: "What a person should know, such as a limit that can't be set.", type: list, elements: str}
unknown:
  description: Folders that are in force and not in the list.
  returned: success
  type: list
  elements: str
backup:
  description: The entries of the bitácora, one for each folder that was assigned, changed, withdrawn or refused.
  returned: always
  type: list
  elements: dict
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP110}
    name: {description: Name of the error., type: str, sample: assigned_path_changed}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _folders


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _folders.FOLDERS, **_folders.RULES,
            recreate=dict(type="bool", default=False),
            smb_conf=dict(type="path", default="/etc/samba/smb.conf"),
            shares_directory=dict(type="path", default="/etc/samba/respaldo.d"),
            tmpfiles_directory=dict(type="path", default="/etc/tmpfiles.d")),
        supports_check_mode=True)
    _folders.set_folders(module)


if __name__ == "__main__":
    main()
