# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one catalogue of errors: stable code, English for operators of Ansible, Spanish for the bitácora.

Ranges: 1xx input, policy and labels; 2xx sources; 3xx the pipeline and its tools; 4xx media; 5xx verification;
6xx restore; 7xx the bitácora; 8xx keys and custody; 9xx reports and warnings.
A code is never reused for another meaning.
"""

from __future__ import annotations

import re
from typing import Any, Dict, NamedTuple


class Fault(NamedTuple):
    """One row of the catalogue; the texts are templates filled with the details of the error."""

    code: str
    name: str
    english: str
    hint: str
    spanish: str
    remedy: str


_FAULTS = (
    # -- 1xx input, policy, labels ----------------------------------------------------------------------------------
    Fault(
        "RSP101", "invalid_input",
        "{where}: {value!r} {problem}",
        "{mend}",
        "{where}: {value!r} no es válido ({problem})",
        "Corrija el valor indicado y vuelva a ejecutar; nada se ha modificado.",
    ),
    Fault(
        "RSP102", "out_of_scope",
        "{path} resolves to {resolved}, which is outside the assigned paths ({assigned})",
        "Declare the path in backup_assigned_paths if it belongs to the institution's assigned folders (numeral 6.2).",
        "La ruta {path} (real: {resolved}) no está dentro de las rutas asignadas ({assigned}): numeral 6.2",
        "Solo se respalda y restaura lo que está en rutas asignadas por el/la EGCR de Infraestructura (numeral 6.2).",
    ),
    Fault(
        "RSP103", "nothing_assigned",
        "{path}: no path is assigned on this server, and what file servers hold is copied from and restored to assigned paths only",
        "Declare the office's folder in backup_shared_folders, or its path in backup_assigned_paths (numeral 6.2).",
        "{path}: este servidor no tiene ninguna ruta asignada, y lo de servidores de archivos se respalda y restaura solo en ellas (numeral 6.2)",
        "Declare la carpeta del órgano en backup_shared_folders, o su ruta en backup_assigned_paths.",
    ),
    Fault(
        "RSP110", "assigned_path_changed",
        "the assigned path {assigned} is not what was assigned: {detail}",
        "Nothing was copied or restored. Put the folder back under its name, or correct the inventory (backup_shared_folders, backup_assigned_paths).",
        "La ruta asignada {assigned} no es la que se asignó: {detail}",
        "No se copió ni restauró nada. Devuelva la carpeta a su nombre, o corrija el inventario; playbooks/shared_folder.yml crea la que falte.",
    ),
    Fault(
        "RSP111", "other_office",
        "{path} belongs to {office}; what was copied from {origin} belongs to {owner}",
        "Restore into a folder of the office the information belongs to (numeral 6.2).",
        "{path} es de {office}; lo respaldado de {origin} es de {owner}",
        "Restaure en una carpeta del órgano al que pertenece la información (numeral 6.2).",
    ),
    Fault(
        "RSP112", "folder_path_fixed",
        "the shared folder {folder} is assigned at {path}, and {wanted} is another path",
        "Data is never moved. Set state: withdrawn with the former path, move the data, then assign the new path under the same name.",
        "La carpeta compartida {folder} está asignada en {path}, y {wanted} es otra ruta",
        "Los datos nunca se mueven solos: retire la carpeta (state: withdrawn) con su ruta anterior, traslade los datos y asigne la ruta nueva.",
    ),
    Fault(
        "RSP113", "share_refused",
        "Samba does not accept the share of {folder}: {detail}",
        "Nothing was put in force. Correct what testparm names: the folder's options in the inventory, or smb.conf.",
        "Samba no acepta el recurso de {folder}: {detail}",
        "No se puso nada en vigor. Corrija lo que indica testparm: las opciones de la carpeta en el inventario, o smb.conf.",
    ),
    Fault(
        "RSP114", "folder_failed",
        "the shared folder {folder} can't be set up: {detail}",
        "No data was touched. Correct the cause and run again: what was done already is found done.",
        "No se pudo preparar la carpeta compartida {folder}: {detail}",
        "No se tocó ningún dato. Corrija la causa y repita: lo ya hecho se reconoce.",
    ),
    # -- 2xx sources ------------------------------------------------------------------------------------------------
    Fault(
        "RSP201", "source_missing",
        "the source does not exist: {source}",
        "Check the name in the inventory and that the server really holds it.",
        "No existe el origen: {source}",
        "Revise el nombre en el inventario y que el servidor realmente lo contenga.",
    ),
    Fault(
        "RSP202", "source_unreachable",
        "the source {source} can't be read: {detail}",
        "Check that its server runs, the address, the account and its password.",
        "No se puede leer el origen {source}: {detail}",
        "Revise que el servicio esté activo, la dirección, la cuenta y su contraseña.",
    ),
    Fault(
        "RSP203", "source_changed",
        "the source {source} changed while it was read: {detail}",
        "Run again when nobody writes to it, or copy it from a snapshot.",
        "El origen {source} cambió durante la lectura: {detail}",
        "Repita la copia cuando no haya escritura o use una instantánea.",
    ),
    Fault(
        "RSP204", "copy_too_small",
        "the copy of {source} has {size} bytes, less than the {minimum} expected",
        "Look at the source: it may be empty or damaged. If it really shrank, lower minimum_size for this system.",
        "La copia de {source} tiene {size} bytes, menos de los {minimum} esperados",
        "Revise el origen: puede estar vacío o dañado. Si realmente se redujo, ajuste el tamaño mínimo del sistema.",
    ),
    Fault(
        "RSP205", "source_damaged",
        "the source {source} is damaged: {detail}",
        "No copy was made of it. Repair it, or restore it from the last good copy.",
        "El origen {source} está dañado: {detail}",
        "No se hizo copia de él. Repárelo o restáurelo desde la última copia buena.",
    ),
    Fault(
        "RSP206", "source_incomplete",
        "the source {source} lacks what it refers to: {detail}",
        "Bring what is missing to the source (for git: a whole clone, git lfs fetch --all), then run again.",
        "Al origen {source} le falta contenido al que hace referencia: {detail}",
        "Complete el origen (en git: clon completo, git lfs fetch --all) y repita la copia.",
    ),
    Fault(
        "RSP220", "copy_partial",
        "{count} of what {source} holds could not be read, so this is no copy: {detail}",
        "Give the account that copies the right to read them, or leave them out with exclude. What could be read is kept aside under the tag parcial and "
        "can be restored on purpose (restore_partial); the next good copy makes it removable.",
        "No se pudo leer {count} de lo que contiene {source}, por lo que no es una copia: {detail}",
        "Dé permiso de lectura a la cuenta que copia, o exclúyalos con exclude. Lo leído queda aparte con la etiqueta parcial y puede restaurarse a propósito "
        "(restore_partial); la siguiente copia buena permite retirarlo.",
    ),
    Fault(
        "RSP221", "snapshot_impossible",
        "{source} can't be copied from a snapshot of its file system: {detail}",
        "Mend what the detail tells, or set snapshot: none (or auto) and copy the living files. one_file_system: true leaves out what is mounted below it.",
        "No se puede copiar {source} desde una instantánea de su sistema de archivos: {detail}",
        "Corrija lo que indica el detalle, o indique snapshot: none (o auto) para copiar los archivos vivos. one_file_system: true excluye lo montado debajo.",
    ),
    # -- 3xx pipeline -----------------------------------------------------------------------------------------------
    Fault(
        "RSP301", "tool_missing",
        "the program {tool} is not installed on this server",
        "Install the package that brings it ({package}), or let the role do it.",
        "El programa {tool} no está instalado en el servidor",
        "Instale el paquete que lo contiene ({package}).",
    ),
    Fault(
        "RSP302", "stage_failed",
        "{stage} ended with {status}: {detail}",
        "Read the tool's own message above; nothing was published and the last good copy is untouched.",
        "La etapa {stage} terminó con {status}: {detail}",
        "Lea el mensaje de la herramienta; no se publicó ninguna copia y la última copia buena sigue intacta.",
    ),
    Fault(
        "RSP303", "tool_too_old",
        "{tool} {version} is older than the server it reads ({server_version})",
        "Install {tool} of the server's version or newer.",
        "{tool} {version} es más antiguo que el servidor que lee ({server_version})",
        "Instale {tool} de la versión del servidor o una posterior.",
    ),
    Fault(
        "RSP304", "unexpected",
        "an unexpected error of the software: {detail}",
        "Nothing was published. Report it with the run's output (-vvv).",
        "Error inesperado del programa: {detail}",
        "No se publicó ninguna copia. Comuníquelo al equipo con la salida de la ejecución (-vvv).",
    ),
    Fault(
        "RSP310", "tool_below_minimum",
        "{tool} {version} is older than {minimum}, the first that does what is needed",
        "Install {tool} {minimum} or newer: Debian 12, Ubuntu 24.04 and EPEL 9 have it.",
        "{tool} {version} es anterior a la versión mínima {minimum}",
        "Instale {tool} {minimum} o posterior: Debian 12, Ubuntu 24.04 y EPEL 9 la traen.",
    ),
    # -- 4xx media --------------------------------------------------------------------------------------------------
    Fault(
        "RSP401", "medium_unwritable",
        "the medium {location} can't be written: {detail}",
        "Check that it is mounted, its permissions and that it is not read-only.",
        "No se puede escribir en el medio {location}: {detail}",
        "Revise que esté montado, sus permisos y que no sea de solo lectura.",
    ),
    Fault(
        "RSP402", "medium_full",
        "the medium {location} is full: {detail}",
        "Free or add space (numeral 6.3), then run again; the unfinished copy was removed.",
        "El medio {location} está lleno: {detail}",
        "Libere o amplíe espacio (numeral 6.3) y repita; la copia incompleta fue retirada.",
    ),
    Fault(
        "RSP403", "label_taken",
        "the label {label} already exists on {location} with other bytes",
        "A label is never overwritten. Take a new one (the bitácora gives it), or look at who wrote this one.",
        "El rótulo {label} ya existe en {location} con otro contenido",
        "Un rótulo nunca se sobrescribe. Use uno nuevo o averigüe quién creó el existente.",
    ),
    Fault(
        "RSP404", "system_busy",
        "another run is copying or restoring {system} on {location}",
        "Wait until it ends, or give lock_timeout to wait here.",
        "Otra ejecución está copiando o restaurando {system} en {location}",
        "Espere a que termine, o indique los segundos de espera en common_lock_timeout.",
    ),
    Fault(
        "RSP405", "copy_missing",
        "there is no copy {label} on {location}",
        "List the copies with backup_info, or the bitácora, and take a label from there.",
        "No existe la copia {label} en {location}",
        "Liste las copias existentes en la bitácora y use un rótulo de esa lista.",
    ),
    Fault(
        "RSP406", "medium_unreachable",
        "the medium {location} can't be reached: {detail}",
        "Check the network, the address, the account and its key.",
        "No se puede llegar al medio {location}: {detail}",
        "Revise la red, la dirección, la cuenta y su clave.",
    ),
    Fault(
        "RSP407", "last_good_unproven",
        "nothing was removed from {location}: the copy {label}, which must stay, is not whole there: {detail}",
        "Verify the system's copies (verify.yml) and make a new one; older copies stay until a good one is proven.",
        "No se retiró nada de {location}: la copia {label}, que debe quedar, no está íntegra allí: {detail}",
        "Verifique las copias del sistema (verify.yml) y genere una nueva; las anteriores quedan hasta que haya una buena comprobada.",
    ),
    Fault(
        "RSP408", "clock_suspect",
        "the clock says {now}, but the newest entry of the bitácora is of {newest}: no copy is removed by a clock that may be wrong",
        "Set the clock of the controller. If it is right, give prune_clock_confirmed=true once.",
        "El reloj indica {now}, pero el último asiento de la bitácora es del {newest}: no se retira ninguna copia con un reloj dudoso",
        "Corrija la hora del controlador. Si es correcta, ejecute una vez con prune_clock_confirmed=true.",
    ),
    Fault(
        "RSP409", "medium_empty",
        "the bitácora knows copies on {location}, but nothing of them lies there, not even their directories: is it mounted?",
        "Mount the share, or look at the medium's path. If it was replaced by an empty one, run reconcile.yml once with reconcile_accept_empty=true.",
        "La bitácora conoce copias en {location}, pero allí no hay nada de ellas, ni sus directorios: ¿está montado?",
        "Monte el recurso o revise la ruta del medio. Si fue reemplazado por uno vacío, ejecute una vez reconcile.yml con reconcile_accept_empty=true.",
    ),
    Fault(
        "RSP410", "azure_refused",
        "the storage service refused access to {location}: {detail}",
        "Check the identity's role (Storage Blob Data Contributor and Delegator), the SAS, and the account's network rules.",
        "El servicio de almacenamiento negó el acceso a {location}: {detail}",
        "Revise el rol de la identidad (Storage Blob Data Contributor y Delegator), la firma SAS y las reglas de red de la cuenta.",
    ),
    Fault(
        "RSP411", "azure_expired",
        "the signature for {location} is not valid at this time: {detail}",
        "Set the clocks of controller and server by NTP; if the signature was given by hand, get a new one.",
        "La firma para {location} no es válida a esta hora: {detail}",
        "Sincronice por NTP los relojes del controlador y del servidor; si la firma SAS fue dada a mano, obtenga otra.",
    ),
    Fault(
        "RSP412", "azure_untrusted",
        "the certificate of {location} is not trusted: {detail}",
        "If an institution's proxy or private endpoint has its own authority, give its certificate in ca_certs of the medium.",
        "El certificado de {location} no es de confianza: {detail}",
        "Si el proxy o el punto privado de la institución usa una autoridad propia, indique su certificado en ca_certs del medio.",
    ),
    Fault(
        "RSP413", "azure_container_missing",
        "there is no container {location}: {detail}",
        "Check the names of account and container, or make it with azure_storage.yml.",
        "No existe el contenedor {location}: {detail}",
        "Revise los nombres de la cuenta y del contenedor, o créelo con azure_storage.yml.",
    ),
    Fault(
        "RSP414", "blob_protected",
        "{location} is write-once or held, and can't be changed or removed: {detail}",
        "Wait until its retention ends; nothing else was touched.",
        "{location} está protegido contra cambios (inmutable o retenido): {detail}",
        "Espere a que venza su retención; no se tocó nada más.",
    ),
    Fault(
        "RSP415", "blob_archived",
        "{location} is in the Archive tier and can't be read before it is rehydrated: {detail}",
        "Ask for it with azure_blob_info rehydrate=true and try again when it is online: that takes up to 15 hours.",
        "{location} está en el nivel de archivo y no puede leerse hasta rehidratarlo: {detail}",
        "Pídalo con azure_blob_info rehydrate=true y repita cuando esté en línea: demora hasta 15 horas.",
    ),
    Fault(
        "RSP416", "blocks_lost",
        "blocks of {location} that were sent are not there any more: {detail}",
        "Run again: all of it is sent anew. Blocks not committed within a week are dropped by the service.",
        "Bloques enviados de {location} ya no están: {detail}",
        "Repita la ejecución: se envía todo de nuevo. El servicio descarta a la semana los bloques no confirmados.",
    ),
    Fault(
        "RSP417", "controller_silent",
        "the controller did not answer the question {question!r} within {seconds} s",
        "Is the controller still running and able to reach this server? Nothing was published.",
        "El controlador no respondió la pregunta {question!r} en {seconds} s",
        "¿Sigue el controlador en ejecución y llega a este servidor? No se publicó nada.",
    ),
    Fault(
        "RSP418", "leftover_stays",
        "{location} holds an unfinished copy of this label that can't be removed: {detail}",
        "Use another label for this copy; the rest goes when its retention ends.",
        "{location} tiene una copia inconclusa de este rótulo que no se puede retirar: {detail}",
        "Use otro rótulo para esta copia; el resto se retirará cuando venza su retención.",
    ),
    Fault(
        "RSP430", "repository_locked",
        "the restic repository {location} is locked by another program: {detail}",
        "Wait until it ends, or give lock_timeout to wait here. Locks of dead runs are removed by themselves; one of another machine only after half an hour.",
        "El repositorio restic {location} está bloqueado por otro programa: {detail}",
        "Espere a que termine, o indique los segundos de espera en common_lock_timeout. Los bloqueos de ejecuciones muertas se retiran solos; "
        "los de otra máquina, después de media hora.",
    ),
    Fault(
        "RSP431", "repository_missing",
        "there is no restic repository at {location}, where copies of {system} should have their data",
        "Look whether the medium is mounted. If the repository is lost, its copies are: take them from another medium, and verify (reconcile.yml).",
        "No hay repositorio restic en {location}, donde deberían estar los datos de las copias de {system}",
        "Revise si el medio está montado. Si el repositorio se perdió, también sus copias: use otro medio y ejecute reconcile.yml.",
    ),
    Fault(
        "RSP432", "repository_damaged",
        "the restic repository {location} is damaged: {detail}",
        "Make no further copy into it before it is looked at. Restore what is needed from another medium; restic check and repair tell what is lost.",
        "El repositorio restic {location} está dañado: {detail}",
        "No haga más copias en él antes de revisarlo. Restaure lo necesario desde otro medio; restic check y repair indican qué se perdió.",
    ),
    Fault(
        "RSP433", "kind_not_on_medium",
        "copies of kind {kind} can't lie on the medium {medium} ({detail})",
        "Give the system another medium.",
        "Las copias de tipo {kind} no pueden estar en el medio {medium} ({detail})",
        "Asigne otro medio al sistema.",
    ),
    Fault(
        "RSP422", "identity_missing",
        "there is no identity for Azure ({source}): {detail}",
        "Give auth of the medium (auth_source, client_id, tenant and a secret, certificate or federated token), or run `az login` on the controller.",
        "No hay identidad para Azure ({source}): {detail}",
        "Declare auth del medio (auth_source, client_id, tenant y un secreto, certificado o token federado), o ejecute `az login` en el controlador.",
    ),
    Fault(
        "RSP423", "identity_refused",
        "Azure refused the controller's identity: {detail}",
        "Check tenant, client_id and its secret or certificate, and whether it expired.",
        "Azure rechazó la identidad del controlador: {detail}",
        "Revise tenant, client_id y su secreto o certificado, y si venció.",
    ),
    Fault(
        "RSP424", "identity_unreachable",
        "the login service {location} can't be reached: {detail}",
        "Check the controller's network; give proxy and ca_certs under auth where the institution has its own.",
        "No se puede llegar al servicio de inicio de sesión {location}: {detail}",
        "Revise la red del controlador; indique proxy y ca_certs en auth si la institución tiene los suyos.",
    ),
    Fault(
        "RSP425", "azure_packages_missing",
        "the packages for Azure are not installed on the controller: {detail}",
        "Run: pip install -r requirements-azure.txt",
        "Faltan en el controlador los paquetes para Azure: {detail}",
        "Ejecute: pip install -r requirements-azure.txt",
    ),
    # -- 43x storage accounts and containers, set up through Azure Resource Manager -------------------------------------
    Fault(
        "RSP435", "storage_account_missing",
        "there is no storage account {account} in the resource group {group}: {detail}",
        "Check storage_account_name, resource_group and subscription_id; give location and account_type to have it made.",
        "No existe la cuenta de almacenamiento {account} en el grupo de recursos {group}: {detail}",
        "Revise storage_account_name, resource_group y subscription_id; para crearla, indique location y account_type.",
    ),
    Fault(
        "RSP436", "write_once_locked",
        "the write-once policy of {container} is locked at {days} days and can't be changed to {wanted}",
        "A locked policy can only be lengthened, five times at most. Declare what is in force, or use another container.",
        "La política de inmutabilidad de {container} está bloqueada en {days} días y no puede cambiarse a {wanted}",
        "Una política bloqueada solo puede alargarse, cinco veces como máximo. Declare lo vigente o use otro contenedor.",
    ),
    Fault(
        "RSP437", "lock_unconfirmed",
        "{container} would be locked at {days} days, which nobody can undo; the confirmation given is {given!r}",
        "If that is decided, repeat it by hand: -e 'azure_storage_lock=\"{container} {days}\"'. Nothing was changed.",
        "Se bloquearía {container} en {days} días, lo que nadie puede deshacer; la confirmación recibida es {given!r}",
        "Si está decidido, repítalo a mano: -e 'azure_storage_lock=\"{container} {days}\"'. No se modificó nada.",
    ),
    Fault(
        "RSP438", "azure_changed_meanwhile",
        "{what} was changed by somebody else meanwhile: {detail}",
        "Run again: what is there now is read anew, and compared.",
        "Otra persona u otro proceso modificó entretanto {what}: {detail}",
        "Repita la ejecución: se lee de nuevo lo que hay y se compara.",
    ),
    Fault(
        "RSP439", "azure_not_as_told",
        "Azure accepted the changes, but {what} is not as it was told: {detail}",
        "Run again with --check --diff. If it stays so, a policy of the subscription overrides the change: ask who administers it.",
        "Azure aceptó los cambios, pero {what} no quedó como se indicó: {detail}",
        "Repita con --check --diff. Si persiste, una directiva de la suscripción anula el cambio: consulte a quien la administra.",
    ),
    # -- 44x Azure Resource Manager; Azure Backup, a tool of the institution (7.2.3) ----------------------------------------------------------
    Fault(
        "RSP440", "vault_missing",
        "there is no Recovery Services vault {vault} in the resource group {group}: {detail}",
        "Check name, resource_group and subscription_id in backup_vaults. {mend}",
        "No existe la bóveda de Recovery Services {vault} en el grupo de recursos {group}: {detail}",
        "Revise name, resource_group y subscription_id en backup_vaults; para crearla, ejecute azure_backup_setup.yml con su location.",
    ),
    Fault(
        "RSP441", "azure_role_missing",
        "the controller's identity may not {action} on {location}; it needs the role {role}",
        "Assign that role to the identity on that resource and wait some minutes until it is in force.",
        "La identidad del controlador no tiene permiso para {action} en {location}; necesita el rol {role}",
        "Asigne ese rol a la identidad sobre ese recurso y espere unos minutos a que rija.",
    ),
    Fault(
        "RSP442", "azure_request_refused",
        "Azure refused {what}: {detail}",
        "Mend what the service says; nothing else was changed.",
        "Azure rechazó {what}: {detail}",
        "Corrija lo que dice el servicio; no se modificó nada más.",
    ),
    Fault(
        "RSP443", "azure_no_answer",
        "Azure gave no answer to {what}, also after repeated tries: {detail}",
        "Check the network and https://status.azure.com, and run again: what was done is kept.",
        "Azure no respondió a {what}, pese a repetidos intentos: {detail}",
        "Revise la red y https://status.azure.com, y repita: lo hecho se conserva.",
    ),
    Fault(
        "RSP444", "item_unprotected",
        "the vault {vault} does not protect {item}: {detail}",
        "Protect it with azure_backup_setup.yml; a server with the MARS agent is registered on the server itself. Or correct the inventory.",
        "La bóveda {vault} no protege {item}: {detail}",
        "Protéjalo con azure_backup_setup.yml; un servidor con el agente MARS se registra en el propio servidor. O corrija el inventario.",
    ),
    Fault(
        "RSP445", "tool_job_failed",
        "Azure Backup's job {job} of {item} ended as {status}: {detail}",
        "Follow what the service recommends, then copy again with azure_backup_run.yml (for a MARS agent: Back Up Now, on the server).",
        "El trabajo {job} de Azure Backup de {item} terminó como {status}: {detail}",
        "Siga lo que recomienda el servicio y copie otra vez con azure_backup_run.yml (con agente MARS: Back Up Now, en el servidor).",
    ),
    Fault(
        "RSP446", "tool_job_stuck",
        "Azure Backup's job {job} of {item} still runs after {hours} h (at most {limit} h are expected)",
        "Look at the server and the network; cancel the job in the portal if it does not move. The service fails a hanging MARS job after 30 days only.",
        "El trabajo {job} de Azure Backup de {item} sigue en curso tras {hours} h (se esperan {limit} h como máximo)",
        "Revise el servidor y la red; cancele el trabajo en el portal si no avanza. El servicio da por fallido un trabajo MARS colgado recién a los 30 días.",
    ),
    Fault(
        "RSP447", "tool_job_absent",
        "Azure Backup has no job of {item} for {day}",
        "See whether the policy is the right one and the protection is not stopped; for a MARS agent, whether the server was on and obengine runs.",
        "Azure Backup no tiene ningún trabajo de {item} del {day}",
        "Vea si la política es la debida y la protección no está detenida; con agente MARS, si el servidor estuvo encendido y corre obengine.",
    ),
    Fault(
        "RSP448", "tool_copy_missing",
        "Azure Backup's job {job} of {item} ended well, but the vault lists no recovery point of it",
        "Look at the item's recovery points in the portal; until there is one, that day has no copy.",
        "El trabajo {job} de Azure Backup de {item} terminó bien, pero la bóveda no lista ningún punto de recuperación suyo",
        "Revise los puntos de recuperación en el portal; mientras no haya uno, ese día no tiene copia.",
    ),
    Fault(
        "RSP449", "vault_changed",
        "the protection of the vault {vault} is not what was decided: {detail}",
        "Find out who changed it; set it back in the portal, or correct backup_vaults if it was decided.",
        "La protección de la bóveda {vault} no es la decidida: {detail}",
        "Averigüe quién la cambió; restablézcala en el portal, o corrija backup_vaults si fue una decisión.",
    ),
    # -- 5xx verification -------------------------------------------------------------------------------------------
    Fault(
        "RSP501", "bytes_differ",
        "{file} does not have the bytes that were recorded: {detail}",
        "The copy is damaged. Use another copy and replace the medium if it happens again.",
        "{file} no contiene los bytes registrados: {detail}",
        "La copia está dañada. Use otra copia y cambie el medio si se repite.",
    ),
    Fault(
        "RSP502", "structure_unreadable",
        "{file} can't be read back as {format}: {detail}",
        "The copy is not good. Look at the tool's message and make a new one.",
        "{file} no se puede leer como {format}: {detail}",
        "La copia no sirve. Revise el mensaje de la herramienta y genere una nueva.",
    ),
    Fault(
        "RSP503", "restored_differs",
        "what was restored from {label} differs from what was copied: {detail}",
        "Do not trust this copy; make a new one and look at the difference.",
        "Lo restaurado desde {label} difiere de lo copiado: {detail}",
        "No confíe en esta copia; genere una nueva y revise la diferencia.",
    ),
    Fault(
        "RSP504", "manifest_unreadable",
        "the manifest of {label} on {location} can't be read: {detail}",
        "Without its manifest a copy is not whole. Use another copy.",
        "No se puede leer la ficha de {label} en {location}: {detail}",
        "Sin su ficha una copia no está completa. Use otra copia.",
    ),
    Fault(
        "RSP505", "copies_still_missing",
        "{count} copies of {system} are still missing or different on {location}: {labels}",
        "Bring them back, then run reconcile.yml or verify.yml. What is lost for good: reconcile_lost_labels and reconcile_lost_reason.",
        "Siguen faltando o difieren {count} copias de {system} en {location}: {labels}",
        "Recupérelas y ejecute reconcile.yml o verify.yml. Lo perdido para siempre: reconcile_lost_labels y reconcile_lost_reason.",
    ),
    Fault(
        "RSP506", "nothing_to_drill",
        "{system} has {count} copies and none of them is good: there is nothing to restore",
        "Make a copy now, and find out what happened to those there were (bitacora.yml, verify.yml with verify_copies=0).",
        "{system} tiene {count} copias y ninguna es buena: no hay qué restaurar",
        "Genere una copia ahora y averigüe qué pasó con las anteriores (bitacora.yml, verify.yml con verify_copies=0).",
    ),
    Fault(
        "RSP507", "source_differs",
        "{file} of the source has the size and time it had when {label} was made, but other bytes",
        "One of the two was altered without a trace: compare both before the next copy replaces the good one.",
        "{file} del origen tiene el tamaño y la hora que tenía al generarse {label}, pero otros bytes",
        "Uno de los dos se alteró sin dejar rastro: compárelos antes de que la próxima copia reemplace a la buena.",
    ),
    # -- 6xx restore ------------------------------------------------------------------------------------------------
    Fault(
        "RSP601", "target_exists",
        "the target {target} already holds data",
        "Restore beside it under another name, or say overwrite: true if it really must be replaced.",
        "El destino {target} ya contiene datos",
        "Restaure al lado con otro nombre, o indique expresamente que se reemplace (restore_overwrite).",
    ),
    Fault(
        "RSP602", "restore_failed",
        "{label} could not be restored into {target}: {detail}",
        "What had been created was removed again; the former data was not touched. Read the tool's message.",
        "No se pudo restaurar {label} en {target}: {detail}",
        "Lo creado fue retirado y los datos anteriores no se tocaron. Lea el mensaje de la herramienta.",
    ),
    # -- 7xx bitácora -----------------------------------------------------------------------------------------------
    Fault(
        "RSP701", "bitacora_not_listening",
        "the bitácora callback is not loaded in this run",
        "Enable it by its full name: callbacks_enabled = perucompras.respaldo.bitacora (ansible.cfg or ANSIBLE_CALLBACKS_ENABLED).",
        "La bitácora no está activa en esta ejecución",
        "Active perucompras.respaldo.bitacora en callbacks_enabled; sin bitácora no se hacen copias.",
    ),
    Fault(
        "RSP702", "bitacora_unwritable",
        "the bitácora {store} can't be written: {detail}",
        "Nothing is copied without a record: check the path, its permissions and free space.",
        "No se puede escribir en la bitácora {store}: {detail}",
        "Sin registro no se hacen copias: revise la ruta, los permisos y el espacio.",
    ),
    Fault(
        "RSP703", "entry_missing",
        "the bitácora has no entry of {event} for {label}",
        "The copy may exist but is not recorded. Look at the journal named by the callback and run the bitácora playbook.",
        "La bitácora no tiene el asiento {event} de {label}",
        "La copia puede existir, pero no está registrada. Revise el diario local y ejecute playbooks/bitacora.yml.",
    ),
    Fault(
        "RSP704", "chain_broken",
        "the bitácora's chain is broken: {detail}",
        "Keep the file as evidence, compare it with its copies, and report it.",
        "La cadena de la bitácora está rota: {detail}",
        "Conserve el archivo como evidencia, compárelo con sus copias de respaldo e informe al/a la Jefe/a de la OTI.",
    ),
    Fault(
        "RSP705", "interrupted",
        "the run was interrupted before {label} was finished",
        "Run again. What was unfinished has no final name and is swept by the next run.",
        "La ejecución se interrumpió antes de terminar {label}",
        "Vuelva a ejecutar. Lo incompleto no tiene nombre final y se retira en la siguiente ejecución.",
    ),
    Fault(
        "RSP706", "no_answer",
        "the server gave no result for {label}: {detail}",
        "Check that the server is up and reachable, then run again.",
        "El servidor no devolvió resultado para {label}: {detail}",
        "Revise que el servidor esté encendido y accesible, y repita.",
    ),
    Fault(
        "RSP707", "bitacora_on_network",
        "the bitácora {store} lies on {file_system}, a network file system, where SQLite loses entries",
        "Keep it on a disk of the controller itself.",
        "La bitácora {store} está en {file_system}, un sistema de archivos de red, donde SQLite pierde asientos",
        "Ubíquela en un disco del propio controlador.",
    ),
    Fault(
        "RSP708", "bitacora_unreadable",
        "the bitácora {store} can't be read: {detail}",
        "Check the path and its permissions; it is made by the first run that has the callback enabled.",
        "No se puede leer la bitácora {store}: {detail}",
        "Revise la ruta y los permisos; la crea la primera ejecución con la bitácora activa.",
    ),
    Fault(
        "RSP709", "nothing_to_anchor",
        "the bitácora {store} has no seal to anchor",
        "Leave the callback's option seal on, and look at the warnings of its runs.",
        "La bitácora {store} no tiene ningún sello que anclar",
        "Mantenga activa la opción seal de la bitácora y revise los avisos de sus ejecuciones.",
    ),
    Fault(
        "RSP712", "seal_key_unusable",
        "the bitácora can't be sealed with the key {path}: {detail}",
        "Give the key back its owner and mode 0600; entries are kept all the same, unsealed.",
        "No se puede sellar la bitácora con la clave {path}: {detail}",
        "Devuelva a la clave su propietario y el modo 0600; los asientos se conservan igual, sin sello.",
    ),
    Fault(
        "RSP716", "bitacora_unprepared",
        "the database of the bitácora {store} is not set up, or by an older version: {detail}",
        "Run playbooks/bitacora_store.yml with the address of its owner.",
        "La base de datos de la bitácora {store} no está preparada, o lo fue por una versión anterior: {detail}",
        "Ejecute playbooks/bitacora_store.yml con la dirección de su propietario.",
    ),
    Fault(
        "RSP717", "bitacora_moved",
        "the bitácora {store} was moved to {location}: nothing more is written here",
        "Set that address as url of the section callback_bitacora of ansible.cfg, or as RESPALDO_BITACORA.",
        "La bitácora {store} fue trasladada a {location}: aquí ya no se escribe",
        "Ponga esa dirección como url en la sección callback_bitacora de ansible.cfg, o en RESPALDO_BITACORA.",
    ),
    Fault(
        "RSP718", "bitacora_thrown_away",
        "the bitácora {store} lies inside a container, which takes it along when it ends",
        "Mount a volume there, or keep the bitácora in PostgreSQL (playbooks/bitacora_store.yml).",
        "La bitácora {store} está dentro de un contenedor y desaparece con él",
        "Monte un volumen en esa ruta, o lleve la bitácora a PostgreSQL (playbooks/bitacora_store.yml).",
    ),
    Fault(
        "RSP719", "bitacora_driver_missing",
        "the bitácora is in PostgreSQL, and the library psycopg is not installed on this controller",
        "pip install -r requirements-postgresql.txt.",
        "La bitácora está en PostgreSQL y la biblioteca psycopg no está instalada en este controlador",
        "Instale requirements-postgresql.txt.",
    ),
    Fault(
        "RSP720", "bitacora_role_too_strong",
        "the role {role} could change the bitácora: it holds {rights}",
        "Let runs write as a role that owns nothing and is no superuser; take those rights from it.",
        "El rol {role} podría alterar la bitácora: tiene {rights}",
        "Que las ejecuciones escriban con un rol que no sea propietario ni superusuario; retírele esos permisos.",
    ),
    Fault(
        "RSP721", "bitacora_not_moved",
        "the bitácora {store} can't be moved to {location}: {detail}",
        "Nothing was changed in either; mend it and run again.",
        "La bitácora {store} no se puede trasladar a {location}: {detail}",
        "No se cambió nada en ninguna; corrija y repita.",
    ),
    # -- 8xx keys and custody ---------------------------------------------------------------------------------------
    Fault(
        "RSP801", "custody_unavailable",
        "custody can't keep or give the password of {label}: {detail}",
        "Give ansible-playbook a vault identity (--vault-id or vault_password_file), and check backup_custodians or backup_custody_directory.",
        "La custodia no puede guardar o entregar la contraseña de {label}: {detail}",
        "Indique una identidad de Ansible Vault (--vault-id) y revise backup_custodians o el directorio de custodia (backup_custody_directory).",
    ),
    Fault(
        "RSP802", "password_wrong",
        "{file} does not open with the password or keys given",
        "Take the password that custody holds for this label; the key reference is in the manifest.",
        "{file} no se abre con la contraseña o las claves indicadas",
        "Use la contraseña que guarda la custodia para este rótulo; la referencia está en la ficha.",
    ),
    Fault(
        "RSP803", "password_needed",
        "{label} is encrypted and no password was given",
        "Give the password that custody holds under {key_reference}, or import a recipient's private key.",
        "{label} está cifrado y no se indicó contraseña",
        "Indique la contraseña que guarda la custodia con la referencia {key_reference}.",
    ),
    Fault(
        "RSP804", "custodian_unreachable",
        "the custodian {custodian} ({location}) can't be reached: {detail}",
        "Check its address, network, proxy and certificate. No copy that needs a password begins while a required custodian is missing.",
        "No se puede llegar al custodio {custodian} ({location}): {detail}",
        "Revise la dirección, la red, el proxy y el certificado. Mientras falte un custodio exigido no empieza ninguna copia con contraseña.",
    ),
    Fault(
        "RSP805", "custodian_refused",
        "the custodian {custodian} ({location}) refused: {detail}",
        "Check the identity of the controller and what it may do there: read, write and list secrets (get, set, list; create, read, list).",
        "El custodio {custodian} ({location}) se negó: {detail}",
        "Revise la identidad del controlador y sus permisos allí: leer, escribir y listar secretos.",
    ),
    Fault(
        "RSP806", "custody_missing",
        "no password is kept under {label}: {detail}",
        "Ask every custodian that was ever used (backup_custodians), or open the copy with an EGCR's private key.",
        "Ningún custodio tiene la contraseña de {label}: {detail}",
        "Consulte todos los custodios que se hayan usado (backup_custodians), o abra la copia con la llave privada de un/a EGCR.",
    ),
    Fault(
        "RSP807", "custody_altered",
        "what {custodian} holds under {label} is not that record: {detail}",
        "Somebody changed it. Restore it from another custodian, from its former version there, or from its seal (.asc).",
        "Lo que {custodian} guarda como {label} no es ese registro: {detail}",
        "Alguien lo cambió. Recupérelo de otro custodio, de su versión anterior allí, o de su sobre sellado (.asc).",
    ),
    Fault(
        "RSP808", "custody_differs",
        "custodians hold different passwords under {label}: {detail}",
        "Run playbooks/custody.yml: it says with which of them the copy opens. Nothing was changed.",
        "Los custodios guardan contraseñas distintas para {label}: {detail}",
        "Ejecute playbooks/custody.yml: dice con cuál de ellas abre la copia. No se cambió nada.",
    ),
    Fault(
        "RSP809", "custody_deleted",
        "{label} was deleted in the custodian {custodian} and can still be recovered there: {detail}",
        "Recover it (az keyvault secret recover, vault kv undelete), and find out who deleted it.",
        "{label} fue borrado en el custodio {custodian} y aún se puede recuperar allí: {detail}",
        "Recupérelo (az keyvault secret recover, vault kv undelete) y averigüe quién lo borró.",
    ),
    Fault(
        "RSP810", "custody_unsealed",
        "the password of {label} can't be sealed to the public keys of the EGCR: {detail}",
        "Install gnupg on the controller and check public_key_file of backup_actors; playbooks/custody.yml then makes the missing seals.",
        "La contraseña de {label} no se puede sellar con las llaves públicas de los/las EGCR: {detail}",
        "Instale gnupg en el controlador y revise public_key_file en backup_actors; playbooks/custody.yml hará los sobres que falten.",
    ),
    # -- 9xx reports and warnings -----------------------------------------------------------------------------------
    Fault(
        "RSP901", "report_tool_missing",
        "the report can't be made as {format}: {detail}",
        "{mend}",
        "No se puede hacer el informe en {format}: falta un programa o biblioteca en el controlador",
        "Instale requirements-reports.txt en el controlador, o pida otro formato.",
    ),
    Fault(
        "RSP902", "report_unwritable",
        "the report {path} can't be written: {detail}",
        "Check the directory, its permissions and its free space.",
        "No se puede escribir el informe {path}: {detail}",
        "Revise el directorio, sus permisos y su espacio libre.",
    ),
    Fault(
        "RSP903", "evidence_unwritable",
        "the evidence pack {path} can't be written: {detail}",
        "Give a directory that exists, with room and permission to write.",
        "No se puede escribir el paquete de evidencia {path}: {detail}",
        "Indique un directorio que exista, con espacio y permiso de escritura.",
    ),
    Fault(
        "RSP906", "warning_unsent",
        "the warning could not be sent by {channel}: {detail}",
        "Check address, network and certificate; what was not sent is sent again by the next run.",
        "No se pudo enviar el aviso por {channel}: {detail}",
        "Revise la dirección, la red y el certificado; lo no enviado se envía en la siguiente ejecución.",
    ),
    Fault(
        "RSP907", "warning_login_refused",
        "the mail server {server} refused the account {account}: {detail}",
        "Check the account and its password in the vault; what was not sent is sent again by the next run.",
        "El servidor de correo {server} rechazó la cuenta {account}: {detail}",
        "Revise la cuenta y su contraseña en el vault; lo no enviado se envía en la siguiente ejecución.",
    ),
    Fault(
        "RSP908", "notifier_missing",
        "the library apprise, which sends to services, is not installed on the controller",
        "pip install -r requirements-notify.txt, or warn by mail only.",
        "La biblioteca apprise, que envía a los servicios de mensajería, no está instalada en el controlador",
        "Instale requirements-notify.txt, o avise solo por correo.",
    ),
)

CATALOGUE: Dict[str, Fault] = {fault.name: fault for fault in _FAULTS}


# What details tell most often, for the Spanish text. A tool's own words, and what is not here, stay as they are.
_SPANISH = (
    ("the directory does not exist", "el directorio no existe"),
    ("permission denied or mounted read-only", "permiso denegado o montado como solo lectura"),
    ("it is mounted read-only", "está montado como solo lectura"),
    ("permission denied", "permiso denegado"),
    ("No space left on device", "no queda espacio"),
    ("No such file or directory", "no existe el archivo o directorio"),
    ("Read-only file system", "sistema de archivos de solo lectura"),
    (r"(\d+) bytes free, about (\d+) needed", r"hay \1 bytes libres y se necesitan unos \2"),
    (r"(\d+) bytes came out, (\d+) went in", r"salieron \1 bytes y entraron \2"),
    (r"(\d+) bytes with SHA-256 (\w+), recorded (\d+) bytes with (\w+)", r"tiene \1 bytes con SHA-256 \2; se registraron \3 bytes con \4"),
    ("its SHA-256 is not the one in SHA256SUMS", "su SHA-256 no es el de SHA256SUMS"),
    (r"its SHA-256 is (\w+), the bitácora has (\w+)", r"su SHA-256 es \1 y la bitácora tiene \2"),
    ("the file is missing", "falta el archivo"),
    ("it reads back otherwise than it was written", "no se lee igual que como se escribió"),
    ("it is not there when it is read back", "no está al leerlo de nuevo"),
    ("the record belongs to", "el registro es de"),
    ("it can't be read as a record", "no se puede leer como registro"),
    ("it holds none", "no la tiene"),
    ("Attempting to (en|de)crypt but no vault secrets found", "no se indicó ninguna identidad de Ansible Vault"),
    ("it changed after it was sealed", "cambió después de sellarse"),
    (r"(\d+) sessions are connected to it; stop the application first", r"tiene \1 sesiones conectadas; detenga antes la aplicación"),
    (r"it does not exist; (.+) holds the same name in another case or Unicode form: ",
     r"no existe; \1 contiene el mismo nombre con otras mayúsculas u otra forma Unicode: "),
    (r"it does not exist; (.+) holds nothing", r"no existe; \1 está vacío"),
    (r"it does not exist; (.+) holds ", r"no existe; \1 contiene "),
    (r"it does not exist, and neither does ", "no existe, ni tampoco "),
    (r"\(a link to ", "(un enlace a "),
    (r"on the way to it is a link to ", "en su camino es un enlace a "),
    (r"it is a link to ", "es un enlace a "),
    (r"it is another one than before", "es otra que la de antes"),
    (r"it is reached by a link now, as ", "ahora se llega a ella por un enlace, como "),
    ("is not a date", "no es una fecha"),
    ("is not a system of the inventory", "no es un sistema del inventario"),
    ("is not a medium of backup_media", "no es un medio de backup_media"),
    ("is not the most recent copy before the loss", "no es la copia más reciente anterior a la pérdida"),
    (r"is also the name of a (\w+) of host", r"también es el nombre de un sistema (\1) del servidor"),
    ("is a kind whose copies come with a later release", "es un tipo cuyas copias llegarán en una versión posterior"),
    ("is not a known key", "no es una clave conocida"),
    ("is not known here", "no es un valor conocido"),
    ("it is not among its items", "no está entre sus elementos"),
    ("its protection was stopped, or it was deleted", "su protección se detuvo o se eliminó"),
    ("it was deleted and is kept by soft delete; undelete it in the portal, or wait until it is gone",
     "fue eliminado y lo conserva el borrado temporal: recupérelo en el portal o espere a que desaparezca"),
    ("the service gives no reason", "el servicio no da el motivo"),
    ("is not a vault of backup_vaults", "no es una bóveda de backup_vaults"),
    ("is not a system that Azure Backup copies", "no es un sistema que copie Azure Backup"),
    ("is within the working hours", "está dentro del horario laboral"),
    (r"it is still \w+ after (\d+) s", r"sigue en curso tras \1 s"),
    ("it was accepted, and the vault does not show it yet", "fue aceptado y la bóveda aún no lo muestra"),
    ("it was accepted without a job; see the vault's jobs", "fue aceptado sin un trabajo; vea los trabajos de la bóveda"),
    ("the vault does not know it", "la bóveda no lo conoce"),
    ("^the protection of ", "la protección de "), ("^a copy of ", "una copia de "), ("^a restore of ", "una restauración de "),
    ("^the registration of ", "el registro de "), ("^the shares of ", "los recursos compartidos de "),
    ("^the policy ", "la política "), ("^the job ", "el trabajo "),
    ("^(?:a|the) new vault ", "la bóveda nueva "), ("^the vault's settings$", "los ajustes de la bóveda"),
    ("^the vault's redundancy$", "la redundancia de la bóveda"), ("^the vault's resource guard$", "la protección multiusuario de la bóveda"),
    ("^the vault ", "la bóveda "), ("^the jobs$", "los trabajos"), ("^the protected items$", "los elementos protegidos"),
    ("^a protected item$", "un elemento protegido"), ("^the recovery points$", "los puntos de recuperación"),
    ("^what can be protected$", "lo que se puede proteger"), ("^what the subscription has$", "lo que tiene la suscripción"),
    ("^the vault's containers$", "los contenedores de la bóveda"), ("^the storage accounts(?: of the subscription)?$", "las cuentas de almacenamiento"),
    ("^the registration$", "el registro"), ("^the container$", "el contenedor"),
    ("is missing", "falta"),
    ("is empty", "está vacío"),
    ("can't be read", "no se puede leer"),
)


def _in_spanish(detail: Any) -> Any:
    if not isinstance(detail, str):
        return detail
    for english, spanish in _SPANISH:
        detail = re.sub(english, spanish, detail)
    return detail


class _Details(dict):
    """Details of an error; a detail that was not given shows as its own name rather than failing the report."""

    def __missing__(self, key: str) -> str:
        return "<" + key + ">"


class BackupError(Exception):
    """An error of the catalogue with the details of this case. `fault` is its name in the catalogue."""

    def __init__(self, fault: str, **details: Any) -> None:
        self.fault = CATALOGUE[fault]
        self.details = _Details(details)
        super().__init__(self.message)

    @property
    def code(self) -> str:
        return self.fault.code

    @property
    def message(self) -> str:
        """What is wrong and where, in English."""
        return self.fault.english.format_map(self.details)

    @property
    def hint(self) -> str:
        """What to do about it, in English."""
        return self.fault.hint.format_map(self.details)

    @property
    def spanish(self) -> str:
        """What is wrong and where, in Spanish: this text goes into the bitácora."""
        told = {name: _in_spanish(value) if name in ("detail", "problem", "what") else value for name, value in self.details.items()}
        return self.fault.spanish.format_map(_Details(told))

    @property
    def remedy(self) -> str:
        """What to do about it, in Spanish."""
        return self.fault.remedy.format_map(self.details)
