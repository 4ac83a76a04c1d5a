# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of restic's repositories and their passwords (428, 465 to 468 of 4xx) and of redacting entries (739 of 7xx). The form of a row: errors.Fault."""

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
    (
        "RSP468", "snapshots_stay",
        "restic ended well, and {count} snapshots that it was to forget are still in {location}: {snapshots}",
        "See who may remove files there (rights, an immutable flag, a protection against deletion); the next removal tries again. No copy is lost.",
        "restic terminó bien y {count} instantáneas que debía olvidar siguen en {location}: {snapshots}",
        "Revise quién puede retirar archivos allí (permisos, atributo inmutable, protección contra borrado); el próximo retiro lo intenta de nuevo. No se "
        "perdió ninguna copia.",
    ),
    (
        "RSP428", "snapshot_shadowed",
        "in {location} another file has a name that begins as that of the snapshot {snapshot}, and restic opens neither",
        "This says nothing of the copy, which is whole or not as before. Programs that keep folders alike leave such files (snapshots/… copy, conflict): move "
        "it out of the repository, keep that program away from it, and run again.",
        "En {location} hay otro archivo cuyo nombre empieza como el de la instantánea {snapshot}, y restic no abre ninguno",
        "Esto no dice nada de la copia, que sigue tan íntegra como antes. Los programas que sincronizan carpetas dejan tales archivos (snapshots/… copia, "
        "conflicto): sáquelo del repositorio, impida que ese programa lo toque y repita.",
    ),
)
