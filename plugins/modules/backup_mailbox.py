#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_mailbox
short_description: Copy a mailbox by IMAP or Microsoft Graph as a Maildir with an index
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.3.0"
description:
  - Copies all folders and mails of a mailbox, with flags, keywords, dates and UIDs, on request (manual 001-2019, numeral 6.4). The server is never changed.
  - Dovecot's synchroniser brings the mailbox into a private Maildir; a listing of ours compares it with the server, writes the index, and only then is
    anything streamed through compression and encryption to the media. A mail that the server has and the copy has not makes it fail (RSP132).
  - A mailbox of Microsoft 365 can be read by Microsoft Graph too (O(source.type=graph)), each mail as MIME, named by its immutable identifier. The service has
    no UIDs, so those of the copy are its own; categories stand in the index. The bytes are the service's own rendering, and are
    read a second time (O(source.compare)). Hidden folders are copied too, and those that only their mails tell of; folders that only search are not.
  - It is called a copy only when every program ended well, the bytes on the medium were hashed and read back, and their
    structure was read to its end (trust level T2). Until then it has no final name; the last good copy is never touched.
  - Archive mailboxes, recoverable items, rules, calendars, contacts and folders of others are not in it; the manifest says so.
  - A copy that is made again under the same request begins with the mails of the one before (O(only_new)), so that only what is new travels. It is whole by
    itself all the same, and judged like any other.
  - Needs C(doveadm) and Dovecot's C(imap) on the server that copies (packages dovecot-core and dovecot-imapd), no running Dovecot, and root.
extends_documentation_fragment:
  - perucompras.respaldo.mailboxes.reading
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.storage.media
  - perucompras.respaldo.backup.making
  - perucompras.respaldo.backup.assigned
  - perucompras.respaldo.backup.attributes
  - perucompras.respaldo.groups.making
options:
  only_new:
    description:
      - "Begin with the mails of the last whole copy of the same mailbox that was made under the same request (its ticket, or the same reason of an
        emergency), where it lies on a medium of this task which the server can read and custody gives its password. Its digest is the bitácora's, each of its
        bytes is proved, and the server is asked for what differs alone. What can't be used is told (RSP129), and all mails travel."
      - Of V(graph) a mail travels unless its immutable identifier and changeKey are those of the earlier copy; one that has other content there when it is
        read again has all of them travel.
      - The server gets the password of that earlier copy for it. With V(false) it does not.
    type: bool
    default: true
  earlier:
    description: That copy, as the controller names it. It adds this to the task; what a task itself gives is not looked at.
    type: dict
    default: {}
    suboptions:
      label: {description: Its label., type: str, default: ""}
      sha256: {description: "Its digest, as the bitácora has it.", type: str, default: ""}
      medium: {description: The medium of this task that it is read from., type: str, default: ""}
      password: {description: What opens it., type: str, default: ""}
seealso:
  - module: perucompras.respaldo.backup_label
  - module: perucompras.respaldo.backup_verify
  - module: perucompras.respaldo.backup_restore
"""

EXAMPLES = r"""
---
- name: Copy a mailbox of Microsoft 365
  perucompras.respaldo.backup_mailbox:
    label: AnaQuispe_20261122
    system: AnaQuispe
    kind: mailbox
    source:
      type: graph
      user: aquispe@example.org
      oauth:
        tenant: 00000000-0000-0000-0000-000000000000
        client_id: 00000000-0000-0000-0000-000000000000
        client_secret: "{{ vault_respaldo_graph }}"
    media:
      - name: disco
        path: /srv/copias
    encryption:
      custody: /etc/respaldo/custodia

- name: Copy a mailbox
  perucompras.respaldo.backup_mailbox:
    label: AnaQuispe_20261122
    system: AnaQuispe
    kind: mailbox
    source:
      host: correo.example.org
      user: aquispe@example.org
      password: "{{ vault_respaldo_imap }}"
    media:
      - name: disco
        path: /srv/copias
    encryption:
      custody: /etc/respaldo/custodia
