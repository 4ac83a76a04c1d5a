# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One whole copy of a dump by the engine, as a server makes it: WHERE(disk|cloud) URL CA TYPE SOURCE(JSON) DIRECTORY."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "plugins" / "module_utils"))

from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.media import catalogue
from _engine.media.base import Slot
from _engine.sources import catalogue as sources
from _engine.transforms.encrypt import Keys


def main() -> None:
    where, url, authority, kind, given, directory = sys.argv[1:7]
    cloud = {"name": "nube", "type": "azure_blob", "endpoint": url, "container": "copias", "ca_certs": authority, "session": {"keys": {"*": "sp=c&sig=x"}}}
    disk = {"name": "disco", "path": directory, "create": True}
    source = sources.build(kind, {name: value for name, value in json.loads(given).items() if name != "type"}, [])
    slot = Slot("database", "SIGA", "SIGA_20261124")
    medium = catalogue.build(cloud if where == "cloud" else disk)
    made = making.make(Order(slot, keys=Keys("a password for the benchmark")), source, [medium])
    publishing.publish(slot, made.digest, [medium], made.notes)


if __name__ == "__main__":
    main()
