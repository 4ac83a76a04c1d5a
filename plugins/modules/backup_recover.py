#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; what it does on the controller, M(perucompras.respaldo.backup_restore) and others do."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_recover
short_description: Lay out on an empty machine what a lost controller had
version_added: 0.3.0
description:
  - The worst day. From a medium that holds copies, and a custodian or the private key of one EGCR, come back the inventory, the custody, the key of the seals
    and all else that the copy of O(kit) holds, and the bitácora.
  - The kit is a system of the inventory like any other, of kind C(source_code) and source C(paths), that names the controller's own files. The bitácora is
    one of source C(sqlite).
  - Both are opened in O(directory), of this account alone, and the chain of the bitácora is walked. Only then each path takes its own place. Nothing that
    stands in a place is replaced; what stands there with the same names, bytes, owners and modes has its place, so that an attempt that was killed can be begun
    again.
  - A custodian vouches for them by the proof in each manifest, which was made with the password of its copy, as nobody else has that. A copy without it, and of
    which no entry tells, needs O(kit_sha256) or O(bitacora_sha256). A private key does not vouch, since anybody can encrypt to its public one. Then
    O(seal_key) or O(bitacora_sha256) is required, known from the printed plan of recovery or from a mail with a seal, and the kit that is taken is the newest
    one that O(kit_sha256) names or of which an entry says so that these prove.
  - There is no bitácora yet that could record it, so it is called by C(ansible -m), as a play's run would begin another bitácora. What was opened is noted in
    C(recuperacion.json) beside the bitácora, and O(phase=record) makes the entry C(controller_recovered) of it in a run of playbooks/recover.yml.
options:
  phase:
    description: V(lay_out) on the empty machine; V(record) afterwards, in a run that the bitácora records.
    type: str
    choices: [lay_out, record]
    default: lay_out
  medium:
    description: The medium, as in C(backup_media). A directory mounted here is C({name, path}). Required for O(phase=lay_out).
    type: dict
    default: {}
  directory:
    description: Where the copies are opened first. Made with mode 0700. Things are moved from there to their places, or copied where
      those are on another file system.
    type: path
    default: /var/lib/respaldo/recuperacion
  kit:
    description: Name of the system that is the kit.
    type: str
    default: Maletín de recuperación
  kit_label:
    description: Label of its copy. Empty takes the newest, by the entries of the bitácora.
    type: str
    default: ""
  bitacora:
    description: Name of the system that is the bitácora.
    type: str
    default: Bitácora de respaldos
  bitacora_label:
    description: Label of its copy. Empty takes the newest, by their chains.
    type: str
    default: ""
  bitacora_on_server:
    description:
      - The bitácora is a database of PostgreSQL, which comes back with its server or was not lost. The kit alone is laid out, and O(phase=record) finds what
        was noted in C(recuperacion.json) where the bitácora would be as a file.
      - A custodian vouches for the kit as ever; a private key does not, and needs O(kit_sha256).
    type: bool
    default: false
  custody:
    description: The custodians, or the directory of one, when it is they who open the copies.
    type: raw
    default: ""
  private_key_file:
    description: File with the private key of an EGCR, as written by gpg --armor --export-secret-keys, when it is that key that opens them.
    type: path
    default: ""
  passphrase:
    description: What protects that private key, if anything does.
    type: str
    default: ""
  seal_key:
    description:
      - Public key of the seals, 64 hexadecimal digits; blanks between them are passed over. The bitácora must be sealed by it, or by one that follows from
        it by recorded changes of key.
      - It stays the same for years, so that an old plan has it too.
    type: str
    default: ""
  bitacora_sha256:
    description: SHA-256 of the copy of the bitácora (of its C(SHA256SUMS)). The copy that has it is taken.
    type: str
    default: ""
  kit_sha256:
    description: SHA-256 of the copy of the kit. The copy that has it is taken.
    type: str
    default: ""
  unvouched_reason:
    description:
      - Why it is accepted that nobody vouches for what a private key opens; it stands in the entry. What is given of the others must hold all the same.
      - A kit that nobody vouches for is opened, and nothing of it put in its place, where it might be run. Look at it, then put it there by hand.
    type: str
    default: ""
  clock_confirmed:
    description: A person looked at this machine's clock, and it is right though copies on the medium say to be later (RSP486).
    type: bool
    default: false
  reason:
    description: Why, for the bitácora. Required for O(phase=record).
    type: str
    default: ""
  authority:
    description: Who orders it, and by which document. Required for O(phase=record).
    type: str
    default: ""
  mounted:
    description: With O(phase=record), names or paths of the media that are mounted here. None, or one that no host of the inventory has there, is refused.
    type: list
    elements: str
    default: []
  media:
    description: With O(phase=record), media of this host, beside the C(backup_media) of all hosts.
    type: raw
    default: []
