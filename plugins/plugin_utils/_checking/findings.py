# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check found: each thing that is not ready, where it is and what mends it; numbered, as text for a terminal and as a document for machines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError, in_both
from ...module_utils._engine.policy import schema

VERSION = 1
STOPS, WARNS = "impide", "aviso"
_SHOWN_SERVERS = 5
_LONGEST_OF_ANSIBLE = 400


class Finding(NamedTuple):
    """One thing to mend. All texts are Spanish."""

    code: str
    weight: str         # STOPS: something would not be copied, proved or told; WARNS: it would, and a person should know
    server: str         # "" for the controller and the inventory
    system: str         # "" for what is of no one system
    what: str
    where: str
    mend: str


def of_error(error: BackupError, server: str = "", system: str = "", where: str = "", weight: str = STOPS) -> list[Finding]:
    """An error as findings: one for each mistake that it tells."""
    problems: Sequence[schema.Problem] = getattr(error, "problems", ())
    if len(problems) > 1:
        return [one for problem in problems for one in of_error(
            BackupError("invalid_input", where=problem.where, value=problem.value, problem=problem.problem, mend=problem.mend), server, system, where, weight)]
    place = where or (str(error.details.get("where") or "") if error.code == "RSP101" else "")
    return [Finding(error.code, weight, server, system, error.spanish, place, error.remedy)]


def of_result(found: Mapping[str, Any], server: str = "", system: str = "", where: str = "") -> list[Finding]:
    """What a failed result of a module or action tells; nothing for one that did not fail."""
    if not found.get("failed"):
        return []
    error = found.get("error")
    if isinstance(error, Mapping) and error.get("code"):
        return [Finding(str(error["code"]), STOPS, server, system, str(error.get("message_es") or ""), where, str(error.get("remedy_es") or ""))]
    told = str(found.get("msg") or found.get("module_stderr") or "").strip()
    return of_error(_of_ansible(server, _without_values(told)[:_LONGEST_OF_ANSIBLE]), server, system, where)


def _without_values(told: str) -> str:
    """Ansible's own words without the variable that it prints among them, passwords and all (before 2.19)."""
    undefined = re.search(r"'[^']{1,200}' is undefined", told)
    if undefined:
        return undefined[0]
    cause = told.rpartition("original message: ")[2]
    return re.sub(r"(?s)[\[{].*[\]}]|(?:String: |templating ').*", "…", cause)


def not_ready(server: str, english: str, spanish: str, mend: str, mend_es: str) -> BackupError:
    """What is wrong with a server, or with the controller, and belongs to no other error."""
    return BackupError("server_not_ready", server=server or "localhost", detail=in_both(english, spanish), mend=mend, mend_es=mend_es)


def _of_ansible(server: str, told: str) -> BackupError:
    """What Ansible itself says, of variables mostly: its words are English, so what they mean comes first."""
    undefined = re.search(r"'([^']+)' is undefined", told)
    if undefined:
        return not_ready(server, told, f"una variable de este servidor usa «{undefined[1]}», que nadie declara", f"Declare {undefined[1]}, or mend its name.",
                         f"Declare «{undefined[1]}» en el inventario, o corrija su nombre donde se usa («{{{{ … }}}}»).")
    if re.search("vault secrets|[Dd]ecrypt", told):
        return not_ready(server, told, "una variable de este servidor está cifrada con ansible-vault y no se puede abrir", "Give the vault's password file.",
                         "Agregue --vault-password-file ARCHIVO con la contraseña correcta, o escriba «contrasena_de_vault» en /etc/respaldo.conf.")
    return not_ready(server, told or "it gave no answer", f"Ansible no pudo mirar: «{told or 'sin respuesta'}»",
                     "Mend what it says; ansible-playbook -vvv tells more.", "Corrija lo que dice ese texto; ansible-playbook -vvv cuenta más.")


def together(found: Iterable[Finding]) -> list[Finding]:
    """What stops first, then what warns; the same of several servers or places once, with all their names."""
    same: dict[Finding, tuple[list[str], list[str]]] = {}
    for finding in found:
        servers, places = same.setdefault(finding._replace(server="", where=""), ([], []))
        servers.append(finding.server)
        places.append(finding.where)
    rows = [finding._replace(server=_names(servers, ", "), where=_names(places, "; ")) for finding, (servers, places) in same.items()]
    return sorted(rows, key=lambda row: row.weight != STOPS)


def _names(given: Sequence[str], between: str) -> str:
    names = list(dict.fromkeys(filter(None, given)))
    more = len(names) - _SHOWN_SERVERS
    return between.join(names[:_SHOWN_SERVERS]) + (f" y {more} más" if more > 0 else "")


def document(found: Sequence[Finding], looked_at: Mapping[str, Any]) -> dict[str, Any]:
    """The same for machines (docs/schemas/comprobacion.json). `looked_at` says what was looked at, and when."""
    stops = sum(1 for finding in found if finding.weight == STOPS)
    rows = [{"number": number, **finding._asdict()} for number, finding in enumerate(found, 1)]
    return {"version": VERSION, "ready": not stops, "stops": stops, "warns": len(found) - stops, **looked_at, "findings": rows}


def text(told: Mapping[str, Any]) -> str:
    """For a terminal: a number, what, where and the mend of each, then "listo" or how many things there are to mend."""
    lines = []
    for row in told["findings"]:
        about = " · ".join(filter(None, (row["server"], row["system"])))
        lines.append(f"{row['number']:>3}. {'' if row['weight'] == STOPS else 'Aviso. '}{row['code']}{f' [{about}]' if about else ''}: {row['what']}")
        lines += [f"     Dónde: {row['where']}"] if row["where"] else []
        lines += [f"     Qué hacer: {row['mend']}"]
    return "\n".join([*lines, ending(told)])


def ending(told: Mapping[str, Any]) -> str:
    """The last line."""
    looked = f"{_counted(told['servers'], 'servidor', 'servidores')}, {_counted(told['systems'], 'sistema', 'sistemas')}"
    warned = f" ({_counted(told['warns'], 'aviso', 'avisos')})" if told["warns"] else ""
    if told["ready"]:
        return f"Listo: {looked}{warned}."
    checked = "comprobó" if told["servers"] == 1 else "comprobaron"
    return f"No está listo: {_counted(told['stops'], 'cosa por corregir', 'cosas por corregir')}{warned}; se {checked} {looked}."


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
