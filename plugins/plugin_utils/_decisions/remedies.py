# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about each sort of warning, where its own words do not say it (Spanish). An error's remedy, where there is one, goes before it."""

from __future__ import annotations

OF: dict[str, str] = {
    "overdue": "Vea con plan.yml por qué no se copió y ejecute site.yml; si no debía copiarse, justifíquelo con excuse.yml",
    "failed": "Corrija la causa y ejecute site.yml para ese sistema (backup_only)",
    "shrunk": "Compare con el sistema qué falta antes de que venzan las copias anteriores; si es correcto, no haga nada",
    "grown": "Revise qué creció y si los medios alcanzan; si es correcto, no haga nada",
    "verification": "No retire las copias anteriores; haga una copia nueva con site.yml y verifíquela con verify.yml",
    "untested": "Ejecute drill.yml para ese sistema",
    "noted": "Corrija lo que dice cada advertencia; la siguiente copia dirá si quedó",
    "partial": "Repare en el origen lo que nombran las advertencias de esa copia y copie de nuevo; hasta entonces queda la última copia buena",
    "transfer": "Corrija la causa y ejecute transfer.yml otra vez; lo que ya se trasladó no se repite",
    "prune": "Corrija la causa y ejecute prune.yml otra vez; nada que deba quedarse se retira",
    "restore": "Corrija la causa y repita restore.yml con la misma solicitud, o dígale a quien la pidió que no se podrá",
    "space": "Libere o amplíe el medio; prune.yml retira lo que la política permite, no borre copias a mano",
    "medium": "Corrija el acceso al medio y ejecute media_health.yml",
    "chain": "No escriba nada más sobre ese archivo: guarde una copia y compare con el último ancla (guía, 8.2)",
    "seal": "Ejecute cualquier tarea que copie: cada ejecución sella al terminar. Si no sella, revise la llave del sello",
    "anchor": "Ejecute anchor.yml y revise el servicio del ancla",
    "entries": "Revise quién escribió esos asientos (bitacora.yml los nombra)",
    "refused": "Revise quién controla ese servidor antes de volver a usarlo",
    "designation": "Designe a alguien en backup_actors, con sus fechas y su documento",
    "schedule": "Revise que el controlador y sus temporizadores estén en marcha, y ejecute lo que no corrió",
    "late": "No hace falta repetirla: vea en su programador por qué no empezó a su hora; el siguiente inicio a su hora termina este aviso",
    "purpose": "Vea los asientos de esa ejecución, corrija lo que dicen y ejecute de nuevo el playbook",
    "heartbeat": "Vea si ese servicio responde desde el controlador, y su url, token, proxy y ca_certs en backup_heartbeats",
    "letters": "Revise el servidor de correo (backup_letters_mail) y la dirección de la persona",
    "forge": "Revise la forja y su credencial; vuelva a ejecutar source_code.yml",
    "custody": "Corrija lo que dice y ejecute custody.yml",
    "unsent": "Corrija el correo de esa persona en backup_actors; se le envía otra vez en la siguiente ejecución",
}


def told(name: str, own: str) -> str:
    """The remedy that a message tells: the error's own, else that of the sort of condition; empty where the text says it itself."""
    return own or OF.get(name, "")
