# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_plan
short_description: Check policy, systems and media, and say which copies are due and why
version_added: 0.1.0
description:
  - Checks the policy (the manual as data), the systems and the media of a host before anything is touched.
    Every mistake is told at once, each with its key, its value and the mend.
  - Then says of each system whether a copy is due, by the frequencies of numeral 6.4 and the last good copy in the bitácora,
    with the reason in a sentence. A good copy is one that was read back (trust level T2).
  - All systems are checked; O(kind) and O(only) choose those that are planned.
  - Names of systems must be unique for a kind over all hosts of the play, regardless of accents, spaces and case,
    since labels (numeral 6.7) are made of them.
  - With O(show), says where the inventory holds secrets in clear (numeral 5.2); a policy with C(secrets_in_clear=refuse) then plans nothing (RSP123).
  - With O(record), a change of who is designated is an entry C(designation_changed) (numeral 5.1 b); with O(show), days without anybody are told.
  - Nothing is copied or changed, and no secret is returned.
options:
  systems:
    description:
      - The systems whose data lies on this host.
      - Each has V(name), V(kind) (V(database), V(source_code), V(file_server) or V(mailbox)), V(criticality) (V(alta), V(media) or V(baja)),
        V(office) and V(source), and may have V(responsible), V(media), V(minimum_size) (bytes), V(compression) (V(zstd), V(gzip), V(xz)),
        V(encryption_format) (V(gpg), or V(7z) for receivers on Windows; by default that of its criticality), V(enabled), and V(moved_from), the host that
        made its copies before, for a system that was moved or a host that was renamed (RSP120).
      - V(depends_on) names the systems that must serve before it does. M(perucompras.respaldo.backup_recovery_plan) puts it after them.
      - V(responsible) is a name, or dated designations of one person after another, each with V(name) and V(from), and V(until), V(email) and V(document).
        On a day without one, the EGCR of its kind answers.
      - V(hooks) may have V(before) and V(after), lists of commands that run around the making of its copy, each with V(argv) (the full path of a program
        and its arguments, no shell), V(name), V(on) (V(server), or V(controller)) and V(timeout_seconds) (300). See M(perucompras.respaldo.backup_database).
      - V(source) has a V(type). What each type takes beside it follows; V(run_as) is the account of the server that reads the source.
      - V(postgresql) takes V(databases) (a list, a text with commas between, or V(all)), V(host), V(port), V(user), V(password), V(run_as), V(globals),
        V(bin_dir), V(owners), V(strict), V(rehearse_on_live), V(scratch_server), V(on_missing), V(jobs) and
        V(jobs_from). V(mariadb) takes V(socket) too, and the same but V(owners), V(strict), V(jobs) and V(jobs_from).
      - V(sqlite) takes V(path) and V(work_dir).
      - V(command) takes the argument lists V(dump), V(verify), V(restore) and V(rehearse), V(extension), V(password) and V(run_as).
      - V(git) takes V(path) or V(url), V(lfs) (V(auto), V(require), V(skip)) and V(identity_file) or V(ssh_key), V(known_hosts),
        V(username), V(password) and V(work_dir).
      - V(paths) takes V(paths) and V(exclude). V(restic) takes them too, and what else M(perucompras.respaldo.backup_files) has in its source.
      - V(imap) takes V(host), V(user), V(password) or V(oauth), V(port), V(ca_certs), V(work_dir), V(compare) and V(on_missing), V(graph) takes V(user),
        V(oauth), V(endpoint), V(work_dir) and V(on_missing), see M(perucompras.respaldo.backup_mailbox).
      - V(azure_backup) names what Azure Backup copies by itself, see M(perucompras.respaldo.azure_backup_setup); it has no V(media), is never due here,
        and is said to be overdue when its copies are.
    type: list
    elements: dict
    required: true
  media:
    description:
      - Where copies lie (numeral 6.5). Each has V(name) and V(path), and may have V(type) (V(local)) and V(create).
        Systems that name no medium go to all of them but those with V(default=false).
      - A directory of another server has V(host) too, and may have V(port), V(user), V(identity_file) or V(ssh_key), and V(known_hosts).
    type: list
    elements: dict
    required: true
  custodians:
    description:
      - Who keeps the passwords of encrypted copies (numerals 5.2, 7.2.1 b); they are checked only. Each has V(name) and V(type), and may have
        V(required) (V(true); with V(false) copies go on without it) and V(retired) (it is read from and receives nothing more).
      - V(vault_file) has V(path), a directory of the controller, whose files Ansible Vault encrypts, and may have V(vault_id), the identity that
        closes them, which is their label; needed when a run has several and ANSIBLE_VAULT_ENCRYPT_IDENTITY names none (RSP738).
      - V(azure_key_vault) has V(vault_name) or V(vault_uri), and may have V(prefix), V(auth) (the identity, with azure.azcollection's names),
        V(proxy), V(ca_certs) and V(retry_seconds). The identity needs get, set and list of secrets (Key Vault Secrets Officer).
      - V(hashicorp_vault) (HashiCorp Vault or OpenBao) has V(address) and V(token), or V(role_id) and V(secret_id), and may have V(mount) (V(secret), a KV
        engine of version 2), V(path) (V(respaldo)), V(namespace), V(auth_mount) (V(approle)), V(proxy), V(ca_certs) and V(retry_seconds).
        Its policy needs create, read and list.
      - Empty means that a directory (C(backup_custody_directory)) is the only one.
    type: raw
    default: []
  only:
    description: Only the systems of these names are planned; a name that no host of the play declares is an error. Empty means all.
    type: list
    elements: str
    default: []
  emergency_reason:
    description: Makes every enabled system due at once, for the reason given here (numeral 5.1 d). A blank reason is an error.
    type: str
    default: ''
  request:
    description: The request of a head of an office, which makes the systems planned due at once. Without ticket and requester it is refused.
    type: dict
    suboptions:
      ticket:
        description:
          - Ticket of the request (numeral 7.1.2, M(perucompras.respaldo.backup_request)), for a copy and authorised, or the help desk's number that is bound to
            it. Anything else is RSP763, and a request of another office than that of a system planned is RSP762, before anything is touched.
        type: str
        default: ''
      requester:
        description: Who asked for it.
        type: str
        default: ''
      reason:
        description: What for.
        type: str
        default: ''
  catch_up:
    description: V(now) copies what an outage left behind even where the policy asks a person first (V(catch_up=ask)) or waits for the next window.
    type: str
    choices: ['', now]
    default: ''
  record:
    description: Returns RV(backup), so that the bitácora tells in one entry which systems are not copied now and why. The roles that copy ask for it.
    type: bool
    default: false
  show:
    description: Also print the plan as a table in Spanish.
    type: bool
    default: false
  tell:
    description: Also print RV(summary).
    type: bool
    default: false
  guard:
    description: Also prove first what M(perucompras.respaldo.bitacora_guard) proves, as a task of its own would.
    type: bool
    default: false
    version_added: "0.2.0"
  night:
    description:
      - These kinds are looked at together, as the first task of a play of all of them, after what M(perucompras.respaldo.bitacora_guard) proves.
        Repositories and directories that are due when they changed are asked, each type of a server in one question.
        Of a kind of which nothing is due, refused or left by a run that died (M(perucompras.respaldo.backup_settle)) that is told and recorded as with O(tell)
        and O(record), in an entry of the kind. RV(kinds) are the others, of which nothing is recorded, since the plan of each comes next.
    type: list
    elements: str
    choices: [database, source_code, file_server, mailbox]
    default: []
  unchanged:
    description:
      - Rows of RV(plan) that were V(if_changed), whose sources were asked and hold what their last copies do. Where there are any nothing is planned, and they
        are told and recorded as not due.
    type: list
    elements: dict
    default: []
    version_added: 0.3.0
extends_documentation_fragment:
  - perucompras.respaldo.backup.assigned
  - perucompras.respaldo.backup.any_kind
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: The plan is the same, since nothing is changed.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: What is due on this host, and why
  perucompras.respaldo.backup_plan:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
    actors: "{{ backup_actors | default(omit) }}"
  register: planned

- name: Tell it to people
  ansible.builtin.debug:
    var: planned.summary

- name: Show the plan as a table
  perucompras.respaldo.backup_plan:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
    show: true

- name: Databases at once, because of a risk (numeral 5.1 d)
  perucompras.respaldo.backup_plan:
    systems: "{{ backup_systems }}"
    media: "{{ backup_media }}"
    kind: database
    emergency_reason: Alerta de ransomware en la red
"""

RETURN = r"""
systems:
  description: How many systems of this host asked for. A run in which it is 0 for every host is empty, and ends with 71.
  returned: success
  type: int
  sample: 3
due:
  description: With O(record), the systems that this run is to copy; when it began none of them, the bitácora says so at the end of the run.
  returned: success
  type: list
  elements: dict
  contains:
    kind: {description: Kind., type: str, sample: database}
    system: {description: System., type: str, sample: SIGA}
idle:
  description: Whether nothing of the kinds of O(night) is due, refused, or to be settled.
  returned: with O(night)
  type: bool
kinds:
  description: The kinds of O(night) of which something is, in their order.
  returned: with O(night)
  type: list
  elements: str
  sample: [source_code]
digests:
  description: What the repositories and directories hold that were asked, by system. One that could not be asked is not there.
  returned: with O(night)
  type: dict
unsettled:
  description: Whether a run that died left a copy of these systems on this host that M(perucompras.respaldo.backup_settle) would settle.
  returned: without O(night)
  type: bool
  sample: false
guarded:
  description: That what M(perucompras.respaldo.bitacora_guard) proves was proved here.
  returned: with O(guard) or O(night)
  type: bool
findings:
  description: As M(perucompras.respaldo.bitacora_guard) tells them.
  returned: with O(guard) or O(night)
  type: list
  elements: dict
backup:
  description: The entries for the systems that are not copied now, with their reasons; one for those refused, one for the others, or more when they are many.
  returned: when O(record) and there are any, and with O(night) for the kinds of which nothing is due
  type: list
  elements: dict
  sample:
    - {event: copy_not_due, objects: 2, reason_text: "SIGA: No corresponde hasta el 29/11/2026: la última copia buena es del 22/11/2026 (numeral 6.4)"}
plan:
  description: The systems asked for, in the order of the inventory.
  returned: success
  type: list
  elements: dict
  contains:
    index:
      description: Position of the system in O(systems), to take its source from there.
      type: int
    system:
      description: Name of the system as declared.
      type: str
    canonical:
      description: Its name in labels and directories.
      type: str
    kind:
      description: Its kind.
      type: str
    source_type:
      description: What it is copied from.
      type: str
    criticality:
      description: Its criticality.
      type: str
    office:
      description: The office (órgano) it belongs to.
      type: str
    responsible:
      description: The EGCR in charge today (numeral 5.2).
      type: str
    numeral:
      description: Numeral of the manual that rules this copy.
      type: str
    due:
      description: V(if_changed) means that the source must be asked whether it differs from the last copy.
      type: str
    state:
      description:
        - V(due), V(overdue) (the due day has passed), V(not_due), V(if_changed), V(outside_window) (due, but not during working hours),
          V(ask) (overdue, and the policy wants a person's word), V(waiting_for_request) or V(refused).
      type: str
    overdue_days:
      description: Whole days after the due day, less the policy's C(overdue_after_days). It is told whatever keeps the system from being copied now.
      type: int
    window_opens:
      description: When working hours end, as C(YYYY-MM-DD HH:MM) of the policy's zone, for V(outside_window).
      type: str
    reason:
      description: V(scheduled), V(update), V(emergency) or V(request).
      type: str
    why:
      description: The reason in Spanish, with its numeral.
      type: str
    why_en:
      description: The reason in English.
      type: str
    next_due:
      description: Day on which a copy is due, in the policy's time zone.
      type: str
    encrypt:
      description: Whether its criticality asks for a password (numeral 7.2.1 b).
      type: bool
    working_hours:
      description: Whether it is working hours now (numeral 6.4); a copy may then take less of the network.
      type: bool
    required_trust:
      description: Trust level that its copies must reach to count for retention.
      type: str
    public_keys:
      description: OpenPGP public keys, armoured, of those who may open the copy; empty when its criticality asks for no password, and for
        V(7z), which only the password in custody opens.
      type: list
      elements: str
    encryption_format:
      description: Format of an encrypted copy, V(gpg) or V(7z).
      type: str
    compression:
      description: Compression to use.
      type: str
    minimum_size:
      description: A copy with fewer bytes is refused.
      type: int
    media:
      description: Names of the media that receive the copy.
      type: list
    retention:
      description: How long the policy keeps its copies, in Spanish; empty when no rule says so and nothing is removed.
      type: str
    retention_until:
      description: Day (C(YYYY-MM-DD) of the policy's zone) until which a copy of today is kept for certain, by its age (C(days), C(months)). The other rules
        keep it until later ones take its place, which has no date.
      type: str
    previous_label:
      description: Label of the last good copy, when there is one.
      type: str
    previous_size:
      description: Its size in bytes.
      type: int
    previous_content_digest:
      description: Identity of its content, for sources that have one.
      type: str
    previous_at:
      description: Its start, UTC.
      type: str
  sample:
    - {index: 0, system: SIGA, canonical: SIGA, kind: database, due: "yes", reason: scheduled,
       why: "No existe ninguna copia buena anterior (numeral 6.4)"}
summary:
  description: One Spanish line a system.
  returned: success
  type: list
  sample: ["SIGA (database): corresponde. No existe ninguna copia buena anterior (numeral 6.4)"]
time_zone:
  description: Time zone of the policy, for labels.
  returned: success
  type: str
  sample: America/Lima
institution:
  description: The institution of the policy.
  returned: success
  type: str
manual:
  description: The manual that the policy encodes.
  returned: success
  type: str
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
