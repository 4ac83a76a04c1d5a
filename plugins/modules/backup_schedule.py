#!/usr/bin/python
# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of the same name; it runs on the controller, so there is nothing to run here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_schedule
short_description: Check the inventory's schedule, and make timers of systemd or the plan of another scheduler of it
version_added: 0.3.0
description:
  - Checks O(schedule) against the policy and what the systems of all hosts ask for (numerals 5.1, 6.4, 6.6, 7.2.1, 7.2.3), and adds the defaults for what it
    does not name.
  - With O(scheduler=systemd), makes a service and a timer for each purpose on the controller, C(respaldo-PURPOSE.service) and C(.timer), and
    C(respaldo-fallo@.service), which records a start that could not record anything itself. Each is shown to C(systemd-analyze verify) before it is put
    in its place.
  - Removes units that it made before for the same inventory and that are no longer wanted. It knows them by their whole first line, and touches no others.
    What somebody added beside a unit (C(systemctl edit)) stays, and is told by a warning.
  - Each purpose that is put in force or taken away has its entry C(schedule_set) or C(schedule_removed) in the bitácora; by these
    M(perucompras.respaldo.backup_warn) tells later which start did not come.
  - No secret stands in a unit. The vault's password is named by the path of its file.
  - With another O(scheduler), touches nothing of it. RV(schedules) is what its own modules are to make, and O(phase=record), after them, writes the entries.
  - Of each purpose the last entry counts, by whichever scheduler. So a move from one to another is an entry, and what is removed later from the one that was
    left takes nothing from the new one.
  - Runs on the controller, for timers as root.
notes:
  - Fails with RSP101 for a schedule that is not valid or not enough, RSP740 for a unit of that name that is not of this inventory, RSP743 where systemd does
    not run, and RSP744 when systemd refuses.
options:
  schedule:
    description:
      - What runs when, a table by purpose. Purposes are V(copies) (C(site.yml)), V(drills), V(verification), V(prune), V(transfer), V(custody), V(anchor),
        V(azure_backup), V(media_health), V(reports), V(warnings), V(requests), V(letters), V(metrics) and V(reconcile).
      - Each is a table with V(at) (C(HH:MM), in the policy's time zone), and with V(days) (names of days of the week) or V(month_day) (1 to 28) unless it
        is for every day; or with V(every_minutes), which divides an hour or a day.
      - V(delay_minutes) is how much later a start may come (5, or 0 with V(every_minutes)), V(grace_minutes) after how long its absence is told (120).
      - V(catch_up) says whether a start that fell into an outage of the controller comes as soon as that is over (true), or waits for its next hour, by timers
        of systemd. AWX, Semaphore and cron take no notice of it. What did not begin is told either way.
      - V(reason) says why copies run in working hours. V(off), a reason, alone, says that a purpose does not run; what the policy needs can't be off.
      - What is not named runs by default when the inventory has use for it, but V(reconcile).
    type: dict
  scheduler:
    description:
      - Who starts the playbooks. With V(cron), whose lines a person writes, RV(summary) has the five fields of each, and only the entries are made.
    type: str
    choices: [systemd, awx, semaphore, cron]
    default: systemd
  phase:
    description:
      - Of a scheduler other than systemd, V(plan) checks and tells what it is to have, and V(record) also writes what differs from what the bitácora says is
        in force, for when the scheduler has it.
    type: str
    choices: [plan, record]
    default: plan
  state:
    description: V(absent) takes away all that was made for this inventory.
    type: str
    choices: [present, absent]
    default: present
  inventories:
    description: Paths of the inventory that the timers give to C(ansible-playbook). By default those of this run.
    type: list
    elements: path
    default: []
  vault_ids:
    description: Files of the vault's password, each as C(--vault-id) takes it, a path or C(LABEL@PATH). By default those of this run.
    type: list
    elements: str
    default: []
  command:
    description: Path of C(ansible-playbook). By default the one of this run.
    type: path
    default: ""
  directory:
    description: Where systemd reads units.
    type: path
    default: /etc/systemd/system
  show:
    description: Also print what is scheduled, in Spanish.
    type: bool
    default: false
extends_documentation_fragment:
  - perucompras.respaldo.planning.policy
  - perucompras.respaldo.groups.policy
attributes:
  check_mode:
    description: Checks all, and tells what would be written and removed; the entries are recorded as simulated.
    support: full
  diff_mode:
    description: Shows each unit before and after.
    support: full
author:
  - perucompras.respaldo contributors (@perucompras)
"""

EXAMPLES = r"""
- name: Copies an hour later, and a transfer in the middle of the month
  perucompras.respaldo.backup_schedule:
    schedule:
      copies: {at: "23:00"}
      transfer: {at: "06:30", month_day: 15}
      custody: {at: "09:00", days: [saturday]}
      warnings: {every_minutes: 30}

- name: What AWX is to have
  perucompras.respaldo.backup_schedule:
    schedule: "{{ backup_schedule | default({}) }}"
    scheduler: awx
  register: planned

- name: AWX has it
  perucompras.respaldo.backup_schedule:
    schedule: "{{ backup_schedule | default({}) }}"
    scheduler: awx
    phase: record
"""

RETURN = r"""
summary:
  description: What is in force, a line of Spanish for each purpose.
  returned: success
  type: list
  elements: str
calendars:
  description: The same as systemd has it, by purpose.
  returned: success, of systemd
  type: dict
  sample: {"copies": "*-*-* 22:00:00 America/Lima"}
schedules:
  description: What another scheduler is to have, a table for each purpose.
  returned: success, of another scheduler
  type: list
  elements: dict
  contains:
    purpose: {description: Its name., type: str, sample: copies}
    playbook: {description: "Its playbook, in C(playbooks).", type: str, sample: site.yml}
    title: {description: What it is in Spanish., type: str}
    zone: {description: The policy's time zone., type: str, sample: America/Lima}
    at: {description: "Its hour, or nothing where it runs each few minutes.", type: str, sample: "22:00"}
    days: {description: "Days of the week; none is every day.", type: list, elements: str}
    month_day: {description: "Day of the month; 0 is every day.", type: int}
    every_minutes: {description: "Minutes between starts; 0 where it has an hour.", type: int}
    delay_minutes: {description: How much later a start may come., type: int}
    grace_minutes: {description: After how many minutes more its absence is told., type: int}
    rrules:
      description: Rules as AWX takes them.
      type: list
      elements: str
      sample: ["DTSTART;TZID=America/Lima:20260101T220000 RRULE:FREQ=DAILY;INTERVAL=1"]
    cron: {description: "Five fields of cron, by the clock of the zone.", type: str, sample: "0 22 * * *"}
written:
  description: Units that were written, or would be.
  returned: success, of systemd
  type: list
  elements: str
removed:
  description: Units that were removed, or would be.
  returned: success, of systemd
  type: list
  elements: str
enabled:
  description: Timers that were as they should be, but stopped or disabled.
  returned: success, of systemd
  type: list
  elements: str
reread:
  description: Units whose files were as they should be, but which systemd had not read since, as after a run that was killed.
  returned: success, of systemd
  type: list
  elements: str
backup:
  description: The entries.
  returned: changed
  type: list
  elements: dict
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
