# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run left that died between sealing a copy and the copy's entry: adopted, or told to be gone; see the module backup_settle.

A server is a witness: that a copy lies there under a name that we gave proves nothing. It is ours when it has the digest that the bitácora holds since
before the name was given (sealed.py), and good when it was read whole again, now. Of anything else no copy is made, and nothing is removed: who
wrote it there is for a person to find out, and each run tells it anew.
"""

from __future__ import annotations

import contextlib
import os
import typing as t
from collections.abc import Mapping, Sequence

from ansible.utils.display import Display

from ...module_utils._engine import label, result
from ...module_utils._engine.errors import CATALOGUE, BackupError
from ...module_utils._engine.policy import policy
from .. import _forms
from .._actions import failed, show
from .._bitacora import sealed
from .._bitacora.any_store import Store
from .._bitacora.store import open_store, resolve_url
from .._names import asked
from .._tasks import is_cloud, plain
from .asking import EngineAction
from .publishing import publish

# What the copy's own reading can find; all else says nothing of it.
_NOT_IT = ("bytes_differ", "manifest_unreadable", "structure_unreadable", "never_encrypted")
# How a copy is closed whose maker was lost: it told nothing itself.
_LOST = tuple(CATALOGUE[name].code for name in ("interrupted", "no_answer"))
# Of the entry of the seal, what the entry of the copy says anew.
_ANEW = ("event", "medium", "location", "trust_level", "checks", "note_es", "refused_fields")


class _Reading(t.NamedTuple):
    """What came of looking for a copy on its media, by their names."""

    whole: dict[str, Mapping[str, t.Any]]    # -> the entry of its reading
    strange: dict[str, str]                  # -> what lies there in its place, in English
    unknown: dict[str, str]                  # -> why nothing can be told
    gone: list[str]


class _Left(t.NamedTuple):
    """A copy to be settled: its system, the entries of its seal and of its end, and the media on which copies of the system lie."""

    system: Mapping[str, t.Any]
    seal: Mapping[str, t.Any]
    end: Mapping[str, t.Any]
    known: set[str]


class SettleAction(EngineAction):
    """Settle what runs that died left of the copies of a host."""

    CHANGES = True
    FAILURE_EVENT = "verification_failed"
    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "systems": {"type": "list", "elements": "dict", "required": True},
        "media": {"type": "list", "elements": "dict", "required": True},
        "kind": {"type": "str", "default": "all", "choices": ["all", *result.KINDS]},
        "only": {"type": "list", "elements": "str", "default": []},
        "custody": {"type": "raw", "default": ""},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        given = self.validate_argument_spec(argument_spec=self.ARGUMENTS)[1]
        media = {str(medium.get("name")): medium for medium in arguments.get("media") or ()}
        only = {label.canonical(name).lower() for name in asked(given["only"])}
        with open_store(resolve_url(), readonly=True) as store:
            left = [row for system in plain(given["systems"]) if _is_asked(system, given["kind"], only)
                    for row in _left(store, system, str(task_vars.get("inventory_hostname") or ""))]
        told: dict[str, t.Any] = {"changed": False, "systems": len({row.system["name"] for row in left}), "summary": [],
                                  "adopted": [], "withdrawn": [], "unsettled": []}
        if self._task.check_mode:
            told["unsettled"] = [row.seal["label"] for row in left]
            told["summary"] = [f"{name}: se resolvería lo que dejó una ejecución muerta" for name in told["unsettled"]]
            return told
        entries = []
        for row in left:
            seal, entry = row.seal, self._settled(row, media, given["custody"], task_vars)
            told[{"copy_made": "adopted", sealed.WITHDRAWN: "withdrawn"}.get(entry["event"], "unsettled")].append(seal["label"])
            told["summary"].append("{0}: {1}".format(seal["label"], entry.get("error_message_es") or entry.get("note_es") or entry.get("reason_text")))
            entries.append(entry)
        if entries:
            show("\n".join([f"{task_vars.get('inventory_hostname')}: lo que dejaron ejecuciones muertas", *("    " + line for line in told["summary"])]))
            told.update(backup=entries, changed=bool(told["adopted"]))
        return told

    def _settled(self, left: _Left, media: Mapping[str, t.Any], custody: t.Any, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The entry that says what became of a sealed copy."""
        seal = left.seal
        named = seal["medium"].split(", ")
        here = {name: media[name] for name in named if name in media}
        if left.end.get("error_code") in _LOST and len(here) == len(named):
            self._complete(seal, list(here.values()), task_vars)
        found = self._read(left, here, custody, task_vars)
        lacking = [name for name in named if name not in found.whole]
        if found.whole:
            return _adopted(seal, named, found, lacking)
        if found.strange:
            where, detail = next(iter(found.strange.items()))
            return _unsettled(seal, where, BackupError("copy_not_as_sealed", label=seal["label"], location=where, run=seal["run"], detail=detail))
        if found.unknown:
            where, detail = next(iter(found.unknown.items()))
            return _unsettled(seal, where, BackupError("copy_unsettled", label=seal["label"], run=seal["run"], detail=f"{where}: {detail}"))
        kept = _kept(seal)
        unseen = [name for name in named if name not in here]
        return result.build(**kept, event=sealed.WITHDRAWN, medium=seal["medium"], sha256=seal["sha256"], adopted_run=seal["run"], reason_text=(
            f"La ejecución {seal['run']} la selló y no llegó a asentarla; no quedó con su nombre en ningún medio"
            + (f". No se miró en {', '.join(unseen)}, que ya no está en el inventario" if unseen else "")))

    def _complete(self, seal: Mapping[str, t.Any], media: Sequence[Mapping[str, t.Any]], task_vars: dict[str, t.Any]) -> None:
        """Give the name where it is lacking, if it still lies sealed there: the same bytes or nothing. The blocks in a cloud only their maker can commit."""
        if any(map(is_cloud, media)):
            return
        about = {name: seal[name] for name in ("label", "system", "kind", "sha256")}
        with contextlib.suppress(BackupError):
            publish(self, {**about, "media": list(media), "sealed": {}}, {}, {}, task_vars)

    def _read(self, left: _Left, media: Mapping[str, t.Any], custody: t.Any, task_vars: dict[str, t.Any]) -> _Reading:
        """Read the copy whole (T2) on each of its media."""
        seal = left.seal
        found = _Reading({}, {}, {}, [])
        for name, medium in media.items():
            asked: dict[str, t.Any] = {
                **{field: seal[field] for field in ("label", "system", "kind", "sha256")}, "level": "T2", "medium": medium, "record": {}}
            opened = {"custody": custody if seal.get("encrypted") or seal.get("key_reference") else "", "key_reference": seal.get("key_reference") or ""}
            shared = {"repository": (left.system.get("source") or {}).get("repository")}
            try:
                asked["decryption"] = self.decryption({**asked, "source": shared, "decryption": opened}, task_vars)
                told = self.module("backup_verify", asked, task_vars)
            except BackupError as refusal:
                told = failed(refusal)
            error, entry = told.get("error") or {}, told.get("backup") or {}
            if not told.get("failed") and entry.get("sha256") == seal["sha256"]:
                found.whole[name] = {**entry, "parts": _parts(told.get("manifest"))}
            elif error.get("name") == "copy_missing" or (error.get("name") == "medium_empty" and name not in left.known):
                # where no copy of it ever was, nothing is missed
                found.gone.append(name)
            elif error.get("name") in _NOT_IT:
                found.strange[name] = str(error.get("message"))
            else:
                found.unknown[name] = _forms.line(str(error.get("message") or "it gave no digest"), 500)
        return found


