# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worst day, on an empty machine: from a medium of the institution and one who can open its copies to the controller's own things in their places.

Two copies are opened, that of the kit (the controller's own files, a system like any other) and that of the bitácora. All is opened aside first, in a directory
of this account alone, and the chain proved; only then each thing takes its place, and never another's. There is no bitácora yet that could record it: what was
opened stands in a file beside it, and the next run, which has one, writes the entry.

A custodian who opens them vouches for them: nobody else has their passwords. A private key does not, as anybody can encrypt to its public one; then a SHA-256
or the key of the seals, known from elsewhere, does (_vouching.py), and what nobody vouches for is left where it was opened until a person has looked at it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import typing as t
from collections.abc import Collection, Mapping
from pathlib import Path

from ...module_utils._engine import label, remarks, result
from ...module_utils._engine.copies import manifest, proof
from ...module_utils._engine.errors import CATALOGUE, BackupError, in_both
from ...module_utils._engine.moments import now
from ...module_utils._engine.remarks import Remark
from .. import _held_places
from .._bitacora import chain, vouched
from .._bitacora.store import SERVER_SCHEMES, address_of, default_url, open_store, path_of, resolve_url
from . import beforehand, newest, placing, vouching
from .asking import EngineAction

EVENT = "controller_recovered"
_NOTE = "recuperacion.json"     # beside the bitácora: what was opened, until the entry is written
_LARGEST_KEY = 1 << 20
_MOST_LEFT = 20                 # what the kit holds beside its paths, told by name


class RecoverAction(EngineAction):
    """Lay out what a lost controller had (phase lay_out), or record that it was (phase record)."""

    CHANGES = True
    RECORDED = False
    ARGUMENTS: t.ClassVar[dict[str, t.Any]] = {
        "phase": {"type": "str", "choices": ["lay_out", "record"], "default": "lay_out"},
        "medium": {"type": "dict", "default": {}},
        "directory": {"type": "path", "default": "/var/lib/respaldo/recuperacion"},
        "kit": {"type": "str", "default": vouched.KIT},
        "kit_label": {"type": "str", "default": ""},
        "bitacora": {"type": "str", "default": vouched.BITACORA},
        "bitacora_label": {"type": "str", "default": ""},
        "bitacora_on_server": {"type": "bool", "default": False},
        **vouching.ARGUMENTS,
        "custody": {"type": "raw", "default": ""},
        "private_key_file": {"type": "path", "default": ""},
        "passphrase": {"type": "str", "default": "", "no_log": True},
        "clock_confirmed": {"type": "bool", "default": False},
        "reason": {"type": "str", "default": ""},
        "authority": {"type": "str", "default": ""},
    }

    def prove_recorded(self, task_vars: dict[str, t.Any]) -> None:
        """Of a lost bitácora nobody could record that it comes back; that is done once it has. That it is lost is looked at in a check, too."""
        if self._task.args.get("phase", "lay_out") == "record":
            super().prove_recorded(task_vars)

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        given = self.validate_argument_spec(argument_spec=self.ARGUMENTS)[1]
        given["medium"] = arguments.get("medium") or {}
        if given["phase"] == "record":
            return _record(given)
        try:
            return self._lay_out(given, task_vars)
        except newest.Failed as failure:
            return {"changed": False, **failure.answer}

    def _lay_out(self, given: Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        url, directory, kinds = resolve_url(), Path(given["directory"]), ["kit"] if given["bitacora_on_server"] else list(vouched.KINDS)
        bitacora = None
        if "bitacora" in kinds:
            if url.startswith(SERVER_SCHEMES):
                raise BackupError("recovery_bitacora_on_server", where=address_of(url))
            bitacora = path_of(url)
            beforehand.refuse_a_bitacora(bitacora, _note_at(url))
        else:
            url = default_url()     # where the note is looked for once the settings that name the server are back
        keys = _private_keys(given["private_key_file"])
        asked = vouching.read(given, bool(keys))
        listed = {what: self._whole(given, what, task_vars) for what in kinds}
        chosen = {what: vouching.candidates(asked, what, listed[what][0], given) for what in kinds}
        first = chosen[kinds[-1]][0]
        if not given["clock_confirmed"]:
            beforehand.refuse_a_clock_behind([copy for copies in chosen.values() for copy in copies])
        if not keys and not self._password(given, kinds[-1], first, task_vars):
            raise BackupError("recovery_password_missing", label=first["label"], custodians=beforehand.custodians(given["custody"]))
        if self._task.check_mode:
            kit = chosen["kit"][0]
            _refuse_begun(directory)
            if beforehand.kit_noted(_note_at(url)) != kit["sha256"]:      # else an attempt that was killed may have put it there
                _refuse_taken(_paths(kit), directory)
            return {"changed": True, "kit": kit["label"], "bitacora": first["label"] if bitacora else "", "entries": 0,
                    "placed": [*_paths(kit), *([str(bitacora)] if bitacora else [])]}
        with _held_places.directory(_note_at(url).parent, 0o700), placing.alone(directory):
            _refuse_begun(directory)
            return self._opened_and_placed(given, keys, asked, chosen, [told for each in listed.values() for told in each[1]], task_vars)

    def _opened_and_placed(self, given: Mapping[str, t.Any], keys: list[str], asked: vouching.Asked, chosen: Mapping[str, list[dict[str, t.Any]]],
                           warnings: list[str], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        directory, records = Path(given["directory"]), chosen.get("bitacora", [])
        targets = {"kit": directory / "maletin"}

        def opened(copy: dict[str, t.Any]) -> newest.Opened:
            path = directory / ("bitacora.sqlite" if copy is records[0] else f"{copy['label']}.sqlite")
            remarks = self._restore(given, keys, "bitacora", copy, path, task_vars)
            return newest.Opened(copy, path, _proved(path, copy["label"], asked), remarks)

        def proved(what: str, copy: Mapping[str, t.Any]) -> bool:
            return not keys and proof.holds(self._password(given, what, copy, task_vars), copy["manifest"])

        warnings += beforehand.long_ago(records or chosen["kit"])
        if records:
            taken = newest.found(records, given["bitacora"], opened)
            targets["bitacora"] = taken.path
            choice = vouching.choose(asked, taken.path, taken.report, taken.copy, chosen["kit"], given["kit"], proved)
            warnings += taken.remarks
            told = {"bitacora": taken.copy["label"], "entries": taken.report.entries, "head_n": taken.report.head_n, "head_digest": taken.report.head_digest,
                    "sealed_n": choice.sealed_n}
            record = {**told, "bitacora": _named(taken.copy, choice.bitacora_by)}
        else:
            choice = vouching.choose_alone(asked, chosen["kit"], proved)
            told, record = {"bitacora": "", "entries": 0}, {}
        warnings += choice.remarks
        warnings += self._restore(given, keys, "kit", choice.kit, targets["kit"], task_vars)
        note = {"at": now(), "medium": str(given["medium"].get("name") or ""), "opened_by": "private_key" if keys else "custody",
                "kit": _named(choice.kit, choice.kit_by), "reason": asked.accepted, **record}
        placed, unplaced = _in_their_places(choice, targets, directory, note)
        warnings += [each.in_both for each in unplaced.values()]
        return {"changed": True, "kit": choice.kit["label"], "placed": placed, "unplaced": list(unplaced),
                "vouched": {"kit": choice.kit_by, "bitacora": choice.bitacora_by}, **told, **({"warnings": warnings} if warnings else {})}

    def _whole(self, given: Mapping[str, t.Any], what: str, task_vars: dict[str, t.Any]) -> tuple[list[dict[str, t.Any]], list[str]]:
        """The copies of a system whose list and manifest can be read, encrypted, or the one of the label asked for; the newest first, as they claim. And
        what is to be told of those that are not whole. Raises recovery_copy_missing, manifest_newer, recovery_bitacora_on_server.
        """
        medium, wanted = given["medium"], given[what + "_label"]
        listed = _good(self.module("backup_info", {"medium": medium, "kind": vouched.KINDS[what], "system": given[what]}, task_vars))
        copies = [dict(copy) for copy in listed["copies"] if not wanted or copy["label"] == wanted]
        whole = [copy for copy in copies if copy.get("sha256") and (copy.get("manifest") or {}).get("encrypted") is True]
        broken = [copy for copy in copies if not copy.get("sha256")]
        later = next((copy for copy in broken if copy.get("code") == CATALOGUE["manifest_newer"].code), None)
        if later and not given[what + "_sha256"]:
            # made after all that this version can read
            raise BackupError("manifest_newer", label=later["label"], location=vouching.where(given), reads=manifest.SCHEMA)
        if not whole:
            raise BackupError("recovery_copy_missing", location=vouching.where(given), system=wanted or given[what])
        remarks = [Remark("recovery_not_whole", label=copy["label"], why=in_both(str(copy.get("error")), str(copy.get("error_es")))).in_both for copy in broken]
        found = sorted(whole, key=lambda copy: (str(copy["manifest"].get("started_at")), copy["label"]), reverse=True)
        if what == "bitacora" and (found[0]["manifest"].get("source") or {}).get("type") == "postgresql":
            raise BackupError("recovery_bitacora_on_server", where=found[0]["label"])
        return found, remarks

    def _opens(self, given: Mapping[str, t.Any], keys: list[str], what: str, copy: Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """What opens a copy."""
        asked = {"label": copy["label"], "system": given[what], "kind": vouched.KINDS[what], "medium": given["medium"], "decryption":
                 {"private_keys": keys, "password": given["passphrase"]} if keys else {"custody": given["custody"]}}
        return self.decryption(asked, task_vars)

    def _password(self, given: Mapping[str, t.Any], what: str, copy: Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> str:
        """What the custodians have for a copy; "" when they have nothing."""
        return str(self._opens(given, [], what, copy, task_vars).get("password") or "")

    def _restore(self, given: Mapping[str, t.Any], keys: list[str], what: str, copy: Mapping[str, t.Any], target: Path,
                 task_vars: dict[str, t.Any]) -> list[str]:
        """Open a copy aside. What it says to know of what came back: a part that did not is one."""
        asked: dict[str, t.Any] = {"label": copy["label"], "system": given[what], "kind": vouched.KINDS[what], "target": str(target),
                                   "sha256": copy["sha256"], "medium": given["medium"], "decryption": self._opens(given, keys, what, copy, task_vars)}
        told = _good(self.module("backup_restore", asked, task_vars))
        return [str(each) for each in told.get("warnings") or ()]


def _good(answer: dict[str, t.Any]) -> dict[str, t.Any]:
    """The answer of a module. Raises BackupError as it did."""
    if answer.get("failed"):
        raise newest.Failed({name: answer[name] for name in ("failed", "msg", "error") if name in answer})
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


def _proved(path: Path, name: str, asked: vouching.Asked) -> chain.Report:
    """The bitácora that was opened, its chain walked from its first entry on, and its seals where their key is known. Raises recovered_bitacora_broken,
    recovery_unvouched.
    """
    try:
        report = chain.verify_file(path, keys=[asked.seal_key] if asked.seal_key else [])
    except sqlite3.Error as error:
        raise BackupError("recovered_bitacora_broken", label=name, detail=error) from error
    broken = [finding for finding in report.findings if finding.name not in vouched.BY_OTHERS]
    if broken or not report.entries:
        raise BackupError("recovered_bitacora_broken", label=name, detail=in_both(broken[0].english, broken[0].spanish) if broken else in_both(
            "it has no entries", "no tiene asientos"))
    if report.findings:
        name_of = "recovery_unvouched" if asked.seal_key else "recovered_bitacora_broken"
        raise BackupError(name_of, label=name, detail=in_both(report.findings[0].english, report.findings[0].spanish))
    return report


def _in_their_places(choice: vouching.Choice, targets: Mapping[str, Path], directory: Path, note: Mapping[str, t.Any]) -> tuple[list[str], dict[str, Remark]]:
    """Put what was opened in its places, noted before; the paths that have theirs, and those that have not, with the why. What nobody vouches for is left
    where it is: what lies in a place may be run by whoever looks there. Raises recovery_place_taken.
    """
    kit, paths = targets["kit"], _paths(choice.kit)
    alone = (choice.kit["manifest"]["parts"] or [{}])[0].get("facts", {}).get("alone") is True
    sources = {path: kit if alone else kit / path.lstrip("/") for path in paths}
    unplaced: dict[str, Remark] = {}
    if choice.kit_by == vouching.NOBODY:
        why = in_both("nobody vouches for the kit, so look at it first", "nadie responde por el maletín, así que revíselo antes")
        unplaced = {path: Remark("recovery_unplaced", path=path, source=str(sources[path]), detail=why) for path in paths}
    places = {path: source for path, source in sources.items() if path not in unplaced}
    url = resolve_url() if "bitacora" in targets else default_url()
    if "bitacora" in targets:
        places[str(path_of(url))] = targets["bitacora"]
    there = [path for path, source in places.items() if os.path.lexists(path) and placing.is_there(source, path)]
    places = {path: source for path, source in places.items() if path not in there}
    _refuse_taken(places, directory)
    for path in there:
        placing.drop(sources[path])
    # noted first: what was placed half, and finished by hand, is recorded too
    _noted(_note_at(url), {**note, "unplaced": list(unplaced)})
    for path, source in places.items():
        try:
            _put(source, path, directory)
        except BackupError as error:
            if source == targets.get("bitacora"):
                raise
            detail = error.details["detail"]
            unplaced[path] = Remark("recovery_unplaced", path=path, source=str(source), detail=detail.strerror if isinstance(detail, OSError) else detail)
    if choice.kit_by != vouching.NOBODY and not alone:
        why = in_both("the manifest of the kit does not say where it belongs", "la ficha del maletín no dice dónde va")
        for path in _rest(kit, {sources[path] for path in unplaced}):
            unplaced["/" + os.path.relpath(path, kit)] = Remark("recovery_unplaced", path="/" + os.path.relpath(path, kit), source=path, detail=why)
    _noted(_note_at(url), {**note, "unplaced": list(unplaced)[:_MOST_LEFT]})
    return [*there, *(path for path in places if path not in unplaced)], unplaced


def _named(copy: Mapping[str, t.Any], by: str) -> dict[str, str]:
    return {"label": str(copy["label"]), "sha256": str(copy["sha256"]), "by": by}


def _note_at(url: str) -> Path:
    """Beside the place of the bitácora; of one on a server beside where it would be as a file."""
    return path_of(default_url() if url.startswith(SERVER_SCHEMES) else url).with_name(_NOTE)


def _noted(path: Path, note: Mapping[str, t.Any]) -> None:
    """Write what was opened, whole or not at all."""
    with _held_places.place(path) as place, _held_places.beside(place.held, place.name) as (descriptor, made):
        _held_places.filled(descriptor, json.dumps(note).encode())
        os.replace(made, place.name, src_dir_fd=place.held, dst_dir_fd=place.held)


def _rest(kit: Path, known: Collection[Path]) -> list[str]:
    """What is left of the kit where it was opened, beside what is known to be: files first, since a directory of theirs is no loss. At most 20."""
    found: list[str] = []
    for above, _directories, files in os.walk(kit):
        found += [path for path in (os.path.join(above, name) for name in sorted(files))
                  if not any(Path(path) == each or each in Path(path).parents for each in known)]
        if len(found) >= _MOST_LEFT:
            break
    return found[:_MOST_LEFT]


def _put(source: Path, path: str, directory: Path) -> None:
    """Give what was opened its place. Raises recovery_place_taken."""
    try:
        placing.put(source, path)
    except OSError as error:
        raise _taken(path, directory, _held_places.why(error)) from error
    except BackupError as error:
        raise _taken(path, directory, in_both(error.message, error.spanish)) from error


def _refuse_begun(directory: Path) -> None:
    if any(os.path.lexists(directory / name) for name in ("maletin", "bitacora.sqlite")):
        raise BackupError("recovery_begun", directory=directory)


def _refuse_taken(paths: t.Iterable[str], directory: Path) -> None:
    for path in paths:
        if os.path.lexists(path):
            raise _taken(path, directory, in_both("something else stands there", "ya hay otra cosa ahí"))


def _taken(path: str, directory: Path, detail: object) -> BackupError:
    return BackupError("recovery_place_taken", path=path, directory=directory, detail=detail)


def _record(given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The entry of what the note tells; nothing where there is none, which a repetition finds."""
    for name in ("reason", "authority"):
        if not given[name].strip():
            raise BackupError("invalid_input", where="recover_" + name, value=given[name], problem="is blank",
                              mend="Say why, and who orders it by which document, for the bitácora.")
    path = _note_at(resolve_url())
    try:
        note = json.loads(_held_places.read(path, beforehand.LARGEST_NOTE))
        kit, bitacora = note["kit"], note.get("bitacora") or {}
    except FileNotFoundError:
        return {"changed": False, "recovered": False}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError("invalid_input", where=str(path), value="…", problem=f"can't be read: {error}", mend="Move it away; it only says what was opened.") \
            from error
    with open_store(resolve_url(), readonly=True) as store:
        if any(not each.get("simulated") and str(note.get("at")) in str(each.get("note_es")) for each in store.entries(type=EVENT)):
            return {"changed": False, "recovered": False}
    how = "la llave privada de un/a EGCR" if note.get("opened_by") == "private_key" else "la custodia"
    sealed_n = f"; con sello hasta el n.º {note['sealed_n']}" if note.get("sealed_n") else ""
    record = (f"bitácora {bitacora['label']} ({vouching.spanish(bitacora.get('by'))}), íntegra hasta el asiento n.º {note.get('head_n')} "
              f"({note.get('head_digest')}){sealed_n}" if bitacora else "la bitácora, en su servidor, no vino del medio")
    reasons = [given["reason"].strip(), f"({given['authority'].strip()})"]
    if vouching.NOBODY in (kit.get("by"), bitacora.get("by")):
        reasons.append(f"Aceptado sin que nadie respondiera por ello: {note.get('reason')}")
    unplaced = [str(path) for path in note.get("unplaced") or ()]
    return {"changed": True, "recovered": True, "backup": result.build(
        event=EVENT, label=label.parse(str(kit["label"])).name, medium=str(note.get("medium") or "") or None, sha256=kit.get("sha256"),
        objects=note.get("entries"), reason_text=" ".join(reasons),
        note_es=f"Controlador recuperado el {note.get('at')} con {how}: maletín {kit['label']} ({vouching.spanish(kit.get('by'))}); {record}",
        **remarks.fields([Remark("recovery_left", paths=unplaced)] if unplaced else []))}
