# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of recovery as staff read it, on a terminal and on paper: what to type to begin, then each system in its order with its command."""

from __future__ import annotations

import datetime
import posixpath
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._engine.value_forms import names_in
from .._bitacora import view, vouched
from .._decisions import due, recovery
from . import pages

# Of `respaldo restaurar --tipo`; the command's own table has the same words (a test compares).
KINDS = {"database": "base-de-datos", "source_code": "codigo-fuente", "file_server": "servidor-de-archivos", "mailbox": "buzon"}
_REASON = "Plan de recuperación"
_ELSEWHERE = "/ruta/nueva"      # where the source says no one place
_BACK = "ya volvió con «respaldo recuperar», al empezar"
_ROLES = "antes, en un servidor de PostgreSQL sin los roles de esta base: el comando «globals» de la ficha de la copia, como postgres (guía, «El peor día»)"
DEMANDED = "Lo que prueba que el medio no fue falsificado (con una llave privada se exige)"


class Page(NamedTuple):
    """What the plan is made of. `sources` by (kind, system), without secrets; `medium` is the repository, empty where the inventory names none."""

    rules: Mapping[str, Any]
    rows: Sequence[recovery.Row]
    sources: Mapping[tuple[str, str], Mapping[str, Any]]
    medium: Mapping[str, Any]
    now: datetime.datetime
    stated: vouched.Stated = vouched.Stated("", ("", ""), ("", ""))

    @property
    def local(self) -> datetime.datetime:
        return self.now.astimezone(due.zone(self.rules["time_zone"]))

    @property
    def day(self) -> str:
        return self.local.strftime("%Y-%m-%d")


def beginning(page: Page) -> list[tuple[str, str]]:
    """(what, command) of what comes before the first system."""
    path = str(page.medium.get("path") or "/srv/copias")
    where = f"{page.medium['host']}:{path}" if page.medium.get("host") else path
    mount = f"monte el medio del repositorio, {page.medium['name']} ({where}), en {path}" if page.medium else f"monte un medio que tenga las copias en {path}"
    recover = f"respaldo recuperar --medio {shlex.quote(path)}"
    end = "--motivo 'Se perdió el controlador' --documento 'Acta NNN-AAAA-OTI'"
    return [
        (f"En una máquina vacía (Debian 12), {mount}, e instale el programa, de la memoria USB; del maletín, solo si su huella es la de abajo",
         "apt-get install -y git make gnupg zstd python3-venv && bash /media/usb/programa/instalar.sh /opt/respaldo"),
        ("Si tiene la llave privada de un/a EGCR", f"{recover} --llave /media/usb/llave.asc {_proof(page.stated)}{end}"),
        ("Si tiene la carpeta de un custodio y la contraseña de Vault", f"{recover} --custodia /srv/custodia --contrasena /media/usb/vault.pass {end}"),
        ("Vuelva a hacer este plan, ahora con lo que se sabe", "respaldo plan-de-recuperacion"),
    ]


def _proof(stated: vouched.Stated) -> str:
    if stated.seal_key:
        return f"--sello {stated.seal_key} "
    found = (("bitacora", stated.bitacora), ("maletin", stated.kit))
    return "".join(f"--huella-{what} {digest} " for what, (_label, digest) in found if digest)


def demanded(page: Page) -> list[str]:
    """What must be known on the day from elsewhere than the medium: whoever writes there can lay copies there that a private key opens."""
    found = [f"clave pública de los sellos: {page.stated.seal_key or 'ninguna; active el sello de la bitácora'}"]
    for what, (name, digest) in (("maletín", page.stated.kit), ("bitácora", page.stated.bitacora)):
        found.append(f"{what}: {name}, huella SHA-256 {digest}" if digest else f"{what}: no tiene ninguna copia")
    return found


def begins_with(row: recovery.Row) -> bool:
    """Whether a system is the kit or the bitácora, which `respaldo recuperar` brought back before this: restored once more it would be an older one."""
    return (row.kind, row.system) in ((vouched.KINDS["kit"], vouched.KIT), (vouched.KINDS["bitacora"], vouched.BITACORA))


def commands(row: recovery.Row, source: Mapping[str, Any]) -> list[str]:
    """What restores a system where it was, one line each; none where nothing of ours can."""
    kind = str(source.get("type") or "")
    if not row.label or row.kind not in KINDS or kind == "azure_backup" or begins_with(row):
        return []
    words = ["respaldo", "restaurar", row.system, "--tipo", KINDS[row.kind], "--servidor", row.host, "--etiqueta", row.label, "--motivo", _REASON,
             "--emergencia", _REASON]
    found = [[*words, *more] for more in _targets(kind, source)]
    return [*_made_before(row, source), *(shlex.join(each) for each in found)]


def _needs_roles(row: recovery.Row, page: Page) -> bool:
    """A restore gives what it brings to its owners; on a new server they are not there (RSP602), and making them is its administrator's decision."""
    return page.sources.get((row.kind, row.system), {}).get("type") == "postgresql" and bool(row.label) and not begins_with(row)


