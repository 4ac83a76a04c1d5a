# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an inventory, read before Ansible does: what YAML, the vault or Jinja can't take is told by file and line, since Ansible's own words name
neither, or come too late, or leave out a file with no more than a warning.

Nothing is made of what is written: texts are parsed, and no template is filled in.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import yaml

from ...module_utils._engine.errors import BackupError, in_both
from ...module_utils._engine.policy import schema
from .. import _held_places
from .._names import misspelt
from .findings import STOPS, WARNS, Finding, of_error

VAULT = "$ANSIBLE_VAULT"
_YAML = (".yml", ".yaml", ".json")
_PASSED_OVER = (".orig", ".cfg", ".retry", ".pyc", ".pyo", ".bak", ".swp", "~", ".rst", ".md", ".csv", ".ini", ".asc", ".gpg")
_OWN_GROUPS = ("all", "ungrouped")
_TAB = re.compile(r"^[ ]*\t")
_LARGEST = 8 << 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Opens = Callable[[str], str]      # a text of the vault into what it holds; raises ValueError

# What YAML's own words mean to who wrote the file.
_MEANT = (
    ("mapping values are not allowed", "a colon stands where none can",
     "hay dos puntos donde no puede haberlos: la sangría no es la de las líneas de arriba, o un texto con «: » está sin comillas"),
    ("expected <block end>|did not find expected '-' indicator|did not find expected key", "the indentation is not that of the lines above",
     "la sangría no corresponde a la de las líneas de arriba"),
    ("quoted scalar|unexpected end of stream", "a quote is not closed", "falta cerrar una comilla"),
    ("could not find expected ':'", "a colon is missing", "falta «: » después de una clave"),
    ("undefined alias", "an alias (*) has no anchor (&)", "un alias (*) no tiene su ancla (&)"),
    ("cannot start any token", "a sign that can begin nothing", "un signo (%, @, ` o un tabulador) no puede comenzar un valor: escríbalo entre comillas"),
    ("flow (sequence|mapping)|',' or", "a bracket or a brace is not closed", "falta cerrar un corchete o una llave, o una coma"),
)


class Known(NamedTuple):
    """What was read: what is wrong, and where each variable stands."""

    findings: list[Finding]
    files: dict[Path, yaml.Node]      # those that hold variables, in the order in which they were read
    hosts: dict[str, int]             # names of the inventory's hosts
    stops: bool                       # whether Ansible could not read it at all

    def locate(self, where: str, host: str) -> str:
        """FILE:LINE of a key such as backup_systems[0].critcality as this host has it; "" where no file has it."""
        steps = re.findall(r"[^.\[\]]+", where.replace("backup_policy.actors", "backup_actors"))
        own = [path for path in self.files if _is_of(path, "host_vars", host)]
        for path in [*own, *(each for each in self.files if each not in own and "host_vars" not in each.parts)]:
            found = _below(_table_of(self.files[path], host), steps)
            if found:
                return f"{path}:{found}"
        return ""


def look(inventories: Sequence[str], opens: Opens | None) -> Known:
    """Every file of these inventories. `opens` opens texts of the vault; None where no password was given."""
    known = Known([], {}, {}, False)
    stopped = False
    groups: dict[str, int] = {}
    for given in inventories:
        if "," in given and not os.path.exists(given):
            continue      # a list of hosts
        source = Path(os.path.abspath(given))
        if not source.exists():
            known.findings.extend(_wrong(source, 0, "is not there", "no existe", "Give the path of the inventory with -i, or --inventario.",
                                         "Dé la ruta del inventario con -i, con --inventario o en «inventario» de /etc/respaldo.conf."))
            stopped = True
            continue
        for path in _sources(source):
            node, stops = _read(path, opens, known)
            stopped = stopped or stops
            if isinstance(node, yaml.MappingNode):
                _groups_of(node, known.hosts, groups)
                known.files[path] = node
                if source.is_dir() and not known.hosts and _is_no_inventory(node):
                    known.findings.extend(_stray(path))
        base = source if source.is_dir() else source.parent
        for path in _variables(base):
            node, stops = _read(path, opens, known)
            stopped = stopped or stops
            if node is not None:
                known.files[path] = node
                known.findings.extend(_named_for_nobody(path, base, known.hosts, groups))
                known.findings.extend(_strange(path, node))
    return known._replace(stops=stopped)


