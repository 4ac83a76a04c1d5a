# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of changing a repository's password (465 to 467 of 4xx) and of redacting entries (739 to 741 of 7xx). The form of a row: errors.Fault."""

from __future__ import annotations

ROWS = (
    (
        "RSP465", "repository_out_of_reach",
        "the password of the repository {repository} can't be changed from {host}: {detail}",
        "All its media must take the new password before it is in force: declare them in backup_media of this host, bring them back, or remove by "
        "reconcile.yml the copies that are lost. Nothing was changed.",
        "La contraseña del repositorio {repository} no puede cambiarse desde {host}: {detail}",
        "Todos sus medios deben aceptar la contraseña nueva antes de que rija: declárelos en backup_media de este servidor, conéctelos, o dé por perdidas con "
        "reconcile.yml las copias que ya no existen. No se cambió nada.",
    ),
    (
        "RSP466", "key_unknown",
        "{key} is not the key in force of any repository chosen, nor one that was replaced",
        "Give the key id that custody and the entries of copies show (repository_key_id), or a date (repository_key_before).",
        "{key} no es la clave vigente de ningún repositorio elegido, ni una ya reemplazada",
        "Escriba el identificador que muestran los asientos de las copias (repository_key_id), o una fecha (repository_key_before).",
    ),
    (
        "RSP467", "key_not_in_force",
        "the former password of the repository {repository} stays: {detail}",
        "Run repository_key.yml again: it puts the new password in force first.",
        "La contraseña anterior del repositorio {repository} se queda: {detail}",
        "Repita repository_key.yml: primero pone en vigor la contraseña nueva.",
    ),
    (
        "RSP739", "redaction_refused",
        "the entry {n} can't be redacted: {detail}",
        "Only free text of entries can be: {fields}. What decides about copies stays readable for all.",
        "El asiento {n} no puede tacharse: {detail}",
        "Solo puede tacharse texto libre: {fields}. Lo que decide sobre las copias queda a la vista.",
    ),
)
