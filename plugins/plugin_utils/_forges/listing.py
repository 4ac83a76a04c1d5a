# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forge's listing against what is remembered of it: what is new, renamed, back or gone, as entries. Nothing is believed gone lightly.

A repository that the list lacks is asked for by its identity; only where the forge then shows none of it, or shows it elsewhere, it is gone. A listing that
lacks all, or more than half, of what is remembered is refused (RSP463) until a person says that it is right; so is one in which these are disabled, or
left out by what the inventory asks for now.
"""

from __future__ import annotations

import fnmatch
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._engine import result
from ...module_utils._engine.errors import BackupError
from .base import LONGEST_LISTING, Forge, Repository
from .memory import Known
from .systems import KIND, name_of

_UNREAD = "{0}: la forja no deja ver si tiene contenido (403); dé a la cuenta permiso de lectura de wikis, o indique wikis: false"
_NAMED = 20  # wikis that an entry names
_FEW = 3     # a person may delete so many at once, unless these are all


class Outcome(t.NamedTuple):
    """What is known of a forge after its listing, and what is to be recorded."""

    known: list[Known]
    entries: list[dict[str, Any]]
    lines: list[str]     # Spanish, one for each change


def listed(forge: Forge, before: Iterable[Known], taken: set[str], accept_gone: bool = False) -> Outcome:
    """`before`: what is remembered of this forge; `taken`: names of other systems, in lower case, which grow. Raises BackupError; then nothing changed."""
    with forge.api.within(LONGEST_LISTING):
        return _listed(forge, before, taken, accept_gone)


def _listed(forge: Forge, before: Iterable[Known], taken: set[str], accept_gone: bool) -> Outcome:
    known = {each.id: each for each in before}
    every = forge.every()
    unread: list[str] = []
    if forge.declared.get("wikis", True):
        # a project may have a wiki and no code: what GitLab then calls disabled is only its repository
        asked = [each for each in every if each.wiki and _reason(forge.declared, each._replace(disabled=False)) == ""]
        wikis = [wiki for wiki in map(forge.wiki_of, asked) if wiki is not None]
        unread = [wiki.path for wiki in wikis if wiki.unread]
        # one that is copied already is not gone for that; of another nobody knows whether there is anything in it
        every += [wiki for wiki in wikis if not wiki.unread or (wiki.id in known and not known[wiki.id].gone)]
    unread += forge.untold
    here = {each.id: each for each in every}
    left_out = {identity: reason for identity, each in here.items() if (reason := _reason(forge.declared, each))}
    alive = [each for each in known.values() if not each.gone]
    if not alive and len(left_out) == len(here):
        raise BackupError("forge_empty", forge=forge.name, listed=len(here))
    missing = [each for each in alive if each.id not in here]
    # what is listed as disabled, or left out by a pattern that somebody mistyped, is lost just so
    _refuse_what_lost_most(forge, alive, [*missing, *(each for each in alive if each.id in left_out)], here, accept_gone)
    changes: list[tuple[str, Known]] = []
    for each in every:
        change = _seen(forge.declared, each, known.get(each.id), left_out.get(each.id, ""), taken)
        if change is not None:
            changes.append(change)
    changes += [("repository_gone", each._replace(gone=why)) for each in missing if (why := _why_gone(forge, each))]
    known.update({each.id: each for _event, each in changes})
    return Outcome(list(known.values()), [*(_entry(event, each, forge) for event, each in changes), _summary(forge, every, left_out, changes, unread)],
                   [*(_line(event, each) for event, each in changes), *(_UNREAD.format(each) for each in unread)])


def _reason(declared: Mapping[str, Any], repository: Repository) -> str:
    """Why a repository of the list is not copied, in Spanish; empty when it is."""
    path = repository.path
    if repository.disabled:
        return "está deshabilitado en la forja, que no lo deja leer"
    if repository.archived and not declared.get("archived", True):
        return "está archivado (archived: false)"
    if repository.fork and not declared.get("forks", True):
        return "es una bifurcación (forks: false)"
    if declared.get("include") and not _matches(path, declared["include"]):
        return "no está entre los incluidos (include)"
    if _matches(path, declared.get("exclude") or ()):
        return "está excluido (exclude)"
    return ""


def _matches(path: str, patterns: Iterable[str]) -> bool:
    """A pattern with a slash is for the whole path, one without for the last step; upper and lower case are one, as forges have it."""
    return any(fnmatch.fnmatchcase((path if "/" in pattern else path.rpartition("/")[2]).lower(), pattern.lower()) for pattern in patterns)


def _seen(declared: Mapping[str, Any], repository: Repository, known: Known | None, left_out: str, taken: set[str]) -> tuple[str, Known] | None:
    """The change that a listed repository is, if any."""
    if known is None:
        if left_out or repository.empty:
            return None     # nothing of it was ever copied; what is empty has nothing to copy
        name = name_of(declared, repository.path, repository.id, taken)
        taken.add(name.lower())
        return "repository_found", Known(str(declared["name"]), repository.id, repository.path, name)
    if left_out:
        return None if known.gone else ("repository_gone", known._replace(path=repository.path, gone="Ya no se copia: " + left_out))
    if known.gone:
        return None if repository.empty else ("repository_found", known._replace(path=repository.path, gone="", gone_at=""))
    return None if known.path == repository.path else ("repository_renamed", known._replace(path=repository.path))


def _refuse_what_lost_most(forge: Forge, alive: list[Known], missing: list[Known], here: Mapping[str, Repository], accept_gone: bool) -> None:
    if not missing or accept_gone:
        return
    if len(missing) == len(alive) or (len(missing) > _FEW and len(missing) * 2 > len(alive)):
        raise BackupError("forge_shrunk", forge=forge.name, known=len(alive), missing=len(missing), listed=len(here))


def _why_gone(forge: Forge, known: Known) -> str:
    """Why a repository that the list lacks is copied no more; empty when it is where it was all the same: the list was changed while it was read."""
    of = known.id.removesuffix(".wiki")
    path = forge.find(of)
    if path is None:
        return "Ya no existe en la forja, o la cuenta ya no lo ve; sus copias se conservan según la política"
    if known.id == of:
        return "" if path == known.path else "Pasó a {0}, que esta forja no copia; sus copias se conservan según la política".format(path)
    if path + ".wiki" == known.path and forge.wiki_of(Repository(of, path)) is not None:
        return ""
    return "La wiki ya no existe o quedó vacía; sus copias se conservan según la política"


def _entry(event: str, known: Known, forge: Forge) -> dict[str, Any]:
    return result.build(event=event, system=known.system, kind=KIND, source_type="git", forge=known.forge, forge_id=known.id, forge_path=known.path,
                        source=forge.api.url + forge.clone_path(forge.declared, known.path), criticality=forge.declared["criticality"],
                        office=forge.declared["office"], numeral="7.2.2", note_es=_line(event, known) if not known.gone else known.gone)


def _line(event: str, known: Known) -> str:
    words = {"repository_found": "repositorio nuevo, se copia como {0}", "repository_renamed": "repositorio renombrado; sigue siendo el sistema {0}",
             "repository_gone": "sistema {0}: {1}"}[event]
    return "{0}: {1}".format(known.path, words.format(known.system, known.gone))


def _summary(forge: Forge, every: list[Repository], left_out: Mapping[str, str], changes: list[tuple[str, Known]],
             unread: Sequence[str]) -> dict[str, Any]:
    counted = {event: sum(each == event for each, _known in changes) for event in ("repository_found", "repository_renamed", "repository_gone")}
    empty = sum(each.empty and each.id not in left_out for each in every)
    note = "{6}: {0} repositorios; {1} nuevos, {2} renombrados, {3} retirados; {4} vacíos y {5} fuera de lo pedido, que no se copian".format(
        len(every), *counted.values(), empty, len(left_out), forge.name)
    if unread:
        more = " y {0} más".format(len(unread) - _NAMED) if len(unread) > _NAMED else ""
        note += "; wikis que la forja no deja ver (403): {0}{1}".format(", ".join(unread[:_NAMED]), more)
    return result.build(event="forge_listed", kind=KIND, forge=forge.name, source=forge.api.url, objects=len(every), numeral="7.2.2", note_es=note)


def failed(declared: Mapping[str, Any], error: BackupError) -> dict[str, Any]:
    """The entry of a forge that was not listed: what is remembered of it stands."""
    return result.build(event="forge_failed", kind=KIND, forge=str(declared["name"]), source=str(declared["url"]), numeral="7.2.2", **result.failure(error))
