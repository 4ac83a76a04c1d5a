# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst day, on an empty machine: from a medium of the institution and one who can open its copies to the controller's own things in their places.

Two copies are opened, that of the kit (the controller's own files, a system like any other) and that of the bitácora. All is opened aside first, in a directory
of this account alone, and the chain proved; only then each thing takes its place, and never another's. There is no bitácora yet that could record it: what was
opened stands in a file beside it, and the next run, which has one, writes the entry.
"""

from __future__ import annotations

import json
import os
import sqlite3
import typing as t
from collections.abc import Mapping
from pathlib import Path

from ...module_utils._engine import label, result
from ...module_utils._engine.errors import BackupError, in_both
from ...module_utils._engine.filesystem import descriptors
from ...module_utils._engine.moments import now
from .. import _held_places
from .._bitacora import chain, living
from .._bitacora.store import open_store, path_of, resolve_url
from .asking import EngineAction

EVENT = "controller_recovered"
KIT, BITACORA = "Maletín de recuperación", "Bitácora de respaldos"
_NOTE = "recuperacion.json"     # beside the bitácora: what was opened, until the entry is written
_LARGEST_KEY, _LARGEST_NOTE = 1 << 20, 1 << 16
_KINDS = {"kit": "source_code", "bitacora": "database"}


class _Failed(Exception):
    """A module failed, and said why."""

    def __init__(self, answer: Mapping[str, t.Any]) -> None:
        super().__init__()
        self.answer = answer


class RecoverAction(EngineAction):
    """Lay out what a lost controller had (phase lay_out), or record that it was (phase record)."""

    CHANGES = True
    RECORDED = False
    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "phase": {"type": "str", "choices": ["lay_out", "record"], "default": "lay_out"},
        "medium": {"type": "dict", "default": {}},
        "directory": {"type": "path", "default": "/var/lib/respaldo/recuperacion"},
        "kit": {"type": "str", "default": KIT},
        "kit_label": {"type": "str", "default": ""},
        "bitacora": {"type": "str", "default": BITACORA},
        "bitacora_label": {"type": "str", "default": ""},
        "custody": {"type": "raw", "default": ""},
        "private_key_file": {"type": "path", "default": ""},
        "passphrase": {"type": "str", "default": "", "no_log": True},
        "reason": {"type": "str", "default": ""},
        "authority": {"type": "str", "default": ""},
    }

    def prove_recorded(self, task_vars: dict[str, t.Any]) -> None:
        """Of a lost bitácora nobody could record that it comes back; that is done once it has."""
        if self._task.args.get("phase", "lay_out") == "record":
            return super().prove_recorded(task_vars)
        return living.refuse_unless_lost()

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        given = self.validate_argument_spec(argument_spec=self.ARGUMENTS)[1]
        given["medium"] = arguments.get("medium") or {}
        if given["phase"] == "record":
            return _record(given)
        try:
            return self._lay_out(given, task_vars)
        except _Failed as failure:
            return {"changed": False, **failure.answer}

    def _lay_out(self, given: Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        bitacora, directory = path_of(resolve_url()), Path(given["directory"])
        keys = _private_keys(given["private_key_file"])
        chosen = {what: self._newest(given, what, task_vars) for what in _KINDS}
        told: dict[str, t.Any] = {"changed": True, **{what: copy["label"] for what, copy in chosen.items()}}
        if self._task.check_mode:
            return {**told, "placed": [*_paths(chosen["kit"]), str(bitacora)], "entries": 0}
        with _held_places.directory(directory, 0o700), _held_places.directory(bitacora.parent, 0o700):
            pass
        targets = {"kit": directory / "maletin", "bitacora": directory / "bitacora.sqlite"}
        for what, copy in chosen.items():
            self._restore(given, keys, what, copy, targets[what], task_vars)
        report = _proved(targets["bitacora"], chosen["bitacora"]["label"])
        alone = (chosen["kit"]["manifest"]["parts"] or [{}])[0].get("facts", {}).get("alone") is True
        placed = {path: targets["kit"] if alone else targets["kit"] / path.lstrip("/") for path in _paths(chosen["kit"])}
        placed[str(bitacora)] = targets["bitacora"]
        for path in placed:
            if os.path.lexists(path):
                raise _taken(path, directory, in_both("something stands there", "ya hay algo ahí"))
        note = {"at": now(), "medium": str(given["medium"].get("name") or ""), "opened_by": "private_key" if keys else "custody",
                **{what: {"label": copy["label"], "sha256": copy["sha256"]} for what, copy in chosen.items()},
                "entries": report.entries, "head_n": report.head_n, "head_digest": report.head_digest}
        with _held_places.place(bitacora.with_name(_NOTE)) as place, _held_places.beside(place.held, place.name) as (descriptor, made):
            _held_places.filled(descriptor, json.dumps(note).encode())
            os.replace(made, place.name, src_dir_fd=place.held, dst_dir_fd=place.held)
        # after the note: what was placed half, and finished by hand, is recorded too
        for path, source in placed.items():
            _put(source, path, directory)
        return {**told, "placed": list(placed), "entries": report.entries, "head_n": report.head_n, "head_digest": report.head_digest}

    def _newest(self, given: Mapping[str, t.Any], what: str, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The newest copy of a system whose list and manifest can be read, or the one of the label asked for. Raises recovery_copy_missing."""
        medium, wanted = given["medium"], given[what + "_label"]
        listed = _good(self.module("backup_info", {"medium": medium, "kind": _KINDS[what], "system": given[what]}, task_vars))
        whole = [copy for copy in listed["copies"] if copy.get("sha256") and (copy.get("manifest") or {}).get("encrypted") is True
                 and (not wanted or copy["label"] == wanted)]
        if not whole:
            raise BackupError("recovery_copy_missing", location=str(medium.get("path") or medium.get("name")), system=wanted or given[what])
        return dict(max(whole, key=lambda copy: (str(copy["manifest"].get("started_at")), copy["label"])))

    def _restore(self, given: Mapping[str, t.Any], keys: list[str], what: str, copy: Mapping[str, t.Any], target: Path, task_vars: dict[str, t.Any]) -> None:
        asked: dict[str, t.Any] = {
            "label": copy["label"], "system": given[what], "kind": _KINDS[what], "target": str(target), "sha256": copy["sha256"], "medium": given["medium"]}
        opened = {"private_keys": keys, "password": given["passphrase"]} if keys else {"custody": given["custody"]}
        asked["decryption"] = self.decryption({**asked, "decryption": opened}, task_vars)
        _good(self.module("backup_restore", asked, task_vars))


def _good(answer: dict[str, t.Any]) -> dict[str, t.Any]:
    """The answer of a module. Raises BackupError as it did."""
    if answer.get("failed"):
        raise _Failed({name: answer[name] for name in ("failed", "msg", "error") if name in answer})
    return answer


def _private_keys(path: str) -> list[str]:
    if not path:
        return []
    try:
        return [_held_places.read(path, _LARGEST_KEY).decode("ascii")]
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, _held_places.Refused) else f"can't be read: {error}"
        raise BackupError("invalid_input", where="recover_private_key_file", value=path, problem=problem,
                          mend="Give the key as written by gpg --armor --export-secret-keys.") from error