"""

RETURN = r"""
---
backup:
  description:
    - What the bitácora records of this copy. Only fields that apply are there.
  returned: always
  type: dict
  contains:
    event: {description: What happened., type: str, sample: copy_made}
    label: {description: Label (numeral 6.7)., type: str, sample: AnaQuispe_20261122}
    printed_label: {description: Label as the manual prints it., type: str, sample: "AnaQuispe_2026 11 22"}
    system: {description: System., type: str, sample: AnaQuispe}
    kind: {description: Kind., type: str, sample: mailbox}
    location: {description: Directory of the copy; several are joined by a comma., type: str, sample: /srv/copias/mailbox/AnaQuispe/AnaQuispe_20261122}
    parts: {description: "Files of the copy, each with name, size in bytes and sha256.", type: list, elements: dict}
    size: {description: Bytes of all files., type: int, sample: 268951}
    size_original: {description: Bytes before compression and encryption., type: int, sample: 2590720}
    duration_ms: {description: Milliseconds the copy took., type: int, sample: 210}
    trust_level: {description: "T1 bytes hashed, T2 structure read back, T3 restored into scratch.", type: str, sample: T2}
    checks: {description: What was verified., type: list, elements: str, sample: [exit_statuses, sha256_readback, tar_list]}
    sha256: {description: SHA-256 of the file SHA256SUMS of the copy., type: str}
    since: {description: "The earlier copy whose mails did not travel again, when one was used.", type: str, sample: AnaQuispe_20261115}
    travelled: {description: "Bytes that the server sent to the synchroniser, by IMAP; of mails, by Graph.", type: int, sample: 65236}
    not_read_again: {description: "Mails whose bytes are those of the earlier copy, and were not asked for again to be compared.", type: int, sample: 0}
    travelled_objects: {description: "Mails of the copy that are not those of the earlier one.", type: int, sample: 5}
    key_reference: {description: "Where custody keeps the password, when there is one.", type: str}
    key_id: {description: "Which key it is, without telling anything of it.", type: str}
    custodians: {description: Names of those that hold it., type: list, elements: str}
    error_code: {description: "Code of the error, on failure.", type: str, sample: RSP402}
published:
  description: Whether the copy has its final name; with O(publish=false) it is sealed.
  returned: success, but in check mode
  type: bool
sealed:
  description: With O(publish=false), what M(perucompras.respaldo.backup_publish) is to be given of media that need it; without secrets.
  returned: when a medium needs it
  type: dict
yielded:
  description: Whether another run makes this scheduled copy, or has just made it, so that nothing was done; C(backup.event) is C(copy_not_due).
  returned: when it does
  type: bool
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP402}
    name: {description: Name of the error., type: str, sample: medium_full}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import _options, _source_options
from ..module_utils._engine.sources import of_mailboxes
from ..module_utils._engine.sources.base import Source
from ..module_utils._tasks import making, reusing
from ..module_utils._tasks.base import Task
from ..module_utils._tasks.ordering import order_of


def build(task: Task) -> Source:
    """The source that the task names."""
    options = dict(task.params["source"], encrypted=order_of(task).keys is not None)
    source = of_mailboxes.build(options, task.params["assigned_paths"])
    source.earlier = reusing.earlier_of(task)
    return source


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _options.COPY, **_options.MEDIA, **_options.MAKING, **_options.ASSIGNED,
            source=dict(type="dict", required=True, options=_source_options.MAILBOX_SOURCE),
            only_new=dict(type="bool", default=True),
            earlier=dict(type="dict", default={}, no_log=False, options=dict(
                label=dict(type="str", default=""), sha256=dict(type="str", default=""), medium=dict(type="str", default=""),
                password=dict(type="str", default="", no_log=True)))),
        supports_check_mode=True)
    making.make_copy(module, build)


if __name__ == "__main__":
    main()
