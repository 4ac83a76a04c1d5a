# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of what is told of a copy and brought back from it: 5xx verification; 6xx restore. The form of a row: errors.Fault."""

from __future__ import annotations

ROWS = (
    # -- 5xx verification -------------------------------------------------------------------------------------------
    (
        "RSP501", "bytes_differ",
        "{file} does not have the bytes that were recorded: {detail}",
        "The copy is damaged. Use another copy and replace the medium if it happens again.",
        "{file} no contiene los bytes registrados: {detail}",
        "La copia está dañada. Use otra copia y cambie el medio si se repite.",
    ),
    (
        "RSP502", "structure_unreadable",
        "{file} can't be read back as {format}: {detail}",
        "The copy is not good. Look at the tool's message and make a new one.",
        "{file} no se puede leer como {format}: {detail}",
        "La copia no sirve. Revise el mensaje de la herramienta y genere una nueva.",
    ),
    (
        "RSP503", "restored_differs",
        "what was restored from {label} differs from what was copied: {detail}",
        "Do not trust this copy; make a new one and look at the difference.",
        "Lo restaurado desde {label} difiere de lo copiado: {detail}",
        "No confíe en esta copia; genere una nueva y revise la diferencia.",
    ),
    (
        "RSP504", "manifest_unreadable",
        "the manifest of {label} on {location} can't be read: {detail}",
        "Without its manifest a copy is not whole. Use another copy.",
        "No se puede leer la ficha de {label} en {location}: {detail}",
        "Sin su ficha una copia no está completa. Use otra copia.",
    ),
    (
        "RSP505", "copies_still_missing",
        "{count} copies of {system} are still missing or different on {location}: {labels}",
        "Bring them back, then run reconcile.yml or verify.yml. What is lost for good: reconcile_lost_labels and reconcile_lost_reason.",
        "Siguen faltando o difieren {count} copias de {system} en {location}: {labels}",
        "Recupérelas y ejecute reconcile.yml o verify.yml. Lo perdido para siempre: reconcile_lost_labels y reconcile_lost_reason.",
    ),
    (
        "RSP506", "nothing_to_drill",
        "{system} has {count} copies and none of them is good: there is nothing to restore",
        "Make a copy now, and find out what happened to those there were (bitacora.yml, verify.yml with verify_copies=0).",
        "{system} tiene {count} copias y ninguna es buena: no hay qué restaurar",
        "Genere una copia ahora y averigüe qué pasó con las anteriores (bitacora.yml, verify.yml con verify_copies=0).",
    ),
    (
        "RSP507", "source_differs",
        "{file} of the source has the size and time it had when {label} was made, but other bytes",
        "One of the two was altered without a trace: compare both before the next copy replaces the good one.",
        "{file} del origen tiene el tamaño y la hora que tenía al generarse {label}, pero otros bytes",
        "Uno de los dos se alteró sin dejar rastro: compárelos antes de que la próxima copia reemplace a la buena.",
    ),
    (
        "RSP508", "rehearsal_unavailable",
        "whether {label} restores could not be told: {detail}",
        "The copy keeps the trust level it has. Install the server programs of that version on this host (they need not run), and let the module run as "
        "root where Linux namespaces are allowed; rehearse_on_live: true in the source loads it into the live server instead, with the risk the guide tells.",
        "No se pudo determinar si {label} se restaura: {detail}",
        "La copia conserva su nivel de confianza. Instale aquí los programas del servidor de esa versión (no necesitan estar en marcha) y ejecute como root "
        "donde se permitan los espacios de nombres de Linux; con rehearse_on_live: true en source se prueba en el servidor en producción, con el riesgo que "
        "describe la guía.",
    ),
    (
        "RSP509", "rehearsal_lacks",
        "whether {label} restores could not be told: the throw-away server lacks something that the source's has: {detail}",
        "The copy keeps the trust level it has. Install what is missing on this host (an extension's package, a locale), then verify again.",
        "No se pudo determinar si {label} se restaura: al servidor de prueba le falta algo que tiene el de origen: {detail}",
        "La copia conserva su nivel de confianza. Instale aquí lo que falta (el paquete de una extensión, una configuración regional) y vuelva a verificar.",
    ),
    (
        "RSP510", "rehearsal_no_room",
        "whether {label} restores could not be told: it needs about {needed} bytes in {directory}, which has {free} free",
        "The copy keeps the trust level it has. Give scratch a directory with that much room, then verify again.",
        "No se pudo determinar si {label} se restaura: requiere unos {needed} bytes en {directory}, que tiene {free} libres",
        "La copia conserva su nivel de confianza. Indique en scratch un directorio con ese espacio y vuelva a verificar.",
    ),
    (
        "RSP511", "restore_incomplete",
        "{label} comes back in {target}, but not whole: {detail}",
        "The bytes of the copy and all its rows are right. Correct what the message names in the source, or set strict: false to have all but that.",
        "{label} vuelve en {target}, pero no completa: {detail}",
        "Los bytes de la copia y todas sus filas están bien. Corrija en el origen lo que nombra el mensaje, o indique strict: false para tener todo lo demás.",
    ),
    (
        "RSP512", "packet_too_small",
        "the server takes no statement larger than {allowed} bytes, and the copy has one for {target}: {detail}",
        "The copy is good. SET GLOBAL max_allowed_packet = 1073741824; on that server (and in its configuration), then restore again.",
        "El servidor no acepta sentencias de más de {allowed} bytes, y la copia tiene una para {target}: {detail}",
        "La copia es buena. Ejecute SET GLOBAL max_allowed_packet = 1073741824; en ese servidor (y póngalo en su configuración) y restaure de nuevo.",
    ),
    (
        "RSP513", "object_unreadable",
        "{source}: the rows of {object} can't be read: {detail}",
        "No copy was made. Repair that table, or bring it back from the last good copy. To have all the rest copied meanwhile, this table told as "
        "missing, set on_missing: partial in the source: such a copy is partial, and the last one that lacks nothing stays.",
        "{source}: no se pueden leer las filas de {object}: {detail}",
        "No se hizo copia. Repare esa tabla o recupérela de la última copia buena. Para copiar mientras tanto todo lo demás, con esta tabla avisada como "
        "faltante, indique on_missing: partial en source: esa copia es parcial, y la última que no carece de nada se conserva.",
    ),
    (
        "RSP514", "missing_refused",
        "a copy of {source} would not be whole: {detail}",
        "on_missing: refuse lets no copy lack what the server has. Mend what the message names, or set on_missing: tell to have the rest copied and this told.",
        "Una copia de {source} no sería completa: {detail}",
        "on_missing: refuse no admite copias a las que falte algo del servidor. Corrija lo que nombra el mensaje, o indique on_missing: tell para "
        "copiar lo demás y dejarlo avisado.",
    ),
    (
        "RSP515", "scratch_server_live",
        "{server}, named as scratch_server to rehearse {label}, is the live server or one that sends to it what is made there",
        "The copy keeps the trust level it has, and nothing was loaded. Name a server that has nothing to do with the live one, or none: then a throw-away one "
        "is made.",
        "{server}, indicado como scratch_server para probar {label}, es el servidor en producción o uno que le transmite lo que se crea en él",
        "La copia conserva su nivel de confianza y nada se cargó. Indique un servidor sin relación con el de producción, o ninguno: entonces se levanta uno "
        "desechable.",
    ),
    (
        "RSP516", "scratch_server_unusable",
        "whether {label} restores could not be told: {server}, named as scratch_server, can't be used for it: {detail}",
        "The copy keeps the trust level it has. See that this server runs, that its account may make databases, and that the live one answers too.",
        "No se pudo determinar si {label} se restaura: {server}, indicado como scratch_server, no se puede usar: {detail}",
        "La copia conserva su nivel de confianza. Vea que ese servidor funcione, que su cuenta pueda crear bases y que el de producción también responda.",
    ),
    (
        "RSP517", "copies_not_adopted",
        "of {system} on {location} not all that was asked for is taken into the bitácora ({count}): {labels}",
        "The output says of each why. What is not whole or not ours stays there and counts for nothing; what only lacked its key or its tool is taken in by "
        "running it again.",
        "De {system} en {location} no se adoptó todo lo que se pidió ({count}): {labels}",
        "La salida dice de cada una por qué. La que no está entera o no es propia queda allí y no cuenta; la que solo carecía de su clave o herramienta "
        "se adopta al ejecutar de nuevo.",
    ),
    # -- 6xx restore ------------------------------------------------------------------------------------------------
    (
        "RSP601", "target_exists",
        "the target {target} already holds data",
        "Restore beside it under another name, or say overwrite: true if it really must be replaced.",
        "El destino {target} ya contiene datos",
        "Restaure al lado con otro nombre, o indique expresamente que se reemplace (restore_overwrite).",
    ),
    (
        "RSP602", "restore_failed",
        "{label} could not be restored into {target}: {detail}",
        "What had been created was removed again; the former data was not touched. Read the tool's message.",
        "No se pudo restaurar {label} en {target}: {detail}",
        "Lo creado fue retirado y los datos anteriores no se tocaron. Lea el mensaje de la herramienta.",
    ),
    (
        "RSP603", "restore_exchanged",
        "what stands at {target} is not what was restored: {detail}",
        "Somebody who may write there exchanged it meanwhile. Don't use what lies there; restore into a directory that only its administrator may write to.",
        "Lo que está en {target} no es lo que se restauró: {detail}",
        "Alguien con permiso de escritura ahí lo cambió durante la restauración. No use lo que está ahí; restaure en un directorio donde solo escriba quien lo "
        "administra.",
    ),
    (
        "RSP604", "copy_odd",
        "the copy {label} holds what no copy of ours holds: {detail}",
        "Nothing of it was used. The server that made it may have been taken over before: restore an older copy, or ask who looks after security.",
        "La copia {label} contiene lo que ninguna copia nuestra contiene: {detail}",
        "No se usó nada de ella. El servidor que la hizo pudo estar comprometido: restaure una copia anterior o consulte a Seguridad de la Información.",
    ),
    (
        "RSP605", "path_raced",
        "{path} changed while it was worked on: {detail}",
        "Somebody else works in the same directory. Run again; if it happens each time, see who writes there.",
        "{path} cambió mientras se trabajaba en él: {detail}",
        "Alguien más trabaja en el mismo directorio. Repita; si ocurre cada vez, vea quién escribe ahí.",
    ),
    # 606 to 608: secrets of the institution, which custodians keep for sources (numeral 5.2)
    (
        "RSP606", "secret_missing",
        "the custodian {custodian} ({location}) has no secret {secret}",
        "Check its name, and where it is looked for: the mount of a Vault, the vault of Azure. A secret that we may not see can look like none.",
        "El custodio {custodian} ({location}) no tiene el secreto {secret}",
        "Revise el nombre y dónde se busca (el «mount» de Vault, la bóveda de Azure). Un secreto que no se permite ver puede parecer inexistente.",
    ),
    (
        "RSP607", "secret_unusable",
        "the secret {secret} of the custodian {custodian} can't be used: {detail}",
        "Correct the secret in the custodian, or name the field that holds the password (field=).",
        "El secreto {secret} del custodio {custodian} no sirve: {detail}",
        "Corrija el secreto en el custodio, o indique el campo que contiene la contraseña (field=).",
    ),
    (
        "RSP608", "secret_unsuited",
        "the custodian {custodian} is of type {kind}, and keeps passwords of copies only: {secret} can't be read from it",
        "Name a custodian of type hashicorp_vault or azure_key_vault. What Ansible Vault encrypts, Ansible reads by itself.",
        "El custodio {custodian} es de tipo {kind} y solo guarda contraseñas de copias: no se puede leer de él {secret}",
        "Indique un custodio de tipo hashicorp_vault o azure_key_vault. Lo que cifra Ansible Vault lo lee Ansible mismo.",
    ),
    (
        "RSP609", "restore_denied",
        "the text of the copy asks for more than the database {target}: {detail}",
        "It is loaded by an account with rights on that database only. Look at what it asks for; if it is known and wanted, restore by the commands of "
        "the manifest, by hand.",
        "El texto de la copia pide más que la base de datos {target}: {detail}",
        "Se carga con una cuenta que solo tiene permisos sobre esa base. Revise qué pide; si es conocido y deseado, restaure a mano con los comandos "
        "de la ficha.",
    ),
    (
        "RSP610", "restore_hands_missing",
        "no account with rights on {target} only could be made on the server: {detail}",
        "A copy's text is loaded by such an account, never by the administrator's. Give source a user that may create accounts and grant what it has "
        "(as root may), or restore by the commands of the manifest, by hand.",
        "No se pudo crear en el servidor una cuenta con permisos solo sobre {target}: {detail}",
        "El texto de una copia se carga con una cuenta así, nunca con la de administración. Indique en source un usuario que pueda crear cuentas y otorgar "
        "sus permisos (como root), o restaure a mano con los comandos de la ficha.",
    ),
)
