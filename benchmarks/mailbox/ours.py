# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One mailbox by the engine of backup_mailbox, without Ansible: VERB HOST PORT USER FILE_OF_PASSWORD CA_FILE MEDIUM WORK. Says what it did, as JSON.

copy: a copy of the mailbox; prove: that copy restored into scratch and compared (T3); give: it given back into the mailbox.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins" / "module_utils"))

from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.copies.streamed import StreamedCopy
from _engine.media.base import Slot
from _engine.media.local import Local
from _engine.sources.imap import Imap
from _engine.transforms.encrypt import Keys

KEYS = Keys("clave de prueba")
SLOT = Slot("mailbox", "Buzon", "Buzon_20260101")


def main() -> None:
    verb, host, port, user, password, authority, medium, work = sys.argv[1:9]
    source = Imap(host=host, port=int(port), user=user, password=Path(password).read_text("utf-8"), ca_certs=authority, work_dir=work)
    where = Local("disco", medium, create=True)
    if verb == "copy":
        made = making.make(Order(SLOT, keys=KEYS), source, [where])
        publishing.publish(SLOT, made.digest, [where])
        print(json.dumps({"mails": source.objects(), "lacks": source.lacks()}))
        return
    with StreamedCopy(SLOT, where, KEYS) as copy:
        if verb == "prove":
            print(json.dumps({"proved": source.rehearse(copy, work)}))
            return
        source.choose({"format": "mailbox"})
        told = source.restore(copy, source.default_target(copy.manifest), False)
        print(json.dumps({"mails": told["objects"], "lacks": told["not_back"], "remarks": [each.key for each in source.remarks()]}))


if __name__ == "__main__":
    main()
