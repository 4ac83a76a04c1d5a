# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a medium; MEDIA and MEDIUM have their argument specs of the same name in module_utils/_options.py, SOURCE_MEDIUM that of MEDIUM."""

from __future__ import annotations

# of a medium, whatever it is for; Ansible merges options, but no suboptions, so what fragments have in common is a text
_MEDIUM = r"""
      name:
        description: Name of the medium, as recorded in the bitácora.
        type: str
        required: true
      type:
        description: Type of the medium.
        type: str
        choices: [local, azure_blob]
        default: local
      port:
        description: SSH port of O(medium.host).
        type: int
        default: 22
      user:
        description: Account on O(medium.host).
        type: str
        default: ""
      known_hosts:
        description: Lines of a C(known_hosts) file, or the path of one on the server where the module runs, with the key of
          O(medium.host). The key is always checked.
        type: str
        default: ""
      append_only:
        description:
          - The server's key only adds copies there; they get their names, are looked at and removed by the controller, with O(medium.keeper). Such a
            medium is set up by C(playbooks/append_only_medium.yml).
        type: bool
        default: false
      keeper:
        description:
          - The controller's own way to a medium with O(medium.append_only) - C(ssh_key) as text or C(identity_file) on the controller, and C(host), C(port),
            C(user), C(known_hosts) where they are not the server's. It stays on the controller.
        type: dict
        default: {}
      storage_account_name:
        description: Storage account of a medium of type C(azure_blob).
        type: str
        default: ""
      endpoint:
        description:
          - Address of the account's blob service where it is not C(https://ACCOUNT.blob.core.windows.net), for a private endpoint
            or another cloud.
        type: str
        default: ""
      container:
        description: Container of a medium of type C(azure_blob). It is made beforehand.
        type: str
        default: ""
      prefix:
        description: Path inside the container under which copies lie.
        type: str
        default: ""
      tier:
        description: Access tier that blobs are made in. Empty takes the account's own. V(archive) can't be read before it is rehydrated.
        type: str
        choices: ["", hot, cool, cold, archive]
        default: ""
      workers:
        description: Blocks that are sent, or ranges read, at the same time. Each takes up to 16 MiB of memory.
        type: int
        default: 3
      bandwidth:
        description: Bytes a second that sending may take. V(0) sets no limit.
        type: int
        default: 0
      proxy:
        description: Proxy that the server and the controller go through, C(http://[user:password@]host:port).
        type: str
        default: ""
      ca_certs:
        description: Certificates in PEM of a private authority, or the path of their file on the controller, trusted beside the system's own.
        type: str
        default: ""
      retry_seconds:
        description: Seconds that a request is tried again when the service is busy or the connection is lost.
        type: int
        default: 600
      write_once_days:
        description:
          - Days for which the container lets nobody remove or change a blob, as it was set up with M(perucompras.respaldo.azure_storage). Retention
            does not try sooner, and is compared with it when the inventory is checked.
        type: int
        default: 0
      lifecycle:
        description: Days after which the container moves (V(cool), V(cold), V(archive)) or deletes blobs by itself; compared with retention as well.
        type: dict
        default: {}
      auth:
        description:
          - Identity of the controller for a medium of type C(azure_blob), with the option names of azure.azcollection, C(auth_source),
            C(client_id), C(secret), C(tenant) and so on; or C(account_key) (discouraged, since it opens the whole account) or C(sas_token).
          - It stays on the controller. A server receives a signature that only makes new blobs, or only reads, for the names of one copy,
            valid C(sas_minutes) (default 60) and renewed while the task runs.
        type: dict
        default: {}
      session:
        description: What the controller adds for the server. Not to be written by people.
        type: dict
        default: {}
"""

# of a medium that copies are read from
_READ = r"""
      path:
        description: Directory that holds the copies, for a medium of type C(local).
        type: path
        default: ""
      create:
        description: Accepted so that a medium of the inventory can be given whole; not used for reading.
        type: bool
        default: false
      default:
        description: Accepted so that a medium of the inventory can be given whole; not used for reading.
        type: bool
        default: true
      host:
        description: Another server that holds the directory, reached by SSH. Empty for this server.
        type: str
        default: ""
      identity_file:
        description: Private key, a file on the server where the module runs.
        type: path
        default: ""
      ssh_key:
        description: Private key as text, instead of O(medium.identity_file).
        type: str
        default: ""
"""


class ModuleDocFragment:

    # annotated, since yamllint of ansible-test reads only plain texts of a class and ends at one that is put together
    MEDIA: str = r"""
options:
  media:
    description:
      - Media that the copy is written to, all at once in one pass (numeral 6.5).
      - The copy becomes a directory C(PATH/KIND/SYSTEM/LABEL) on each.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Directory that holds the copies, for a medium of type C(local). It must exist unless O(media[].create).
        type: path
        default: ""
      create:
        description: Make the directory. Leave it off for mounted shares, so that a share that is not mounted is an error.
        type: bool
        default: false
      default:
        description: Whether systems that name no medium use this one. Read by M(perucompras.respaldo.backup_plan).
        type: bool
        default: true
      host:
        description: Another server that holds the directory, reached by SSH from the server with the data. Empty for this server.
        type: str
        default: ""
      identity_file:
        description: Private key, a file on the server with the data.
        type: path
        default: ""
      ssh_key:
        description: Private key as text, instead of O(media[].identity_file). It is never written to a disk.
        type: str
        default: ""
""" + _MEDIUM.replace("O(medium.", "O(media[].")

    MEDIUM: str = r"""
options:
  medium:
    description: The medium that holds the copy.
    type: dict
    required: true
    suboptions:
""" + _READ + _MEDIUM

    SOURCE_MEDIUM: str = r"""
options:
  source:
    description: The medium that holds the copy.
    type: dict
    required: true
    suboptions:
""" + (_READ + _MEDIUM).replace("O(medium.", "O(source.")