def _sources(source: Path) -> list[Path]:
    """The files that Ansible takes for inventories, of those that are YAML."""
    if source.is_file():
        return [source] if source.suffix in _YAML else []
    return [path for path in sorted(source.iterdir()) if path.is_file() and path.suffix in _YAML and not path.name.startswith(".")]


def _variables(base: Path) -> Iterator[Path]:
    for room in ("group_vars", "host_vars"):
        for path in sorted((base / room).rglob("*")) if (base / room).is_dir() else ():
            if path.is_file() and not path.name.startswith(".") and not path.name.endswith(_PASSED_OVER) and path.suffix not in (".py", ".sh"):
                yield path


def _read(path: Path, opens: Opens | None, known: Known) -> tuple[yaml.Node | None, bool]:
    """The file's nodes, None when it has none; and whether Ansible would stop, or leave the file out."""
    try:
        text = _held_places.read(str(path), _LARGEST).decode("utf-8")
    except (OSError, ValueError) as error:
        known.findings.extend(_wrong(path, 0, "can't be read", f"no se puede leer ({getattr(error, 'strerror', None) or 'no es texto UTF-8'})",
                                     "Give this account the right to read it.", "Dé a esta cuenta permiso de lectura, y guarde el archivo como UTF-8."))
        return None, True
    if text.startswith(VAULT):
        opened = _opened(path, 1, text, opens, known)
        if opened is None:
            return None, True
        text = opened
    tab = next((number for number, line in enumerate(text.split("\n"), 1) if _TAB.match(line)), 0)
    try:
        node = yaml.compose(text, _LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = tab or (mark.line + 1 if mark else 0)
        words = " ".join(str(getattr(error, name, None) or "") for name in ("context", "problem"))
        known.findings.extend(_unread(path, line, tab > 0, words))
        return None, True
    known.findings.extend(finding for finding in _in_nodes(path, node, opens, known))
    return node, False


def _opened(path: Path, line: int, text: str, opens: Opens | None, known: Known) -> str | None:
    if opens is None:
        known.findings.extend(_wrong(
            path, line, "is encrypted, and no password of the vault was given", "está cifrado con ansible-vault y no se dio la contraseña",
            "Give --vault-password-file.", "Agregue --vault-password-file ARCHIVO, o escriba «contrasena_de_vault» en /etc/respaldo.conf."))
        return None
    try:
        return opens(text)
    except ValueError:
        known.findings.extend(_wrong(path, line, "does not open with the password of the vault that was given",
                                     "no se abre con la contraseña de vault que se dio: está mal, o es la de otro archivo",
                                     "Give the right password file.", "Dé el archivo de contraseña con que se cifró (--vault-password-file o --vault-id)."))
        return None


def _unread(path: Path, line: int, tab: bool, words: str) -> list[Finding]:
    if tab:
        return _wrong(path, line, "a tab indents the line", "la línea tiene un tabulador en la sangría, y YAML solo admite espacios",
                      "Write blanks for the tab.", "Reemplace el tabulador por espacios, tantos como en las líneas vecinas.")
    for pattern, english, spanish in _MEANT:
        if re.search(pattern, words):
            return _wrong(path, line, english, spanish, "Mend that line, or the one above.",
                          "Corrija esa línea o la anterior; los valores con «: » o «#» van entre comillas.")
    return _wrong(path, line, "is not YAML", "YAML no lo entiende", "Mend that line, or the one above.",
                  "Corrija esa línea o la anterior: «clave: valor», con la misma sangría que sus vecinas.")


def _in_nodes(path: Path, node: yaml.Node | None, opens: Opens | None, known: Known) -> Iterator[Finding]:
    """Keys that stand twice, texts of the vault that don't open, and templates that Jinja can't read."""
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines and name != "<<":
                yield from _wrong(path, line, f"the key {name} stands twice",
                                  f"la clave «{name}» está dos veces (también en la línea {lines[name]}): solo vale la última", "Leave one of them.",
                                  "Deje una sola, con todo lo que corresponde.")
            lines.setdefault(name, line)
            yield from _in_nodes(path, value, opens, known)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _in_nodes(path, each, opens, known)
    elif isinstance(node, yaml.ScalarNode):
        line = node.start_mark.line + 1
        if node.tag == "!vault":
            _opened(path, line, str(node.value), opens, known)
        elif node.tag != "!unsafe" and ("{{" in node.value or "{%" in node.value):
            try:
                jinja2.Environment().parse(node.value)
            except jinja2.TemplateSyntaxError as error:
                yield from _wrong(path, line + max(0, (error.lineno or 1) - 1), "a template can't be read", "la plantilla Jinja no se entiende",
                                  "Close what is open: {{ ... }}.", "Revise que cada «{{» tenga su «}}», y que comillas y paréntesis cierren.")


def _groups_of(node: yaml.Node, hosts: dict[str, int], groups: dict[str, int]) -> None:
    for name, table in _items(node):
        groups.setdefault(name, 1)
        for part, inner in _items(table):
            if part == "hosts":
                hosts.update({host: 1 for host, _value in _items(inner)})
            elif part == "children":
                _groups_of(inner, hosts, groups)


def _is_no_inventory(node: yaml.Node) -> bool:
    return not any(part in ("hosts", "children", "vars") for _name, table in _items(node) for part, _value in _items(table))


def _stray(path: Path) -> list[Finding]:
    return _wrong(path, 0, "is taken for an inventory", "Ansible lo lee como si fuera un inventario, porque -i nombra el directorio",
                  "Name the file.", f"Use -i {path.parent / 'hosts.yml'}, o guarde este archivo en otro directorio.", WARNS)


def _named_for_nobody(path: Path, base: Path, hosts: Mapping[str, int], groups: Mapping[str, int]) -> list[Finding]:
    """A file of variables whose name is no host's or group's: nothing reads it, and nobody says so."""
    room, first = path.relative_to(base).parts[:2]
    name = first[:-len(Path(first).suffix)] if Path(first).suffix in _YAML and (base / room / first).is_file() else first
    there: Iterable[str] = hosts if room == "host_vars" else {**groups, **dict.fromkeys(_OWN_GROUPS, 1)}
    if not hosts or name in there or any("[" in host for host in hosts):
        return []
    near = schema.nearest(name, list(there))
    sort = "servidor" if room == "host_vars" else "grupo"
    return _wrong(path, 0, f"belongs to no host or group: {name}", f"no lo lee nadie: ningún {sort} del inventario se llama «{name}»",
                  f"Did you mean {near}?" if near else "Name it as in the inventory.",
                  f"¿Quiso decir «{near}»? Cambie el nombre del archivo." if near else f"Dele el nombre de un {sort}: {', '.join(list(there)[:10])}.")


def _strange(path: Path, node: yaml.Node) -> list[Finding]:
    if not isinstance(node, yaml.MappingNode):
        return _wrong(path, 1, "is no table of variables", "no es una tabla de variables («nombre: valor»)", "Write name: value.",
                      "Escriba cada variable como «nombre: valor».")
    lines = {str(key.value): key.start_mark.line + 1 for key, _value in node.value}
    return [finding for name, near in misspelt(lines).items() for finding in _wrong(
        path, lines[name], f"{name} is no variable of this collection", f"«{name}» no es una variable de esta colección y nadie la lee",
        f"Did you mean {near}?", f"¿Quiso decir «{near}»?")]


def _wrong(path: Path, line: int, english: str, spanish: str, mend: str, mend_es: str, weight: str = STOPS) -> list[Finding]:
    place = f"{path}:{line}" if line else str(path)
    error = BackupError("inventory_file_wrong", place=place, problem=in_both(english, spanish), mend=mend, mend_es=mend_es)
    return of_error(error, where=place, weight=weight)


def _items(node: Any) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value


def _is_of(path: Path, room: str, name: str) -> bool:
    return room in path.parts and path.parts[path.parts.index(room) + 1].removesuffix(path.suffix) == name


def _table_of(node: yaml.Node, host: str) -> yaml.Node:
    """The variables of a host in an inventory's own file; a file of variables is the table itself."""
    for _name, table in _items(node):
        for part, inner in _items(table):
            if part == "hosts":
                for each, variables in _items(inner):
                    if each == host:
                        return variables
            elif part == "children":
                found = _table_of(inner, host)
                if found is not inner:
                    return found
    return node


def _below(node: yaml.Node, steps: Sequence[str]) -> int:
    """The line of what the steps lead to, as far as they can be followed; 0 when the first can't."""
    line = 0
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if str(key.value) == step), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
        else:
            break
    return line
