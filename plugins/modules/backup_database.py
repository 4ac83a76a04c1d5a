#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_database
short_description: Copy a database
author:
  - perucompras.respaldo contributors (@perucompras)
version_added: "0.1.0"
description:
  - Copies databases by the engine's own tools (manual 001-2019, numeral 7.2.1).
  - The copy is streamed from the source through compression and encryption to the media in one pass; memory does not grow
    with the data. Nothing is staged but SQLite, whose consistent image lies in a private temporary directory meanwhile.
  - It is called a copy only when every program ended well, the bytes on the medium were hashed and read back, and their
    structure was read to its end (trust level T2). Until then it has no final name; the last good copy is never touched.
options:
  source:
    description: The database and how it is read.
  prove_drill:
    description:
      - In check mode, prove also that copies of it could be restored to prove them (numeral 5.1 c) - the programs and rights for a throw-away server here, or
        the account of C(scratch_server) of the source.
      - Without check mode it does nothing.
    type: bool
    default: false
    version_added: "0.3.0"
extends_documentation_fragment:
  - perucompras.respaldo.source.database
  - perucompras.respaldo.backup.copy
  - perucompras.respaldo.storage.media
  - perucompras.respaldo.backup.making
  - perucompras.respaldo.backup.assigned
  - perucompras.respaldo.backup.attributes
  - perucompras.respaldo.groups.making
seealso:
  - module: perucompras.respaldo.backup_label
  - module: perucompras.respaldo.backup_verify
  - module: perucompras.respaldo.backup_restore
"""

EXAMPLES = r"""
---
- name: Copy a PostgreSQL database with its roles, password in custody
  perucompras.respaldo.backup_database:
    label: SIGA_20261122
    system: SIGA
    kind: database
    source:
      type: postgresql
      databases: [siga]
      run_as: postgres
    media:
      - name: disco
        path: /srv/copias
    encryption:
      custody: /etc/respaldo/custodia
      recipients:
        - "{{ lookup('file', 'keys/egcr-base-de-datos.asc') }}"

- name: Copy an engine by its own tools
  perucompras.respaldo.backup_database:
    label: CACHE_20261122
    system: CACHE
    kind: database
    source:
      type: command
      dump: [/usr/bin/redis-cli, --rdb, "-"]
      verify: [/usr/local/bin/check-rdb]
      restore: [/usr/local/bin/load-rdb]
      extension: rdb
    media:
      - name: disco
        path: /srv/copias
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
    label: {description: Label (numeral 6.7)., type: str, sample: SIGA_20261122}
    printed_label: {description: Label as the manual prints it., type: str, sample: "SIGA_2026 11 22"}
    system: {description: System., type: str, sample: SIGA}
    kind: {description: Kind., type: str, sample: database}
    location: {description: Directory of the copy; several are joined by a comma., type: str, sample: /srv/copias/database/SIGA/SIGA_20261122}
    parts: {description: "Files of the copy, each with name, size in bytes and sha256.", type: list, elements: dict}
    size: {description: Bytes of all files., type: int, sample: 268951}
    size_original: {description: Bytes before compression and encryption., type: int, sample: 2590720}
    duration_ms: {description: Milliseconds the copy took., type: int, sample: 210}
    trust_level: {description: "T1 bytes hashed, T2 structure read back, T3 restored into scratch.", type: str, sample: T2}
    checks: {description: What was verified., type: list, elements: str, sample: [exit_statuses, sha256_readback, pg_restore_read]}
    sha256: {description: SHA-256 of the file SHA256SUMS of the copy., type: str}
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
from ..module_utils._engine.sources import of_databases
from ..module_utils._engine.sources.base import Source
from ..module_utils._tasks import making
from ..module_utils._tasks.base import Task
from ..module_utils._tasks.ordering import order_of


def build(task: Task) -> Source:
    """The source that the task names."""
    options = dict(task.params["source"], encrypted=order_of(task).keys is not None)
    return of_databases.build(options["type"], options, task.params["assigned_paths"])


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            _options.COPY, **_options.MEDIA, **_options.MAKING, **_options.ASSIGNED,
            source=dict(type="dict", required=True, options=_source_options.DATABASE_SOURCE),
            prove_drill=dict(type="bool", default=False)),
        supports_check_mode=True)
    making.make_copy(module, build, of_databases.prove_drill)


if __name__ == "__main__":
    main()
