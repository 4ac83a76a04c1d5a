# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the schedule: 475, 476, 740, 741, 743 to 749, 757, 758 and 776 to 780, and 790 of commands around copies; 781 to 784
of what check.yml finds; 7xx is the bitácora. The form of a row: errors.Fault."""

from __future__ import annotations

ROWS = (
    (
        "RSP740", "unit_of_others",
        "{unit} is there and was not made for this inventory: its first line is not '{mark}'",
        "Nothing was written. If it is of another inventory, take that one's schedule away first (schedule.yml with it and schedule_state: absent); if it is "
        "nobody's, remove the file.",
        "{unit} ya existe y no se hizo para este inventario: su primera línea no es «{mark}»",
        "No se escribió nada. Si es de otro inventario, retire antes su programación (schedule.yml con él y schedule_state: absent); si no es de nadie, borre "
        "el archivo.",
    ),
    (
        "RSP741", "schedule_start_failed",
        "the scheduled start of {purpose} ended before it could write into the bitácora ({unit}: {detail})",
        "See what it said: journalctl -u {unit}. Mostly the inventory or its vault's password file can't be read. Then: systemctl start {unit}.",
        "El inicio programado de «{purpose_es}» terminó antes de poder escribir en la bitácora ({unit}: {detail})",
        "Vea lo que dijo: journalctl -u {unit}. Casi siempre no se puede leer el inventario o el archivo de la contraseña de vault. Después: systemctl start "
        "{unit}.",
    ),
    (
        "RSP743", "schedule_without_systemd",
        "timers of systemd can't be set here: {detail}",
        "Run schedule.yml as root on a controller that systemd started. In a container the scheduler outside starts the playbooks (AWX, Semaphore, cron).",
        "Aquí no se pueden poner temporizadores de systemd: {detail}",
        "Ejecute schedule.yml como root en un controlador iniciado por systemd. En un contenedor, los playbooks los inicia el programador de fuera (AWX, "
        "Semaphore, cron).",
    ),
    (
        "RSP744", "unit_refused",
        "systemd refuses the schedule: {detail}",
        "See the message and systemctl status. What was written stays and is looked at again by the next run of schedule.yml.",
        "systemd rechaza la programación: {detail}",
        "Vea el mensaje y systemctl status. Lo que se escribió queda, y la siguiente ejecución de schedule.yml lo vuelve a revisar.",
    ),
    (
        "RSP745", "schedule_missed",
        "the scheduled start of {purpose} did not come: last {at}, {times} in a row",
        "{scheduler} has it: see it there (systemd, on the controller: systemctl list-timers 'respaldo-*'). schedule.yml puts back what somebody stopped.",
        "La programación de «{purpose_es}» no corrió: la última, {at}; {times} seguidas",
        "La tiene {scheduler}: véala allí (systemd, en el controlador: systemctl list-timers 'respaldo-*'). schedule.yml repone lo que alguien detuvo.",
    ),
    (
        "RSP746", "awx_refused",
        "backup_awx is of no use as it is: {detail}",
        "Mend backup_awx in the inventory, its secrets in the vault. Nothing was touched.",
        "backup_awx no sirve así: {detail}",
        "Corrija backup_awx en el inventario, sus secretos en el vault. No se tocó nada.",
    ),
    (
        "RSP475", "awx_project_unfit",
        "AWX did not find in the project {project} what its templates start: {playbooks} (its last synchronisation: {status})",
        "See the project's last synchronisation in AWX: the address of the repository, its branch and its credential, and backup_awx.playbooks, the directory "
        "of the playbooks in it. What was made stays; run schedule.yml again.",
        "AWX no encontró en el proyecto «{project}» lo que sus plantillas inician: {playbooks} (su última sincronización: {status})",
        "Vea en AWX la última sincronización del proyecto: la dirección del repositorio, su rama y su credencial, y backup_awx.playbooks, el directorio de los "
        "playbooks en él. Lo hecho queda; ejecute schedule.yml otra vez.",
    ),
    (
        "RSP476", "awx_busy",
        "AWX runs, or holds for an approval, what is to be removed: {names}",
        "Wait until it ended, or cancel it in AWX, and run schedule.yml again. Nothing was touched.",
        "AWX ejecuta, o tiene en espera de una autorización, lo que se va a retirar: {names}",
        "Espere a que termine, o cancélelo en AWX, y ejecute schedule.yml otra vez. No se tocó nada.",
    ),
    (
        "RSP747", "awx_collection_missing",
        "the collection awx.awx, which speaks with AWX, is not installed here",
        "Run ansible-galaxy collection install awx.awx, or add it to the image. Nothing was touched.",
        "La colección awx.awx, que habla con AWX, no está instalada aquí",
        "Ejecute ansible-galaxy collection install awx.awx, o agréguela a la imagen. No se tocó nada.",
    ),
    (
        "RSP748", "semaphore_unfit",
        "the schedule can't be put into Semaphore as it is: {detail}",
        "Nothing was written. Mend backup_semaphore in the inventory, its secrets in the vault. Of hours: Semaphore knows no zone of a schedule; let its "
        "server count by the policy's zone (TZ=America/Lima, and from 2.12 SEMAPHORE_SCHEDULE_TIMEZONE) and say so in backup_semaphore.zone, or give that "
        "purpose another day or hour.",
        "La programación no se puede poner en Semaphore tal como está: {detail}",
        "No se escribió nada. Corrija backup_semaphore en el inventario, sus secretos en el vault. De las horas: Semaphore no conoce zonas por programación; "
        "haga que su servidor cuente en la zona de la política (TZ=America/Lima y, desde 2.12, SEMAPHORE_SCHEDULE_TIMEZONE) y dígalo en "
        "backup_semaphore.zone, o dé a ese propósito otro día u otra hora.",
    ),
    (
        "RSP749", "semaphore_refused",
        "Semaphore ({location}) refuses or does not answer: {detail}",
        "See the reason. A token is made in Semaphore by a user who may manage the project (to make one: an administrator). What was done stays; schedule.yml "
        "run again does the rest.",
        "Semaphore ({location}) no acepta o no responde: {detail}",
        "Vea el motivo. El token lo crea en Semaphore un usuario que administre el proyecto (para crearlo: un administrador). Lo hecho queda; schedule.yml "
        "ejecutado otra vez hace lo que falta.",
    ),
    (
        "RSP757", "schedule_late",
        "the scheduled start of {purpose} of {at}, by {scheduler}, came {late} late: {began}",
        "It does what it had to, no other is needed. See in its scheduler why it did not begin in time (controller off, scheduler stopped, jobs that wait for "
        "others). The next start that comes in time ends this.",
        "La programación de «{purpose_es}» de {at}, por {scheduler}, empezó con {late} de atraso: {began}",
        "Hace lo que debía: no hace falta otra. Vea en su programador por qué no empezó a su hora (controlador apagado, programador detenido, tareas que "
        "esperan a otras). El siguiente inicio a su hora termina este aviso.",
    ),
    (
        "RSP758", "unit_extended",
        "{unit} does not stand as it was made: files beside it change it ({detail})",
        "See all of it with systemctl cat {unit}. An OnCalendar there is one more start, not another hour, unless an empty OnCalendar= stands before it. Put "
        "the time into backup_schedule, take the file away and run schedule.yml again; schedule.yml itself leaves such files alone.",
        "{unit} no está como se hizo: la cambian archivos a su lado ({detail})",
        "Véalo entero con systemctl cat {unit}. Un OnCalendar allí es un inicio más, no otra hora, salvo que antes haya un OnCalendar= vacío. Ponga la hora en "
        "backup_schedule, quite el archivo y ejecute otra vez schedule.yml, que por su cuenta no toca esos archivos.",
    ),
    (
        "RSP790", "hook_unsafe",
        "the command {hook} is not run: others than root and this account can change {detail}, which leads to {program}",
        "Nothing was read. Put the program where root alone may write, with all directories above it (chown root, chmod go-w), such as /usr/local/sbin.",
        "No se ejecuta el comando «{hook}»: otros que root y esta cuenta pueden cambiar {detail}, que lleva a {program}",
        "No se leyó nada. Ponga el programa donde solo root pueda escribir, también en los directorios de arriba (chown root, chmod go-w), por ejemplo en "
        "/usr/local/sbin.",
    ),
    (
        "RSP776", "purpose_failed",
        "the last run of {purpose} ended as {state}: it began at {at}",
        "See its entries (bitacora_info, by its run) and its log, mend what they tell, and run the playbook again: a later run that is good ends this.",
        "La última ejecución de «{purpose_es}» {state_es}: empezó el {at}",
        "Vea sus asientos y su registro detallado, corrija lo que dicen y ejecute de nuevo el playbook: la siguiente ejecución buena termina este aviso.",
    ),
    (
        "RSP777", "heartbeat_failed",
        "the sign of life of {purpose} did not reach {name}: {detail}",
        "The run went on as without it. See whether the service answers this controller, and the url, token, proxy and ca_certs of backup_heartbeats.",
        "La señal de vida de «{purpose_es}» no llegó a {name}: {detail}",
        "La ejecución siguió como sin ella. Vea si el servicio responde desde este controlador, y url, token, proxy y ca_certs de backup_heartbeats.",
    ),
    (
        "RSP778", "heartbeats_invalid",
        "no sign of life was given: {where} {problem}",
        "Each of backup_heartbeats has name, type (healthchecks, uptime_kuma, get), url (https), token; purposes, proxy, ca_certs if wanted (guide).",
        "No se dio ninguna señal de vida: {where} {problem}",
        "Cada una de backup_heartbeats tiene name, type (healthchecks, uptime_kuma, get), url (https) y token; si se quiere, purposes, proxy y ca_certs.",
    ),
    (
        "RSP781", "not_ready",
        "not all is ready: {count} findings stop copies, proofs or warnings",
        "Mend them in their order, each as its line says, and run check.yml again until it says listo.",
        "No todo está listo; hallazgos que impiden copiar, probar o avisar: {count}",
        "Corríjalos en su orden, cada uno como dice su línea, y vuelva a comprobar hasta que diga «Listo».",
    ),
    (
        "RSP782", "inventory_file_wrong",
        "{place}: {problem}",
        "{mend}",
        "En {place}: {problem}",
        "{mend_es}",
    ),
    (
        "RSP783", "server_not_ready",
        "{server}: {detail}",
        "{mend}",
        "{detail}",
        "{mend_es}",
    ),
    (
        "RSP784", "public_key_unfit",
        "the public key of {person} ({file}) {problem}",
        "Put a key of that person there that can encrypt and has not expired: gpg --armor --export ADDRESS. Then run custody.yml.",
        "La llave pública de {person} ({file}) {problem}",
        "Pida a esa persona una llave que cifre y no haya vencido (gpg --armor --export CORREO), póngala en ese archivo y ejecute custody.yml.",
    ),
    (
        "RSP788", "core_unsupported",
        "this is ansible-core {version}, and the collection is tested with {oldest} and later, before {below}",
        "Install one of these: python3 -m pip install -r requirements.txt, of the collection, with Python 3.10 or later; where the system's own is older, in a "
        "virtual environment.",
        "Aquí hay ansible-core {version}, y la colección se prueba con {oldest} o posterior, anterior a {below}",
        "Instale una de esas versiones: python3 -m pip install -r requirements.txt, el de la colección, con Python 3.10 o posterior; si el del sistema es "
        "anterior, en un entorno virtual.",
    ),
    (
        "RSP789", "drill_rights_missing",
        "its copies can't be proved: the account {account} may not make a database on {server}, where they are rehearsed",
        "An administrator of that server gives it the right: {grant}",
        "Sus copias no se pueden probar: la cuenta {account} no puede crear una base de datos en {server}, donde se restauran para probarlas",
        "Que un administrador de ese servidor le dé el permiso: {grant}",
    ),
)
