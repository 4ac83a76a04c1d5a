# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies one mailbox by the engine of backup_mailbox, without Ansible: HOST PORT USER FILE_OF_PASSWORD CA_FILE MEDIUM WORK. Says what it made, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins" / "module_utils"))

from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.media.base import Slot
from _engine.media.local import Local
from _engine.sources.imap import Imap
from _engine.transforms.encrypt import Keys


def main() -> None:
    host, port, user, password, authority, medium, work = sys.argv[1:8]
    source = Imap(host=host, port=int(port), user=user, password=Path(password).read_text("utf-8"), ca_certs=authority, work_dir=work)
    slot, media = Slot("mailbox", "Buzon", "Buzon_20260101"), [Local("disco", medium, create=True)]
    made = making.make(Order(slot, keys=Keys("clave de prueba")), source, media)
    publishing.publish(slot, made.digest, media)
    print(json.dumps({"mails": source.objects(), "lacks": source.lacks()}))


if __name__ == "__main__":
    main()
