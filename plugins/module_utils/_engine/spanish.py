# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the details of errors tell, in Spanish: a row for each phrase. A tool's own words, and what has no row here, stay as they are.

Rows are applied in their order, each to what the rows before it left: the longer phrase stands before the one that is a part of it.
"""

from __future__ import annotations

import errno
import functools
import os
import re
from typing import Any

from .faults import details, details_inventory, details_mailboxes

# Words that stand for a value that is not shown (schema.py), and others in the place of a name.
_WORDS = {"(hidden)": "(oculto)", "(a table of keys)": "(una tabla)", "(a list)": "(una lista)", "(a text)": "(un texto)", "(a key)": "(una clave)",
          "(certificates)": "(certificados)", "the source": "el origen", "the server": "el servidor", "none": "ninguno",
          "the bitácora": "la bitácora", "SQLite database": "base SQLite"}

_ROWS = (
    # where a copy comes from and goes to (backup.py, trees.py, azure_blob.py, storage.py, orders.py)
    ("^what is mounted there is another than when the copy began$", "lo que está montado ahí no es lo mismo que al comenzar la copia"),
    ("^what was mounted there is gone: ", "lo que estaba montado ahí ya no está: "),
    ("^(\\d+) files and folders vanished while (\\d+) files were copied: ", r"desaparecieron \1 archivos y carpetas mientras se copiaban \2: "),
    ("^is not a SAS: a query with sig= in it, on one line, without blanks$", "no es una SAS: una consulta con sig=, en una sola línea y sin espacios"),
    ("^lies in what is copied \\((.*)\\)$", r"está dentro de lo que se copia (\1)"),
    ("^is not the address of a proxy$", "no es la dirección de un proxy"),
    ("^(.+) is no part of a copy, so it is not removed$", r"\1 no es parte de ninguna copia, así que no se retira"),
    ("^the address can't be sent as it is: a blank or a control character is in it",
     "la dirección no se puede enviar así: tiene un espacio o un carácter de control"),
    ("\\bit is leased\\b", "tiene un arrendamiento (lease)"), ("\\bit is under a legal hold\\b", "está bajo retención legal"),
    ("\\bit is write-once until ", "es de una sola escritura hasta "), ("\\bdid not come back$", "no volvió"),
    ("\\bis not as copied$", "no es como se copió"),
    # what a server answered (plugin_utils/_copying/answers.py, _forms.py)
    ("^it is no table$", "no es una tabla"), ("^failed is neither true nor false$", "failed no es ni true ni false"),
    ("^(\\w+) is not less, and less deep$", r"\1 tiene demasiados valores o demasiados niveles"),
    ("^(\\w+) is not a number that can be$", r"\1 es un número imposible"), ("^(\\w+) is not true or false$", r"\1 no es ni true ni false"),
    ("^(\\w+) is not a number from 0$", r"\1 no es un número desde 0"), ("^(\\w+) is not a text$", r"\1 no es un texto"),
    ("^(\\w+) is not a table of texts$", r"\1 no es una tabla de textos"), ("^(\\w+) is not a table$", r"\1 no es una tabla"),
    ("^(\\w+) is not tables$", r"\1 no es una lista de tablas"), ("^(\\w+) is not its key (\\w+)$", r"a \1 le falta la clave \2"),
    ("^(\\w+) is not a list$", r"\1 no es una lista"), ("^(\\w+) is not a digest$", r"\1 no es un resumen (SHA-256)"),
    ("^it has no entry of ", "no trae el asiento de "), ("^it has no kind and system of a copy$", "no dice el tipo ni el sistema de una copia"),
    ("^it has no ", "le falta "), ("^it has (\\d+) characters$", r"tiene \1 caracteres"),
    ("^backup is not one entry$", "backup no es un asiento"), ("^backup is not a list of entries$", "backup no es una lista de asientos"),
    ("^it names neither digest nor size of the copy$", "no indica el resumen (SHA-256) ni el tamaño de la copia"),
    ("^it (?:names no|does not name the) digest of the copy$", "no indica el resumen (SHA-256) de la copia"),
    ("^(label|system|kind|name) (.*), which was not asked for$", r"\1 \2, que no se pidió"),
    ("^(\\w*) of (.*), of which it has spoken already$", r"\1 de \2, de lo que ya había hablado"),
    ("^(\\w+) (T\\d), and (T\\d) was asked for$", r"\1 \2, y se pidió \3"), ("^the digest (\\w+) of another copy$", r"el resumen \1, de otra copia"),
    ("^it failed without a word$", "falló sin decir nada"), (r"^it can't be read \((\w+: )", r"no se puede leer (\1"),
    ("^it names no database$", "no nombra ninguna base de datos"),
    # what is not what it should be (descriptors.py, media/local.py, placing.py, sources)
    ("is not what was there before", "no es lo que había antes"), ("was moved while it was read", "se movió mientras se leía"),
    ("it changes while it is looked at", "cambia mientras se mira"),
    ("^(?:it )?is no regular file$", "no es un archivo normal"), ("^it is no directory and no file$", "no es ni un directorio ni un archivo"),
    ("^it is no directory$", "no es un directorio"), ("^holds more than (\\d+) bytes$", r"tiene más de \1 bytes"),
    ("^leads out of the directory$", "lleva fuera del directorio"),
    ("^another file system is mounted here$", "aquí está montado otro sistema de archivos"),
    ("^it leads to ", "lleva a "), ("^too many links lead through the refs$", "hay demasiados enlaces entre las referencias"),
    ("^its name is longer than (\\d+) bytes$", r"su nombre tiene más de \1 bytes"),
    ("^it is not the copy that was sealed$", "no es la copia que se selló"),
    ("^it was exchanged while the copy was written$", "se cambió por otra cosa mientras se escribía la copia"),
    ("^it was exchanged as soon as it was there$", "se cambió por otra cosa apenas estuvo ahí"), ("^(.+) appeared beside it$", r"\1 apareció a su lado"),
    ("^its name is none$", "su nombre no es válido"), ("^(.+) is another's$", r"\1 es de otro"),
    ("^a link$", "un enlace"), ("^a file$", "un archivo"), ("^a FIFO$", "una tubería"), ("^a socket$", "un socket"), ("^a device$", "un dispositivo"),
    ("^it holds (.+) twice$", r"contiene dos veces \1"), ("^its list of refs is larger than any$", "su lista de referencias es más grande que cualquiera"),
    ("^its list of refs: ", "su lista de referencias: "), ("^among its LFS objects is ", "entre sus objetos LFS está "),
    ("^its manifest does not say what the database holds$", "su ficha no dice qué contiene la base de datos"),
    # media that servers may only add to (media/gated.py, the role append_only_medium, plugin_utils/_keepers.py)
    ("^it said nothing$",
     "no dijo nada"), ("^to (\\w+) is the controller's, by its own key \\(keeper\\)$", r"\1 le corresponde al controlador, con su propia clave (keeper)"),
    ("^this key makes copies by the collection perucompras.respaldo; no shell, no files, no forwarding$",
     "esta clave solo hace copias con la colección perucompras.respaldo: no abre consola, no transfiere archivos ni redirige puertos"),
    ("^this key belongs to no server of the configuration$", "esta clave no es de ningún servidor de la configuración"),
    ("^(.+) takes (\\d+) words$", r"\1 lleva \2 palabras"), ("^(.+): (.+) is not the form of a (\\w+)$", r"\1: \2 no tiene la forma de \3"),
    ("^(.+): (.+) is no label of (.+)$", r"\1: \2 no es un rótulo de \3"), ("^(\\S+/.+) is not a system of (.+)$", r"\1 no es un sistema de \2"),
    ("^(\\w+) needs a permission of the controller, and there is none$", r"\1 requiere un permiso del controlador, y no hay ninguno"),
    ("^(\\S+) is not being made any more$", r"\1 ya no se está haciendo"),
    ("^(\\S+) is not being made, or was there already$", r"\1 no se está haciendo, o ya estaba"),
    ("^(\\S+) is not being made$", r"\1 no se está haciendo"), ("^(\\d+) sessions of (.+) are open already$", r"ya hay \1 sesiones abiertas de \2"),
    ("^(.+) is not one of its verbs$", r"\1 no es una de sus órdenes"),
    ("^(\\d+) sealed copies of (.+) wait for the controller already$", r"ya hay \1 copias selladas de \2 que esperan al controlador"),
    ("^(\\S+) is there already$", r"\1 ya está"), ("^a copy has (\\d+) files at most$", r"una copia tiene como máximo \1 archivos"),
    ("^(\\S+) has no (SHA\\w+)$",
     r"\1 no tiene \2"), ("^rclone is not installed on the machine of the medium$", "rclone no está instalado en el equipo del medio"),
    ("^(.+) is no file of a repository that can be proved$", r"\1 no es un archivo de repositorio que se pueda comprobar"),
    ("^keeper has neither ssh_key nor identity_file$", "keeper no tiene ssh_key ni identity_file"),
    ("^keeper has options that are not known: ", "keeper tiene opciones desconocidas: "),
    ("^keeper has the very key that the server has$", "keeper tiene la misma clave que el servidor"),
    ("^the medium has no host$", "el medio no tiene host"),
    ("^none is known: the server was not reached in this run, and without its key it could copy here no more$",
     "no se conoce ninguna: no se llegó al servidor en esta ejecución, y sin su clave ya no podría copiar aquí"),
    ("^the name of the server can't be written on a command line$", "el nombre del servidor no se puede escribir en una línea de órdenes"),
    ("^it is the key of (.+) too$", r"también es la clave de \1"), ("^it is not one line of a public key$", "no es una línea de clave pública"),
    # what a restored database lacks or has otherwise (postgresql_restored.py, databases_rows.py, mariadb_rows.py)
    ("(\\d+) rows copied, (\\d+) restored", r"\1 filas copiadas, \2 restauradas"),
    ("; (\\d+) only in the copy, (\\d+) only in what was restored", r"; \1 solo en la copia, \2 solo en lo restaurado"),
    ("; in columns: ", "; en las columnas: "), ("; the same values, in other rows$", "; los mismos valores, en otras filas"),
    ("^database (.*): table ", r"base de datos \1: tabla "), (" did not come back$", " no volvió"), (" was not copied$", " no se copió"),
    ("(\\S+) in the copy, (\\S+) once restored$", r"\1 en la copia, \2 una vez restaurada"),
    (": rows break it, so it holds for new rows only \\(NOT VALID\\)\\. Correct them, then: ",
     ": hay filas que la incumplen, así que rige solo para las nuevas (NOT VALID). Corríjalas y ejecute: "),
    (": rows break it\\. Its SQL: ", ": hay filas que la incumplen. Su SQL: "), ("\\. Mend the cause and run: ", ". Corrija la causa y ejecute: "),
    ("^an interrupted DROP DATABASE left it invalid \\(datconnlimit = -2\\): nobody can connect to it; drop it$",
     "un DROP DATABASE interrumpido la dejó inválida (datconnlimit = -2): nadie puede conectarse a ella; elimínela"),
    ("^a table of it is damaged; look with CHECK TABLE, mend with REPAIR TABLE",
     "una de sus tablas está dañada; revísela con CHECK TABLE y repárela con REPAIR TABLE"),
    ("^it is open in (.*); stop the application first, or it goes on in the former database$",
     r"está abierta en \1; detenga antes la aplicación, o seguirá escribiendo en la base anterior"),
    # rehearsals (jail.py, sources/*_scratch.py)
    ("^a throw-away server runs as an account of its own, which needs root; run the task with become: true$",
     "un servidor de prueba se ejecuta con una cuenta propia, y eso requiere root: ejecute la tarea con become: true"),
    ("^the throw-away server ended: ", "el servidor de prueba terminó: "), ("^it is not running$", "no está en marcha"),
    ("^its first process is not where it should be$", "su primer proceso no está donde debería"),
    ("^the throw-away server did not answer within (\\d+) seconds: ", r"el servidor de prueba no respondió en \1 segundos: "),
    ("^it was about to fill the disk of ", "estaba por llenar el disco de "),
    ("^it had not ended after (\\d+) seconds$", r"no había terminado tras \1 segundos"),
    ("^no free account was found$", "no se encontró ninguna cuenta libre"),
    (r"^no server program of PostgreSQL (.+) \(initdb, postgres\) is on this host",
     r"en este servidor no están los programas de PostgreSQL \1 (initdb, postgres)"),
    ("; there are: ",
     "; hay: "), ("^a throw-away server is made of MariaDB only, this server is ", "el servidor de prueba solo se hace con MariaDB, y este es "),
    (r"^the programs of the server are not on this host \(package (.+)\)$", r"los programas del servidor no están en este equipo (paquete \1)"),
    ("^the live server is (.+), the programs here are of ", r"el servidor en producción es \1 y los programas de aquí son de "),
    ("; it was restored by a newer version, which may be why$", "; se restauró con una versión más nueva, y puede ser por eso"),
    ("; it was made before the time zone of its rows was recorded, which may be why$",
     "; se hizo antes de que se registrara la zona horaria de sus filas, y puede ser por eso"),
    ("; it was made from version (.+) and restored by (.+), which may be why$", r"; se hizo con la versión \1 y se restauró con \2, y puede ser por eso"),
    ("^the throw-away server has no engine ", "al servidor de prueba le falta el motor "), ("^the server sees us as ", "el servidor nos ve como "),
    # keys of the bitácora (plugin_utils/_bitacora/trust.py)
    ("^others than its owner can reach it$", "otros, además de su propietario, tienen acceso a él"), ("^the file is gone$", "el archivo ya no está"),
    ("^its public key is ", "su clave pública es "),
    # the inventory (schema.py, policy.py, far_media.py), where several mistakes are told at once
    ("is not a text, or is empty", "no es un texto o está vacío"), ("is not a text", "no es un texto"), ("is not well written", "no está bien escrito"),
    (r"is not a whole number (?:of GiB )?from (\d+) to (\d+)", r"no es un número entero de \1 a \2"),
    (r"is not a whole number at least (\d+)", r"no es un número entero desde \1"),
    ("is neither yes nor no: answer sí or no", "no es sí ni no: responda sí o no"),
    ("is not a whole number, in digits such as 30", "no es un número entero, en cifras como 30"),
    ("is neither true nor false", "no es ni true ni false"), ("is not a list", "no es una lista"), ("is not a table of keys", "no es una tabla de claves"),
    ("needs exactly one of (.+?) and (\\w+)", r"necesita exactamente uno de \1 y \2"),
    ("needs either a token, or role_id and secret_id", "necesita un token, o role_id y secret_id"),
    ("has a password in it", "contiene una contraseña"), ("has two keys", "tiene dos claves"),
    (r"is the name of two (?:custodians|media|channels)", "es un nombre repetido"),
    ("has no custodian that takes every new password", "no tiene ningún custodio que reciba toda contraseña nueva"),
    ("is not a source of kind", "no es un origen del tipo"), ("is a kind without rules in the policy", "es un tipo sin reglas en la política"),
    (r"has no meaning: copies of criticality (\w+) have no password", r"no tiene sentido: las copias de criticidad \1 no tienen contraseña"),
    ("has no meaning for what a tool copies to a medium of its own", "no tiene sentido para lo que una herramienta copia en un medio propio"),
    ("has no meaning for an? ", "no tiene sentido para "), ("is missing and no medium is a default one", "falta, y ningún medio es de uso general"),
    (r"is the same (\w+) as (\S+): labels fold accents, spaces and case",
     r"es el mismo (\1) que \2: los rótulos no distinguen tildes, espacios ni mayúsculas"),
    (r"days is less often than the (\d+) days of the kind", r"es menos frecuente que los \1 días del tipo"),
    ("ends before it begins", "termina antes de empezar"),
    ("is copied outside working hours, which the policy does not give", "se copia fuera del horario laboral, que la política no indica"),
    ("can't be read on the controller: ", "no se puede leer en el controlador: "), ("is not a private key", "no es una clave privada"),
    ("can be read by others than its owner, and ssh takes no such key", "lo pueden leer otros además de su propietario, y ssh no acepta una clave así"),
    ("is not an absolute path", "no es una ruta absoluta"), ("is blank", "está en blanco"), ("has a slash", "tiene una barra"),
    (r"is no label of the system ", "no es un rótulo del sistema "),
    ("None is missing", "falta"), ("None names no server", "no nombra ningún servidor"),
    ("Give its host, its port or its socket", "Indique su host, su port o su socket"),
    ("is before its from, ", "es anterior a su from, "), ("answers for the same days as ", "responde por los mismos días que "),
    (r"Give the last day of the designation of ", "Indique el último día de la designación de "),
    (r"Give (.+?) an until before (\S+), and leave the designation written", r"Ponga a \1 un until anterior a \2, y deje escrita la designación"),
    (r"Did you mean ([^?\n]+)\?(?=\s|$)", r"¿Quiso decir \1?"), (r"Known: ([^\n]*?)\.(?=\n|$)", r"Valores conocidos: \1."),
    ("Write it like ", "Escríbalo así: "), ("Write it between quotes", "Escríbalo entre comillas"),
    ("Give a value, or remove the key", "Indique un valor o retire la clave"),
    ("Take it from the vault: ", "Tómelo del vault: "), (r"Write a number at least (\d+), without quotes", r"Escriba un número desde \1, sin comillas"),
    (r"Write a number from (\d+) to (\d+), without quotes", r"Escriba un número de \1 a \2, sin comillas"),
    ("Write true or false, without quotes", "Escriba true o false, sin comillas"),
    ("Write one item a line, each after a dash", "Escriba un elemento por línea, cada uno tras un guion"),
    (r"Give at least (\d+)\.", r"Indique al menos \1."), ("Write it with the keys ", "Escríbalo con las claves "), ("Add the key ", "Agregue la clave "),
    ("Give each (?:custodian|medium|system of a kind) its own name", "Dé a cada uno su propio nombre"),
    ("Add host, or remove it", "Agregue host o retírelo"),
    (r"Keep ssh_key \(the key itself, from the vault\) or identity_file(?: \(a path\))?",
     "Deje ssh_key (la clave misma, del vault) o identity_file (una ruta)"),
    (r"Give keeper with ssh_key or identity_file \(append_only_medium.yml, guide 6.5\)",
     "Indique keeper con ssh_key o identity_file (append_only_medium.yml, guía 6.5)"),
    (r"Use one of (.+?), or change the kind", r"Use uno de \1, o cambie el tipo"), ("Add append_only, or remove it", "Agregue append_only o retírelo"),
    (r"\(a list\)", "(una lista)"), (r"\(a table of keys\)", "(una tabla)"), (r"\(hidden\)", "(oculto)"), (r"\(a text\)", "(un texto)"),
    # what tools, files and services tell
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
    ("Attempting to (en|de)crypt but no vault secrets found|no vault identity was given", "no se indicó ninguna identidad de Ansible Vault"),
    (r"no vault identity (\S+) is given", r"no se indicó la identidad de Ansible Vault \1"),
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
    ("A name with spaces goes between quotes", "Un nombre con espacios va entre comillas"),
    ("is not a system of the inventory", "no es un sistema del inventario"),
    ("is not a medium of backup_media", "no es un medio de backup_media"),
    ("is not the most recent copy before the loss", "no es la copia más reciente anterior a la pérdida"),
    (r"is also the name of a (\w+) of host", r"también es el nombre de un sistema (\1) del servidor"),
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
    ("is missing: servers may only add to this medium, so the controller needs a key of its own for it",
     "falta: los servidores solo pueden agregar a este medio, así que el controlador necesita una clave propia para él"),
    ("^something that was put there at this moment$", "algo que se puso allí en este momento"), ("^a directory of ", "un directorio de "),
    (r"has no meaning without ", "no tiene sentido sin "),
    ("is not a public key of the seals", "no es una clave pública de los sellos"),
    (r"the host key of (\S+) is not in known_hosts; add it after comparing it with the server's own",
     r"la clave de \1 no está en known_hosts; agréguela después de compararla con la del propio servidor"),
    ("^database (.*?): ", r"base de datos \1: "),
    # a few words each: after every sentence that has them
    ("\\bits type\\b", "su tipo"), ("\\bits size\\b", "su tamaño"), ("\\bits owner\\b", "su dueño"), ("\\bits mode\\b", "sus permisos"),
    ("is missing", "falta"),
    ("is empty", "está vacío"),
    ("can't be read", "no se puede leer"),
)


# What the operating system says of a call that failed (man 3 errno), by its name.
_SYSTEM = {
    "EPERM": "operación no permitida", "ENOENT": "no existe el archivo o directorio", "EIO": "error de entrada o salida del disco o de la red",
    "ENXIO": "no existe ese dispositivo", "E2BIG": "lista de argumentos demasiado larga", "EBADF": "descriptor de archivo inválido",
    "EAGAIN": "recurso no disponible por ahora", "ENOMEM": "no hay memoria suficiente", "EACCES": "permiso denegado", "EBUSY": "está en uso",
    "EEXIST": "ya existe", "EXDEV": "está en otro sistema de archivos", "ENODEV": "no existe ese dispositivo", "ENOTDIR": "no es un directorio",
    "EISDIR": "es un directorio", "EINVAL": "argumento inválido", "ENFILE": "hay demasiados archivos abiertos en el sistema",
    "EMFILE": "hay demasiados archivos abiertos", "EFBIG": "el archivo es demasiado grande", "ENOSPC": "no queda espacio",
    "EROFS": "sistema de archivos de solo lectura", "EMLINK": "demasiados enlaces", "EPIPE": "el otro extremo cerró la tubería o conexión",
    "ENAMETOOLONG": "el nombre es demasiado largo", "ENOTEMPTY": "el directorio no está vacío", "ELOOP": "demasiados enlaces simbólicos",
    "ENODATA": "no tiene ese dato", "EOPNOTSUPP": "el sistema de archivos o protocolo no lo admite", "EADDRINUSE": "la dirección ya está en uso",
    "EADDRNOTAVAIL": "la dirección no es de este equipo", "ENETDOWN": "la red está caída", "ENETUNREACH": "no hay ruta hasta esa red",
    "ECONNABORTED": "la conexión se interrumpió", "ECONNRESET": "el otro extremo cortó la conexión", "ENOTCONN": "no hay conexión",
    "ETIMEDOUT": "se agotó el tiempo de espera", "ECONNREFUSED": "conexión rechazada: nadie atiende en ese puerto", "EHOSTDOWN": "el equipo está apagado",
    "EHOSTUNREACH": "no hay ruta hasta el equipo", "ESTALE": "el archivo ya no existe en el servidor de archivos (NFS)", "EDQUOT": "se agotó la cuota de disco",
    "ENOTSUP": "el sistema de archivos o protocolo no lo admite", "EINTR": "la llamada se interrumpió", "ETXTBSY": "el programa está en ejecución",
    "EREMOTEIO": "error de entrada o salida remoto", "EKEYREJECTED": "la clave fue rechazada",
}
_STRERROR = {os.strerror(getattr(errno, name)): words for name, words in _SYSTEM.items() if hasattr(errno, name)}
# What the resolver of names and TLS say (no errno has these words).
_OF_LIBRARIES = (
    (r"(?:\[Errno -?\d+\] )?Name or service not known", "no se conoce ese nombre de equipo"),
    (r"(?:\[Errno -?\d+\] )?Temporary failure in name resolution", "el servidor de nombres (DNS) no responde"),
    (r"(?:\[Errno -?\d+\] )?No address associated with hostname", "ese nombre de equipo no tiene dirección"),
    (r"(?:\[SSL: CERTIFICATE_VERIFY_FAILED\] )?certificate verify failed: (.*?)(?: \(_ssl\.c:\d+\))?$", r"no se reconoce el certificado del servidor: «\1»"),
    (r"\bthe read operation timed out\b|^timed out$", "se agotó el tiempo de espera"),
    (r"Remote end closed connection without response", "el servidor cerró la conexión sin responder"),
)


def _whole(english: str, words: str) -> Any:
    """A sentence of details.py as a pattern and what replaces it: each {} is a value, in the order of both."""
    groups = iter(range(1, 10))
    pattern = "(.*)".join(re.escape(piece) for piece in english.split("{}"))
    return re.compile(pattern, re.DOTALL), re.sub(r"\{\}", lambda _found: "\\{0}".format(next(groups)), words.replace("\\", r"\\"))


# Every task imports this, and few have an error to tell: the patterns, a third of what an import of the engine costs, are made when one is told.
@functools.lru_cache(maxsize=None)
def _sentences() -> Any:
    return tuple(_whole(*row) for row in (*details.ROWS, *details_inventory.ROWS, *details_mailboxes.ROWS))


@functools.lru_cache(maxsize=None)
def _of_system() -> Any:
    return re.compile(r"(?:\[Errno -?\d+\] )?\b(" + "|".join(map(re.escape, sorted(_STRERROR, key=len, reverse=True))) + r")\b")


def of_detail(detail: Any) -> Any:
    """A detail of an error, as far as it is known in Spanish."""
    if not isinstance(detail, str):
        return detail
    for pattern, words in _sentences():
        found = pattern.fullmatch(detail)
        if found:
            # a value may be a detail itself
            values = [of_detail(value) for value in found.groups()]
            return re.sub(r"\\(\d)", lambda number: values[int(number.group(1)) - 1], words)
    detail = _of_system().sub(lambda found: _STRERROR[found.group(1)], detail)
    for english, spanish in _OF_LIBRARIES:
        detail = re.sub(english, spanish, detail)
    for english, spanish in _ROWS:
        detail = re.sub(english, spanish, detail)
    return detail


def of_word(value: Any) -> Any:
    """A word that stands in the place of a value or a name; every other value stays what it is."""
    if not isinstance(value, str):
        return value
    value = re.sub(r"^exit status (?=\d+$)", "el código de salida ", value)
    value = re.sub(r"^(PostgreSQL|MariaDB) at this server's socket", r"\1 en el socket de este servidor", value)
    value = re.sub(r"^(PostgreSQL|MariaDB) at ", r"\1 en ", value)
    return _WORDS.get(value, re.sub(r"^the bitácora \(it knows ", "la bitácora (que conoce ", value))