def _made_before(row: recovery.Row, source: Mapping[str, Any]) -> list[str]:
    """Directories, of which an empty machine has none: nothing is restored to an assigned path that is not there (RSP110), nor below another one (RSP101)."""
    kind = source.get("type")
    if row.kind == "file_server" and kind == "restic":
        return [f"mkdir -p {shlex.join(map(str, source.get('paths') or ()))}  # en {row.host}; o playbooks/shared_folder.yml, que pone también sus permisos"]
    if kind not in ("sqlite", "git", "paths"):
        return []
    above = {posixpath.dirname(target) for _option, target in _targets(kind, source) if target != _ELSEWHERE}
    return [f"mkdir -p {shlex.join(sorted(above))}  # en {row.host}"] if above - {"/"} else []


def _targets(kind: str, source: Mapping[str, Any]) -> list[list[str]]:
    if kind in ("postgresql", "mariadb"):
        databases = source.get("databases")
        names = names_in(databases) if isinstance(databases, str) else [str(each) for each in databases or ()]
        if names in ([], ["all"]):
            return [["--parte", "BASE", "--destino", "BASE"]]
        return [["--destino", name] if len(names) == 1 else ["--parte", name, "--destino", name] for name in names]
    if kind in ("sqlite", "git"):
        return [["--destino", str(source.get("path") or _ELSEWHERE)]]
    paths = source.get("paths") or []
    if kind == "paths":
        return [["--destino", str(paths[0]) if len(paths) == 1 else _ELSEWHERE]]
    if kind == "restic":
        # into the folder itself, empty that day; several come back beside each other, below the first (_restaurado_)
        return [["--destino", str(paths[0])] if len(paths) == 1 else []]
    return [["--destino", "DESTINO"]]


def lost(row: recovery.Row) -> str:
    """What would be lost now, and whether that may be."""
    if not row.label:
        return "todo: no tiene ninguna copia entera"
    return f"{recovery.duration(row.lost_ms)} (se admiten {recovery.duration(row.loss_limit_ms)}: {'cumple' if row.loss_met else 'NO CUMPLE'})"


def takes(row: recovery.Row) -> str:
    """What its restore takes, and whether that is proved and may be."""
    if row.takes_ms < 0:
        return "-"
    limit = f"se admiten {recovery.duration(row.restore_limit_ms)}"
    if not row.proved:
        return f"unos {recovery.duration(row.takes_ms)}, por su tamaño ({limit}: SIN PROBAR)"
    return f"{recovery.duration(row.takes_ms)}, medido el {row.proved_at[:10]} ({limit}: {'cumple' if row.restore_met else 'NO CUMPLE'})"


def text(page: Page) -> list[str]:
    """The plan for a terminal, or a sheet of plain text."""
    total = page.rows[-1].ready_ms if page.rows else 0
    found = [f"Plan de recuperación de {page.rules['institution']}, al {page.local:%d/%m/%Y %H:%M}", "", "Para empezar:"]
    for what, command in beginning(page):
        found += [f"  {what}:", f"    $ {command}"]
    found += ["", f"{DEMANDED}:", *(f"  {line}" for line in demanded(page))]
    found += ["", f"Sistemas, en este orden ({len(page.rows)}; unos {recovery.duration(total)} de restauración, uno tras otro):"]
    for row in page.rows:
        found += ["", f"{row.place}. {row.system} ({view.KINDS.get(row.kind, row.kind)}, criticidad {row.criticality}), en {row.host}",
                  f"   copia: {row.label or 'ninguna'}{' en ' + ', '.join(row.media) if row.media else ''}", f"   se perdería: {lost(row)}",
                  f"   restaurar: {takes(row)}; listo a los {recovery.duration(row.ready_ms)}"]
        found += [f"   después de: {', '.join(row.depends_on)}"] if row.depends_on else []
        found += [f"   ojo: {remark}" for remark in row.remarks]
        found += [f"   {_BACK}"] if begins_with(row) else []
        found += [f"   {_ROLES}"] if _needs_roles(row, page) else []
        found += [f"   $ {command}" for command in commands(row, page.sources.get((row.kind, row.system), {}))]
    problems = recovery.problems(page.rows)
    found += ["", "Objetivos que hoy no se cumplen:" if problems else "Hoy se cumplen los objetivos de lo que se probó."]
    return [*found, *(f"  {problem}" for problem in problems)]


def html(page: Page) -> str:
    """The plan for paper."""
    rows = [{**row._asdict(), "kind_es": view.KINDS.get(row.kind, row.kind), "lost": lost(row), "takes": takes(row), "ready": recovery.duration(row.ready_ms),
             "back": _BACK if begins_with(row) else "", "before": _ROLES if _needs_roles(row, page) else "",
             "commands": commands(row, page.sources.get((row.kind, row.system), {}))} for row in page.rows]
    return pages.fill("recovery_plan.html.j2", title=f"Plan de recuperación al {page.local:%d/%m/%Y}", institution=page.rules["institution"],
                      manual=page.rules["manual"]["name"], made=f"{page.local:%d/%m/%Y %H:%M}", beginning=beginning(page), rows=rows,
                      demanded_title=DEMANDED, demanded=demanded(page), problems=recovery.problems(page.rows))
