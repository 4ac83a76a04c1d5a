# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be scheduled: each purpose is a playbook of ours, what it is in Spanish, and when it runs where nobody says otherwise.

The default hours are of one night: the copies after work, restore tests and verification behind them, then what is removed or carried away, each with room
for the one before. What has no default runs only where the inventory asks for it.
"""

from __future__ import annotations

from typing import NamedTuple

from .when import When


class Purpose(NamedTuple):
    playbook: str           # its name in playbooks/, without .yml
    title: str              # Spanish
    default: When | None
    locks: bool = False     # whether it takes the lock of a system on its media: two of these in the same hour wait for each other (RSP404)


PURPOSES = {
    "copies": Purpose("site", "copias que corresponden", When("22:00"), True),
    "drills": Purpose("drill", "pruebas de restauración", When("01:00"), True),
    "verification": Purpose("verify", "verificación de copias y bitácora", When("03:30"), True),
    "prune": Purpose("prune", "retiro de copias fuera de retención", When("05:30"), True),
    "transfer": Purpose("transfer", "traslado mensual al repositorio", When("06:30", month_day=1), True),
    "custody": Purpose("custody", "custodia de contraseñas", When("08:30", ("sunday",)), True),
    # twice a week: the policy's anchor_days (7) would be over just before the next one of a week
    "anchor": Purpose("anchor", "ancla del sello de la bitácora", When("07:30", ("monday", "thursday"))),
    "azure_backup": Purpose("azure_backup", "verificación de Azure Backup", When("07:00")),
    "media_health": Purpose("media_health", "estado de los medios", When("07:15")),
    "reports": Purpose("report", "reportes y tablero", When("06:45")),
    "warnings": Purpose("warn", "avisos", When(every_minutes=60)),
    "requests": Purpose("requests", "lectura del buzón de solicitudes", When(every_minutes=10)),
    "letters": Purpose("letters", "correos de las solicitudes", When(every_minutes=10)),
    "metrics": Purpose("metrics", "cifras para Prometheus", When(every_minutes=30)),
    # verify.yml compares media and bitácora too
    "reconcile": Purpose("reconcile", "conciliación de medios y bitácora", None),
}
DEFAULT_DELAY = 5         # minutes that a start may come later, so that not everything of an institution begins in the same second
DEFAULT_GRACE = 120       # minutes after which a start that did not come is told
