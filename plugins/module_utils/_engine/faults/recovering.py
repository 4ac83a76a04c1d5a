# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the worst day: a controller that is lost, and what the bitácora lost with it (RSP484 to RSP489, RSP785, RSP791 to
RSP799)."""

from __future__ import annotations

ROWS = (
    (
        "RSP484", "recovery_laid_out",
        "what this machine had lost was laid out already, on {at}: kit {kit}, bitácora {bitacora}",
        "Nothing was changed. Go on with the second step, playbooks/recover.yml with recover_mounted, recover_reason and recover_authority. To begin anew, "
        "move the bitácora, recuperacion.json beside it and all that was placed away first.",
        "Lo que esta máquina había perdido ya se repuso el {at}: maletín {kit}, bitácora {bitacora}",
        "No se cambió nada. Siga con el segundo paso, playbooks/recover.yml con recover_mounted, recover_reason y recover_authority. Para empezar de nuevo, "
        "aparte antes la bitácora, recuperacion.json a su lado y todo lo que se repuso.",
    ),
    (
        "RSP485", "recovery_bitacora_there",
        "{path} stands where the bitácora is to come back",
        "Nothing was changed. A run of this machine made it, or it is one that was thought lost: keep it, it is evidence. Move it away with all that begins "
        "with its name (-wal, -shm, -journal), since SQLite would read those into another bitácora, and run again.",
        "{path} ocupa el lugar donde debe volver la bitácora",
        "No se cambió nada. La hizo una ejecución en esta máquina, o es la que se creía perdida: consérvela, es evidencia. Apártela con todo lo que empieza "
        "con su nombre (-wal, -shm, -journal), pues SQLite lo leería dentro de otra bitácora, y repita.",
    ),
    (
        "RSP486", "recovery_clock_behind",
        "the clock of this machine says {now}, and copies on the medium say that they were made at {newest}",
        "Nothing was changed. Entries keep the hour that they are written with for ever: set the clock (timedatectl), and run again. If it is right, and the "
        "machine that made the copies was ahead, say clock_confirmed.",
        "El reloj de esta máquina dice {now}, y hay copias en el medio que dicen ser de {newest}",
        "No se cambió nada. Los asientos conservan para siempre la hora con que se escriben: ponga el reloj en hora (timedatectl) y repita. Si está bien, y el "
        "que estaba adelantado era el de la máquina que hizo las copias, dígalo con --reloj-comprobado (clock_confirmed).",
    ),
    (
        "RSP487", "recovery_running",
        "another attempt of this recovery is at work in {directory}",
        "Nothing was changed. Let it end, and see what it says.",
        "Otro intento de esta recuperación está en curso en {directory}",
        "No se cambió nada. Espere a que termine y vea lo que dice.",
    ),
    (
        "RSP488", "recovery_password_missing",
        "nobody who was asked has the password of {label}: {custodians}",
        "Nothing was changed. Give custody: the directory of a custodian (with database, source_code and file_server below it), or the services as the "
        "inventory had them. If that custodian is older than this copy, give another, a private key, or an older copy by its label.",
        "Nadie a quien se preguntó tiene la contraseña de {label}: {custodians}",
        "No se cambió nada. Indique con --custodia el directorio de un custodio (el que contiene database, source_code y file_server), o los servicios como "
        "los tenía el inventario. Si ese custodio es anterior a esta copia, indique otro, una llave privada, o una copia más antigua por su rótulo.",
    ),
    (
        "RSP489", "recovery_bitacora_on_server",
        "the bitácora ({where}) is a database of a server, and comes back with that, not as a file",
        "Nothing was changed. Say bitacora_on_server: the kit alone is laid out. A server that is lost too gets this database back by the commands of its "
        "manifest; then recover.yml records and adopts as ever.",
        "La bitácora ({where}) es una base de datos de un servidor: vuelve con él, no como archivo",
        "No se cambió nada. Agregue --bitacora-en-servidor (bitacora_on_server): se repone solo el maletín. Si ese servidor también se perdió, la base vuelve "
        "con los comandos de su ficha (guía, «El peor día»); después recover.yml registra y adopta como siempre.",
    ),
    (
        "RSP785", "recovery_begun",
        "{directory} has what an earlier attempt of this recovery opened",
        "Nothing was changed. Look whether that attempt still runs; else remove the directory (rm -r) and run again: all comes from the medium once more.",
        "En {directory} está lo que abrió un intento anterior de esta recuperación",
        "No se cambió nada. Vea si ese intento sigue en curso; si no, borre el directorio (rm -r) y repita: todo vuelve a salir del medio.",
    ),
    (
        "RSP791", "recovery_forked",
        "the bitácoras in {label} and {other} contradict each other: neither goes on from the other",
        "Nothing was put in its place, and both are evidence: one of them was rewritten, or went on after an older one was restored. Take the one whose "
        "SHA-256 stands in the printed plan or in a mail with a seal (bitacora_sha256), or name it by its label (bitacora_label).",
        "Las bitácoras de {label} y {other} se contradicen: ninguna continúa a la otra",
        "No se puso nada en su lugar, y ambas son evidencia: una fue reescrita, o continuó después de reponer una anterior. Tome la que tenga la huella del "
        "plan impreso o de un correo con un sello (--huella-bitacora), o nómbrela por su rótulo (bitacora_label de la orden ansible -m).",
    ),
    (
        "RSP792", "manifest_newer",
        "{label} on {location} was made by a later version of this program: its manifest is of a later schema than {reads}, which this one reads",
        "Nothing of it was changed, and it is not damaged. Use the version that made it; of a kit that is the one that the kit holds.",
        "{label}, en {location}, la hizo una versión posterior de este programa: su ficha es de un esquema posterior al {reads}, que esta lee",
        "No se cambió nada de ella, y no está dañada. Use la versión que la hizo; de un maletín, la que el maletín lleva.",
    ),
    (
        "RSP793", "copy_not_adopted",
        "{label} on {location} is not taken into the bitácora: {detail}",
        "Nothing of it was changed. Look at what lies there; a copy that is not whole, or of another system, is none of ours.",
        "{label}, en {location}, no se adopta en la bitácora: {detail}",
        "No se cambió nada de ella. Revise qué hay allí; una copia que no está entera, o que es de otro sistema, no cuenta como propia.",
    ),
    (
        "RSP794", "recovery_copy_missing",
        "{location} has no whole copy of {system}, which the recovery begins with",
        "Nothing was touched. Mount the repository medium and give its path, which holds database, source_code and file_server; or name the systems as the "
        "inventory did (kit, bitacora).",
        "En {location} no hay ninguna copia entera de {system}, con la que empieza la recuperación",
        "No se tocó nada. Monte el medio del repositorio e indique su ruta, la que contiene database, source_code y file_server; o nombre los sistemas como "
        "los nombraba el inventario (kit, bitacora).",
    ),
    (
        "RSP795", "recovery_place_taken",
        "{path} can't be put in its place: {detail}",
        "What was opened lies in {directory}. This is for an empty machine: look at what is there, move it away, or put the rest in its place by hand "
        "(cp -a).",
        "No se puede poner {path} en su lugar: {detail}",
        "Lo que se abrió está en {directory}. Esto es para una máquina vacía: revise qué hay allí, apártelo, o ponga lo demás en su lugar a mano "
        "(cp -a).",
    ),
    (
        "RSP796", "recovered_bitacora_broken",
        "the bitácora in {label} is not whole: {detail}",
        "Nothing was put in its place. Give an older copy of the bitácora by its label (bitacora_label), and keep this one: it is evidence.",
        "La bitácora de {label} no está íntegra: {detail}",
        "No se puso nada en su lugar. Indique una copia anterior de la bitácora por su rótulo (bitacora_label) y conserve esta: es evidencia.",
    ),
    (
        "RSP797", "recovery_unvouched",
        "nobody vouches for {label}: {detail}",
        "Nothing was put in its place. Give seal_key, the public key of the seals, or the SHA-256 of kit and bitácora (kit_sha256, bitacora_sha256), from the "
        "printed plan of recovery or a mail with a seal. Only without any of these: unvouched_reason; the kit then stays aside until somebody looked at it.",
        "Nadie responde por {label}: {detail}",
        "No se puso nada en su lugar. Indique la clave pública de los sellos (--sello), o las huellas del maletín y la bitácora (--huella-maletin, "
        "--huella-bitacora), del plan de recuperación impreso o de un correo con un sello. Solo si no hay ninguno: --sin-prueba MOTIVO; el maletín queda "
        "aparte hasta que alguien lo revise.",
    ),
    (
        "RSP798", "recovery_differs",
        "{location} has no copy of {system} whose SHA-256 is {wanted}; the newest one, {label}, has {found}",
        "Nothing was touched. Look for a typing error, and for a newer plan or mail. If the newest copy was made after the plan was printed, give seal_key "
        "instead: it stays the same. If it was not, somebody else may have laid it there.",
        "En {location} no hay ninguna copia de {system} con la huella {wanted}; la más reciente, {label}, tiene {found}",
        "No se tocó nada. Revise lo tecleado, y si hay un plan o un correo más reciente. Si la copia es posterior al plan impreso, indique en su lugar la "
        "clave de los sellos (--sello), que no cambia. Si no lo es, puede haberla puesto ahí otra persona.",
    ),
    (
        "RSP799", "never_encrypted",
        "{file} is not encrypted, though its manifest says that it is",
        "Nothing of it was given. No copy of ours is so: somebody else laid it there. Keep it as evidence, and use another copy.",
        "{file} no está cifrado, aunque su ficha dice que lo está",
        "No se entregó nada de él. Ninguna copia nuestra es así: la puso ahí otra persona. Consérvelo como evidencia y use otra copia.",
    ),
)