def _is_asked(system: Mapping[str, t.Any], kind: str, only: set[str]) -> bool:
    return kind in ("all", system.get("kind")) and not policy.copied_by_a_tool(system) and (not only or label.canonical(system["name"]).lower() in only)


def _left(store: Store, system: Mapping[str, t.Any], host: str) -> list[_Left]:
    """What this host left of a system."""
    kind, name = str(system["kind"]), str(system["name"])
    found = [row for row in sealed.unsettled(store, kind, name, host) if label.is_of(row[0]["label"], name)]
    known = {medium for copy in store.copies(kind, name) for medium in copy["media"]} if found else set()
    return [_Left(system, seal, end, known) for seal, end in found]


def _kept(seal: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What every entry about it says of the copy, in the words of its seal."""
    return {name: seal[name] for name in ("label", "printed_label", "system", "kind", "criticality", "office", "responsible", "numeral") if name in seal}


def _adopted(seal: Mapping[str, t.Any], named: Sequence[str], found: _Reading, lacking: Sequence[str]) -> dict[str, t.Any]:
    """The entry of a copy that its run could not write: what was heard when it was sealed, and of this reading what it proved."""
    body = {name: value for name, value in seal.items() if name in result.FIELDS and name not in _ANEW}
    places = dict(zip(named, str(seal.get("location") or "").split(", "), strict=False))
    reading = next(iter(found.whole.values()))
    note = ("Adoptada por la ejecución {0}: la {1}, que la hizo, murió antes de asentarla. Se leyó entera otra vez (T2) y tiene la huella que la bitácora "
            "guardó al sellarla").format(os.environ.get("RESPALDO_RUN_ID", ""), seal["run"])
    if lacking:
        note += ". No está, o no se pudo leer, en {0}: trasládela o haga otra copia".format(", ".join(lacking))
        Display().warning("{0}: {1}".format(seal["label"], note))
    where = ", ".join(filter(None, (places.get(name, "") for name in found.whole)))
    return {**body, "event": "copy_made", "medium": ", ".join(found.whole), **({"location": where} if where else {}), "adopted_run": seal["run"],
            "trust_level": min(str(entry.get("trust_level") or "T0") for entry in found.whole.values()), "checks": list(reading.get("checks") or ()),
            **({"parts": reading["parts"]} if reading["parts"] else {}), "note_es": note}


def _unsettled(seal: Mapping[str, t.Any], where: str, error: BackupError) -> dict[str, t.Any]:
    return result.build(**_kept(seal), event="verification_failed", medium=where, adopted_run=seal["run"], **result.failure(error))


def _parts(manifest: t.Any) -> list[dict[str, t.Any]]:
    """The files of a copy as its manifest lists them, which the digest covers."""
    rows = manifest.get("parts") if isinstance(manifest, Mapping) else None
    return [{"name": row.get("file"), "size": row.get("size"), "sha256": row.get("sha256")} for row in rows or () if isinstance(row, Mapping)]
