# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One intake as backup_request_mail does it, without the seconds that Ansible takes to begin: to be killed. Its arguments come as JSON."""

from __future__ import annotations

import json
import sys

from ansible_collections.perucompras.respaldo.plugins.action import backup_request_mail as action
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._mail import house, intake

told = json.loads(sys.argv[1])
mailbox = told["mailbox"]
judged = house.of({"mailbox": mailbox, "origin": told["origin"], "key": told["key"], "addresses": []}, told["rules"], [])
print("reading", flush=True)
action._all(action._Done(), mailbox, judged, intake.Where(told["run"], "localhost", mailbox["taken"], mailbox["set_aside"]))
