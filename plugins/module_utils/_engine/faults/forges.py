# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of forges: 459 to 464 of 4xx, which is media and services. The form of a row: errors.Fault."""

from __future__ import annotations

ROWS = (
    (
        "RSP459", "forge_unreachable",
        "the forge {forge} at {location} does not answer: {detail}",
        "What is known of its repositories stands, and they are still copied. Check address, network, proxy and ca_certs (backup_forges), then run again.",
        "La forja {forge}, en {location}, no responde: {detail}",
        "Lo conocido de sus repositorios sigue en pie y se siguen copiando. Revise dirección, red, proxy y ca_certs (backup_forges) y repita.",
    ),
    (
        "RSP460", "forge_refused",
        "the forge {forge} at {location} refuses to list its repositories: {detail}",
        "What is known of its repositories stands. Check token (it needs to read repositories), owner and project in backup_forges.",
        "La forja {forge}, en {location}, se niega a listar sus repositorios: {detail}",
        "Lo conocido de sus repositorios sigue en pie. Revise token (debe poder leer repositorios), owner y project en backup_forges.",
    ),
    (
        "RSP461", "forge_unreadable",
        "the forge {forge} answers what its API does not foresee: {detail}",
        "Nothing of that answer was used; what is known of its repositories stands. Check type, url and what proxy lies between.",
        "La forja {forge} responde algo que su API no prevé: {detail}",
        "No se usó nada de esa respuesta; lo conocido de sus repositorios sigue en pie. Revise type, url y qué proxy hay de por medio.",
    ),
    (
        "RSP462", "forge_incomplete",
        "the forge {forge} says that it has {told} repositories and lists {listed}, three times",
        "What is known stands. Gitea and Forgejo also count what the account may not read: let it read the code of all, or leave owner out and "
        "use include (OWNER/*), which lists only what it sees. Else run again.",
        "La forja {forge} dice tener {told} repositorios y lista {listed}, tres veces seguidas",
        "Lo conocido sigue en pie. Gitea y Forgejo cuentan también lo que la cuenta no puede leer: permítale leer el código de todos, o quite owner "
        "y use include (OWNER/*), que lista solo lo que ve. Si no es eso, repita.",
    ),
    (
        "RSP463", "forge_shrunk",
        "the forge {forge} lists {listed} repositories and lacks {missing} of the {known} that are copied: that is not believed unseen",
        "What is known stands. Look whether the account lost rights, or owner, include, exclude, archived or forks changed. If it is right, run once with "
        "backup_forge_gone={forge}.",
        "La forja {forge} lista {listed} repositorios y le faltan {missing} de los {known} que se copian: no se cree sin más",
        "Lo conocido sigue en pie. Vea si la cuenta perdió permisos, o si cambiaron owner, include, exclude, archived o forks. Si es correcto, ejecute "
        "una vez con backup_forge_gone={forge}.",
    ),
    (
        "RSP464", "forge_empty",
        "of the forge {forge} nothing is to be copied: it lists {listed} repositories, and the inventory leaves all of them out",
        "Forges list nothing to an account that may see nothing: check what the token may read, and owner. Check include, exclude, archived and forks. "
        "A forge that is really empty: enabled: false.",
        "De la forja {forge} no hay nada que copiar: lista {listed} repositorios, y el inventario los deja fuera a todos",
        "Una forja no lista nada a una cuenta que nada puede ver: revise qué puede leer el token, y owner. Revise include, exclude, archived y forks. "
        "Si la forja está de verdad vacía: enabled: false.",
    ),
)
