# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of what is copied and by what: 1xx input, policy and labels; 2xx sources; 3xx the pipeline and its tools. The form of a row: errors.Fault."""

from __future__ import annotations

ROWS = (
    # -- 1xx input, policy, labels ----------------------------------------------------------------------------------
    (
        "RSP101", "invalid_input",
        "{where}: {value!r} {problem}",
        "{mend}",
        "{where}: {value!r} no es válido ({problem})",
        "Corrija el valor indicado y vuelva a ejecutar; nada se ha modificado.",
    ),
    (
        "RSP102", "out_of_scope",
        "{path} resolves to {resolved}, which is outside the assigned paths ({assigned})",
        "Declare the path in backup_assigned_paths if it belongs to the institution's assigned folders (numeral 6.2).",
        "La ruta {path} (real: {resolved}) no está dentro de las rutas asignadas ({assigned}): numeral 6.2",
        "Solo se respalda y restaura lo que está en rutas asignadas por el/la EGCR de Infraestructura (numeral 6.2).",
    ),
    (
        "RSP103", "nothing_assigned",
        "{path}: no path is assigned on this server, and what file servers hold is copied from and restored to assigned paths only",
        "Declare the office's folder in backup_shared_folders, or its path in backup_assigned_paths (numeral 6.2).",
        "{path}: este servidor no tiene ninguna ruta asignada, y lo de servidores de archivos se respalda y restaura solo en ellas (numeral 6.2)",
        "Declare la carpeta del órgano en backup_shared_folders, o su ruta en backup_assigned_paths.",
    ),
    (
        "RSP110", "assigned_path_changed",
        "the assigned path {assigned} is not what was assigned: {detail}",
        "Nothing was copied or restored. Put the folder back under its name, or correct the inventory (backup_shared_folders, backup_assigned_paths).",
        "La ruta asignada {assigned} no es la que se asignó: {detail}",
        "No se copió ni restauró nada. Devuelva la carpeta a su nombre, o corrija el inventario; playbooks/shared_folder.yml crea la que falte.",
    ),
    (
        "RSP111", "other_office",
        "{path} belongs to {office}; what was copied from {origin} belongs to {owner}",
        "Restore into a folder of the office the information belongs to (numeral 6.2).",
        "{path} es de {office}; lo respaldado de {origin} es de {owner}",
        "Restaure en una carpeta del órgano al que pertenece la información (numeral 6.2).",
    ),
    (
        "RSP112", "folder_path_fixed",
        "the shared folder {folder} is assigned at {path}, and {wanted} is another path",
        "Data is never moved. Set state: withdrawn with the former path, move the data, then assign the new path under the same name.",
        "La carpeta compartida {folder} está asignada en {path}, y {wanted} es otra ruta",
        "Los datos nunca se mueven solos: retire la carpeta (state: withdrawn) con su ruta anterior, traslade los datos y asigne la ruta nueva.",
    ),
    (
        "RSP113", "share_refused",
        "Samba does not accept the share of {folder}: {detail}",
        "Nothing was put in force. Correct what testparm names: the folder's options in the inventory, or smb.conf.",
        "Samba no acepta el recurso de {folder}: {detail}",
        "No se puso nada en vigor. Corrija lo que indica testparm: las opciones de la carpeta en el inventario, o smb.conf.",
    ),
    (
        "RSP114", "folder_failed",
        "the shared folder {folder} can't be set up: {detail}",
        "No data was touched. Correct the cause and run again: what was done already is found done.",
        "No se pudo preparar la carpeta compartida {folder}: {detail}",
        "No se tocó ningún dato. Corrija la causa y repita: lo ya hecho se reconoce.",
    ),
    (
        "RSP115", "facts_injected",
        "this controller makes variables of what servers tell of themselves (INJECT_FACTS_AS_VARS), so one of them could replace backup_systems",
        "Add the line inject_facts_as_vars = False under [defaults] in {file}, or set ANSIBLE_INJECT_FACT_VARS=False in the environment of the run (AWX: of "
        "the job), which goes before the file.",
        "Este controlador convierte en variables lo que los servidores dicen de sí (INJECT_FACTS_AS_VARS), así que uno podría reemplazar backup_systems",
        "Agregue la línea inject_facts_as_vars = False bajo [defaults] en {file}, o ponga ANSIBLE_INJECT_FACT_VARS=False en el entorno de la ejecución (AWX: "
        "del trabajo), que prevalece sobre el archivo.",
    ),
    (
        "RSP116", "answer_unreadable",
        "what {server} answered to {module} has not the form of an answer: {detail}",
        "A module of ours never answers so: look at who controls that server's Python, and run again.",
        "Lo que {server} respondió a {module} no tiene la forma de una respuesta: {detail}",
        "Un módulo nuestro nunca responde así: revise quién controla el Python de ese servidor y repita.",
    ),
    (
        "RSP117", "answer_foreign",
        "{server} answered {module} about something else than it was asked: {detail}",
        "Nothing of the answer was used. Treat that server as taken over until you know why.",
        "{server} respondió a {module} sobre algo distinto de lo que se le preguntó: {detail}",
        "No se usó nada de la respuesta. Trate ese servidor como comprometido hasta saber por qué.",
    ),
    (
        "RSP118", "bin_foreign",
        "the recycle bin of the shared folder {folder} can't be used: {what} stands in its place, {path}",
        "The folder was left as it was; the others were done. Look at what stands there, move it away, and run again.",
        "No se puede usar la papelera de la carpeta compartida {folder}: en su lugar ({path}) hay otra cosa ({what})",
        "Esa carpeta quedó como estaba; las demás se atendieron. Revise qué hay allí, retírelo y repita.",
    ),
    (
        "RSP119", "result_hidden",
        "no_log (of the task, the play, or ANSIBLE_NO_LOG) hides the result of {action} from the bitácora",
        "Nothing was done. Take no_log away: our modules hide their secrets option by option.",
        "no_log (de la tarea, del play o ANSIBLE_NO_LOG) oculta a la bitácora el resultado de {action}",
        "No se hizo nada. Quite no_log: nuestros módulos ocultan sus secretos opción por opción.",
    ),
    (
        "RSP120", "system_of_another",
        "{system} ({kind}) is a system of host {other}, which made its last good copy, and not of {host}",
        "Two servers can't share the name of a system: labels and the bitácora know it by that. Rename one; if the system was moved, or the host renamed, "
        "say so once in the inventory: moved_from: {other}.",
        "{system} ({kind}) es un sistema del servidor {other}, que hizo su última copia buena, y no de {host}",
        "Dos servidores no pueden tener un sistema del mismo nombre: por él lo conocen los rótulos y la bitácora. Cambie uno; si el sistema se mudó, o el "
        "servidor cambió de nombre, dígalo una vez en el inventario: moved_from: {other}.",
    ),
    (
        "RSP121", "secret_would_be_written",
        "{action} holds secrets, and Ansible would write it into a file on {host}: {why}",
        "Nothing was sent. Use a connection and a become method that can be pipelined (sudo rather than su), and set ANSIBLE_KEEP_REMOTE_FILES off.",
        "{action} lleva secretos y Ansible los escribiría en un archivo de {host}: {why}",
        "No se envió nada. Use una conexión y un become_method que admitan pipelining (sudo en vez de su) y desactive ANSIBLE_KEEP_REMOTE_FILES.",
    ),
    (
        "RSP122", "controller_tells_secrets",
        "this controller writes down what it sends to servers, secrets included: {setting} is on",
        "Nothing was done. Set {setting} off for runs of this collection.",
        "Este controlador deja escrito lo que envía a los servidores, secretos incluidos: {setting} está activo",
        "No se hizo nada. Desactive {setting} en las ejecuciones de esta colección.",
    ),
    (
        "RSP123", "secret_in_clear",
        "the inventory holds secrets in clear, and the policy refuses it (secrets_in_clear): {where}",
        "Nothing was copied. Put them into a file encrypted by ansible-vault, or read them by the lookup perucompras.respaldo.secret; and change them: "
        "whoever read the repository knows them.",
        "El inventario contiene secretos en claro y la política no lo admite (secrets_in_clear): {where}",
        "No se copió nada. Páselos a un archivo cifrado con ansible-vault, o léalos de un custodio (lookup perucompras.respaldo.secret); y cambie esas "
        "contraseñas, pues las conoce quien haya leído el repositorio.",
    ),
    (
        "RSP124", "rows_limited",
        "the server gives this account the first {limit} rows only of whatever it asks for (sql_select_limit), and the dump tool of this host can't ask for "
        "more: {source}",
        "A copy would lack the other rows. SET GLOBAL sql_select_limit = DEFAULT, and take it out of the server's configuration and of its init_connect.",
        "El servidor da a esta cuenta solo las primeras {limit} filas de lo que pida (sql_select_limit), y la herramienta de volcado de este equipo no puede "
        "pedir más: {source}",
        "A una copia le faltarían las demás filas. Ejecute SET GLOBAL sql_select_limit = DEFAULT, y quítelo de la configuración del servidor y de su "
        "init_connect.",
    ),
    (
        "RSP125", "scan_refused",
        "the server reads no table whole of more rows than its max_join_size, and the dump tool of this host can't ask for that: {source}",
        "SET GLOBAL max_join_size = DEFAULT, GLOBAL sql_big_selects = 1, and take them out of the server's configuration and of its init_connect.",
        "El servidor no lee enteras las tablas de más filas que su max_join_size, y la herramienta de volcado de este equipo no puede pedirlo: {source}",
        "Ejecute SET GLOBAL max_join_size = DEFAULT, GLOBAL sql_big_selects = 1, y quítelos de la configuración del servidor y de su init_connect.",
    ),
    (
        "RSP126", "hook_before_failed",
        "the command {hook} before the copy of {system} failed: {detail}",
        "Nothing was read and no space was used; what comes after the copy was run if one before it was begun. Run the command by hand on that computer to see "
        "what it says (its output is not kept), correct it, and run again.",
        "El comando «{hook}», antes de la copia de {system}, falló: {detail}",
        "No se leyó nada ni se usó espacio; si alguno de antes llegó a empezar, se ejecutaron los de después. Ejecute el comando a mano en ese equipo para ver "
        "qué dice (su salida no se guarda), corríjalo y repita.",
    ),
    (
        "RSP127", "hook_after_failed",
        "the command {hook} after the copy of {system} failed: {detail}",
        "The copy is as its entry says. See at once that what the command undoes is undone (a frozen file system, a service that was stopped), and correct it.",
        "El comando «{hook}», después de la copia de {system}, falló: {detail}",
        "La copia es la que dice su asiento. Revise enseguida que quedó deshecho lo que el comando deshace (un sistema de archivos congelado, un servicio "
        "detenido) y corríjalo.",
    ),
    (
        "RSP128", "snapshot_lost",
        "the moment that the pieces of the copy of {source} share could not be held: {detail}",
        "Somebody changes or locks tables while they are copied, or the server ended the session. Copy at another hour, or leave jobs out of the source.",
        "No se pudo mantener el instante que comparten las piezas de la copia de {source}: {detail}",
        "Alguien modifica o bloquea tablas mientras se copian, o el servidor cerró la sesión. Copie a otra hora, o quite jobs del origen.",
    ),
    (
        "RSP129", "earlier_unusable",
        "nothing of the earlier copy {label} can be used: {detail}",
        "Nothing has to be done: all mails travel, and the copy is whole. To have only new ones travel, mend what is told.",
        "No se puede usar nada de la copia anterior {label}: {detail}",
        "No hay que hacer nada: viajan todos los mensajes y la copia queda completa. Para que viajen solo los nuevos, corrija lo que se indica.",
    ),
    # -- 2xx sources ------------------------------------------------------------------------------------------------
    (
        "RSP201", "source_missing",
        "the source does not exist: {source}",
        "Check the name in the inventory and that the server really holds it.",
        "No existe el origen: {source}",
        "Revise el nombre en el inventario y que el servidor realmente lo contenga.",
    ),
    (
        "RSP202", "source_unreachable",
        "the source {source} can't be read: {detail}",
        "Check that its server runs, the address, the account and its password.",
        "No se puede leer el origen {source}: {detail}",
        "Revise que el servicio esté activo, la dirección, la cuenta y su contraseña.",
    ),
    (
        "RSP203", "source_changed",
        "the source {source} changed while it was read: {detail}",
        "Run again when nobody writes to it, or copy it from a snapshot.",
        "El origen {source} cambió durante la lectura: {detail}",
        "Repita la copia cuando no haya escritura o use una instantánea.",
    ),
    (
        "RSP204", "copy_too_small",
        "the copy of {source} has {size} bytes, less than the {minimum} expected",
        "Look at the source: it may be empty or damaged. If it really shrank, lower minimum_size for this system.",
        "La copia de {source} tiene {size} bytes, menos de los {minimum} esperados",
        "Revise el origen: puede estar vacío o dañado. Si realmente se redujo, ajuste el tamaño mínimo del sistema.",
    ),
    (
        "RSP205", "source_damaged",
        "the source {source} is damaged: {detail}",
        "No copy was made of it. Repair it, or restore it from the last good copy.",
        "El origen {source} está dañado: {detail}",
        "No se hizo copia de él. Repárelo o restáurelo desde la última copia buena.",
    ),
    (
        "RSP206", "source_incomplete",
        "the source {source} lacks what it refers to: {detail}",
        "Bring what is missing to the source (for git: a whole clone, git lfs fetch --all), then run again.",
        "Al origen {source} le falta contenido al que hace referencia: {detail}",
        "Complete el origen (en git: clon completo, git lfs fetch --all) y repita la copia.",
    ),
    (
        "RSP207", "source_odd",
        "{source}: {path} is not what belongs there: {detail}",
        "Nothing was read through it. Whoever owns the source puts a plain file or directory back there.",
        "{source}: {path} no es lo que corresponde en ese lugar: {detail}",
        "No se leyó nada a través de él. Quien administra el origen debe volver a poner ahí un archivo o directorio normal.",
    ),
    (
        "RSP208", "source_too_slow",
        "{source}: {step} did not end within {seconds} s and was stopped",
        "No copy was made. Look for what never ends there (a pipe in place of a file, endless content), or run again when the server has less work.",
        "{source}: {step} no terminó en {seconds} s y se detuvo",
        "No se hizo la copia. Busque qué es lo que no termina (una tubería en lugar de un archivo, contenido sin fin), o repita con el servidor menos ocupado.",
    ),
    (
        "RSP209", "line_taken",
        "the line between this server and the controller can't be made: {detail}",
        "Nothing was told through it. Somebody on this server made what lies there: see whose it is, remove it, and run again.",
        "No se puede establecer la línea entre este servidor y el controlador: {detail}",
        "No se comunicó nada por ella. Alguien en este servidor creó lo que está ahí: vea de quién es, retírelo y repita.",
    ),
    (
        "RSP220", "copy_partial",
        "{count} of what {source} holds could not be read, so this is no copy: {detail}",
        "Give the account that copies the right to read them, or leave them out with exclude. What could be read is kept aside under the tag parcial and "
        "can be restored on purpose (restore_partial); the next good copy makes it removable.",
        "No se pudo leer {count} de lo que contiene {source}, por lo que no es una copia: {detail}",
        "Dé permiso de lectura a la cuenta que copia, o exclúyalos con exclude. Lo leído queda aparte con la etiqueta parcial y puede restaurarse a propósito "
        "(restore_partial); la siguiente copia buena permite retirarlo.",
    ),
    (
        "RSP221", "snapshot_impossible",
        "{source} can't be copied from a snapshot of its file system: {detail}",
        "Mend what the detail tells, or set snapshot: none (or auto) and copy the living files. one_file_system: true leaves out what is mounted below it.",
        "No se puede copiar {source} desde una instantánea de su sistema de archivos: {detail}",
        "Corrija lo que indica el detalle, o indique snapshot: none (o auto) para copiar los archivos vivos. one_file_system: true excluye lo montado debajo.",
    ),
    (
        "RSP222", "tool_copy_unhealthy",
        "Azure Backup calls the recovery point {point} of {item} {status}: {detail}",
        "Look at the alert in the portal. The copy counts as damaged and is offered only with azure_backup_damaged and a reason; restore an older one, or this "
        "one into a place apart. When the service calls it healthy again, the next verification lifts this.",
        "Azure Backup califica de {status} el punto de recuperación {point} de {item}: {detail}",
        "Revise la alerta en el portal. La copia cuenta como dañada y solo se ofrece con azure_backup_damaged y un motivo; restaure una anterior, o esta en un "
        "lugar aparte. Cuando el servicio vuelva a calificarla de sana, la siguiente verificación levanta el daño.",
    ),
    (
        "RSP223", "tool_item_suspicious",
        "Azure Backup calls what {item} holds {status}; its newest copies may hold the same",
        "Look at the alert in the portal, and at the server or share itself, before anything is restored from its newest copies.",
        "Azure Backup califica de {status} el contenido de {item}; sus copias más recientes pueden contener lo mismo",
        "Revise la alerta en el portal y el propio servidor o recurso compartido antes de restaurar de sus copias más recientes.",
    ),
    (
        "RSP224", "azure_version_unknown",
        "the service at {location} does not know version {version} of its own API: {detail}",
        "Some clouds get a version later. Write api_version: \"2023-06-01\" in that vault of backup_vaults; threats in recovery points are not told then.",
        "El servicio en {location} no conoce la versión {version} de su propia API: {detail}",
        "Algunas nubes reciben cada versión más tarde. Indique api_version: \"2023-06-01\" en esa bóveda de backup_vaults; así no se informan las amenazas en "
        "los puntos de recuperación.",
    ),
    # -- 3xx pipeline -----------------------------------------------------------------------------------------------
    (
        "RSP301", "tool_missing",
        "the program {tool} is not installed on this server",
        "Install the package that brings it ({package}), or let the role do it.",
        "El programa {tool} no está instalado en el servidor",
        "Instale el paquete que lo contiene ({package}).",
    ),
    (
        "RSP302", "stage_failed",
        "{stage} ended with {status}: {detail}",
        "Read the tool's own message above; nothing was published and the last good copy is untouched.",
        "La etapa {stage} terminó con {status}: {detail}",
        "Lea el mensaje de la herramienta; no se publicó ninguna copia y la última copia buena sigue intacta.",
    ),
    (
        "RSP303", "tool_too_old",
        "{tool} {version} is older than the server it reads ({server_version})",
        "Install {tool} of the server's version or newer.",
        "{tool} {version} es más antiguo que el servidor que lee ({server_version})",
        "Instale {tool} de la versión del servidor o una posterior.",
    ),
    (
        "RSP304", "unexpected",
        "an unexpected error of the software: {detail}",
        "Nothing was published. Report it with the run's output (-vvv).",
        "Error inesperado del programa: {detail}",
        "No se publicó ninguna copia. Comuníquelo al equipo con la salida de la ejecución (-vvv).",
    ),
    (
        "RSP310", "tool_below_minimum",
        "{tool} {version} is older than {minimum}, the first that does what is needed",
        "Install {tool} {minimum} or newer: Debian 12, Ubuntu 24.04 and EPEL 9 have it.",
        "{tool} {version} es anterior a la versión mínima {minimum}",
        "Instale {tool} {minimum} o posterior: Debian 12, Ubuntu 24.04 y EPEL 9 la traen.",
    ),
)