notes:
  - Fails with RSP484 where this machine was laid out already, RSP485 where a bitácora stands, RSP486 when the clock is behind the copies, RSP487 while another
    attempt is at work, RSP488 when no custodian has the password, RSP489 when the bitácora is on a server, RSP785 where an earlier attempt left what it
    opened, RSP791 when two copies of the bitácora contradict each other, RSP792 when a later version made a copy, RSP794 when the medium has no such copy,
    RSP795 when a place is taken, RSP796 when the chain of the bitácora is broken, RSP797 when nobody vouches for kit or bitácora, RSP798 when no copy has the
    SHA-256 that was given, and as M(perucompras.respaldo.backup_restore) does.
extends_documentation_fragment:
  - perucompras.respaldo.groups.respaldo
attributes:
  check_mode:
    description: Says which copies would be opened and what would be placed; opens none.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
seealso:
  - module: perucompras.respaldo.backup_restore
  - module: perucompras.respaldo.bitacora_key
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
# ansible localhost -m perucompras.respaldo.backup_recover -a '{"medium": {"name": "nas-lima", "path": "/srv/copias"},
#   "private_key_file": "/media/usb/ana.asc", "seal_key": "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"}'
- name: Record that the controller came back
  perucompras.respaldo.backup_recover:
    phase: record
    reason: Incendio en el centro de datos
    authority: Jefa de la OTI, Acta 003-2027-OTI
"""

RETURN = r"""
kit:
  description: Label of the copy of the kit.
  returned: success, with O(phase=lay_out)
  type: str
  sample: MaletinDeRecuperacion_20261122
bitacora:
  description: Label of the copy of the bitácora.
  returned: success, with O(phase=lay_out)
  type: str
placed:
  description: The paths that have their place again.
  returned: success, with O(phase=lay_out)
  type: list
  elements: str
  sample: [/srv/inventario, /var/lib/respaldo/bitacora.sqlite]
unplaced:
  description: What of the kit has not its place, be it that something failed, that its manifest does not name it, or that nobody vouches for it. A warning each
    tells the why, and where it lies.
  returned: success, with O(phase=lay_out), not in check mode
  type: list
  elements: str
vouched:
  description: Who vouches for C(kit) and C(bitacora), C(custody), C(sha256), C(seal), C(bitacora) (an entry of it) or C(nobody).
  returned: success, with O(phase=lay_out), not in check mode
  type: dict
  sample: {kit: bitacora, bitacora: seal}
sealed_n:
  description: Up to which entry the seals by O(seal_key) reach; 0 where none was given. What comes after it no seal proves.
  returned: success, with O(phase=lay_out), not in check mode
  type: int
entries:
  description: Entries of the bitácora, all of them in one chain.
  returned: success, with O(phase=lay_out)
  type: int
head_n:
  description: Number of its last entry.
  returned: success, with O(phase=lay_out), not in check mode
  type: int
head_digest:
  description: Digest of that entry.
  returned: success, with O(phase=lay_out), not in check mode
  type: str
recovered:
  description: Whether there was a note of what was opened.
  returned: success, with O(phase=record)
  type: bool
backup:
  description: The entry C(controller_recovered).
  returned: changed, with O(phase=record)
  type: dict
error:
  description: What went wrong.
  returned: failure
  type: dict
  contains:
    code: {description: Stable code., type: str, sample: RSP103}
    name: {description: Name of the error., type: str, sample: invalid_input}
    message: {description: "What is wrong and where, in English.", type: str}
    hint: {description: "What to do about it, in English.", type: str}
    message_es: {description: The same message in Spanish., type: str}
    remedy_es: {description: The same remedy in Spanish., type: str}
"""