def _paths(copy: Mapping[str, t.Any]) -> list[str]:
    """Where the files of the kit belong, as its manifest has them."""
    found = (copy["manifest"].get("source") or {}).get("facts") or {}
    paths = found.get("real_paths") or []
    if not paths or not all(isinstance(path, str) and os.path.isabs(path) and os.path.normpath(path) == path for path in paths):
        raise BackupError("manifest_unreadable", label=copy["label"], location="its manifest", detail="it does not tell where its files belong")
    return list(paths)


def _proved(path: Path, name: str) -> chain.Report:
    """The bitácora that was opened, its chain walked from its first entry on. Raises recovered_bitacora_broken."""
    try:
        report = chain.verify_file(path)
    except sqlite3.Error as error:
        raise BackupError("recovered_bitacora_broken", label=name, detail=error) from error
    if not report.whole or not report.entries:
        first = report.findings[0] if report.findings else None
        raise BackupError("recovered_bitacora_broken", label=name, detail=in_both(first.english, first.spanish) if first else in_both(
            "it has no entries", "no tiene asientos"))
    return report


def _put(source: Path, path: str, directory: Path) -> None:
    """Give what was opened its place. Raises recovery_place_taken."""
    try:
        with _held_places.place(source) as here, _held_places.place(path, 0o700, follow=False) as there:
            descriptors.move(here.held, here.name, there.held, there.name)
            _held_places.sync(there.held)
    except OSError as error:
        raise _taken(path, directory, _held_places.why(error)) from error


def _taken(path: str, directory: Path, detail: object) -> BackupError:
    return BackupError("recovery_place_taken", path=path, directory=directory, detail=detail)


def _record(given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The entry of what the note tells; nothing where there is none, which a repetition finds."""
    for name in ("reason", "authority"):
        if not given[name].strip():
            raise BackupError("invalid_input", where="recover_" + name, value=given[name], problem="is blank",
                              mend="Say why, and who orders it by which document, for the bitácora.")
    path = path_of(resolve_url()).with_name(_NOTE)
    try:
        note = json.loads(_held_places.read(path, _LARGEST_NOTE))
        kit, bitacora = note["kit"], note["bitacora"]
    except FileNotFoundError:
        return {"changed": False, "recovered": False}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError("invalid_input", where=str(path), value="…", problem=f"can't be read: {error}", mend="Move it away; it only says what was opened.") \
            from error
    with open_store(resolve_url(), readonly=True) as store:
        if any(not each.get("simulated") and str(note.get("at")) in str(each.get("note_es")) for each in store.entries(type=EVENT)):
            return {"changed": False, "recovered": False}
    how = "la llave privada de un/a EGCR" if note.get("opened_by") == "private_key" else "la custodia"
    return {"changed": True, "recovered": True, "backup": result.build(
        event=EVENT, label=label.parse(str(kit["label"])).name, medium=str(note.get("medium") or "") or None, sha256=kit.get("sha256"),
        objects=note.get("entries"), reason_text=f"{given['reason'].strip()} ({given['authority'].strip()})",
        note_es=(f"Controlador recuperado el {note.get('at')} con {how}: maletín {kit['label']} y bitácora {bitacora['label']}, íntegra hasta el asiento "
                 f"n.º {note.get('head_n')} ({note.get('head_digest')})"))}
