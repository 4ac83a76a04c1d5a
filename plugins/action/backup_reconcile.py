# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what lies on a medium with what the bitácora says lies there, in both directions. See its module for the documentation."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..module_utils._engine import label, result
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy
from ..module_utils._engine.restic import repositories
from ..plugin_utils import _actions
from ..plugin_utils._actions import failed
from ..plugin_utils._bitacora import sealed
from ..plugin_utils._bitacora.any_store import OF_A_COPY, Store
from ..plugin_utils._bitacora.chain import RUN_ENDS
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._copying import adopting
from ..plugin_utils._copying.opening import PlainAction
from ..plugin_utils._inventory import names_of_other_hosts, wanted_names
from ..plugin_utils._tasks import address_of, plain

_KEPT = ("label", "printed_label", "system", "kind", "criticality", "office", "responsible", "numeral", "sha256")
_REASON = "reconciliation"
_MOST_NAMED = 20
# Of a system or of what no host declares, in one run: what lies on a medium is the server's word. The next run tells the next.
_MOST_STRAYS = 200
_MOST_LINES = 50


class _Shelf(NamedTuple):
    """A system on the medium: the copies the bitácora knows there, those it knows on other media only, and the digests of those that lie there."""

    kind: str
    system: str
    known: dict[str, dict[str, Any]]
    elsewhere: dict[str, dict[str, Any]]
    there: dict[str, str]


class _Reading:
    """How copies that are to be adopted are read: a file server's by the password of its repository, which is checked once, the others byte by byte."""

    def __init__(self, action: PlainAction, system: Mapping[str, Any], custody: Any, task_vars: dict[str, Any]) -> None:
        self.action, self.system, self.custody, self.task_vars = action, system, custody, task_vars
        self.checked = False

    def repositories(self, name: str) -> list[str]:
        return self.action.repositories_of(self._about(name), self.task_vars)

    def read(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What backup_verify answers. Raises BackupError, also where custody has no password of the repository."""
        if asked["kind"] == repositories.KIND:
            asked = {**asked, "level": "T1" if self.checked else "T2"}
            asked["decryption"] = self.action.decryption({**asked, **self._about(asked["label"]), "decryption": {"custody": self.custody}}, self.task_vars)
            if not asked["decryption"].get("password"):
                raise BackupError("password_needed", label=asked["label"], key_reference="its repository")
        told = self.action.module("backup_verify", asked, self.task_vars)
        self.checked = self.checked or not told.get("failed")
        return told

    def _about(self, name: str) -> dict[str, Any]:
        return {"label": name, "kind": self.system["kind"], "system": self.system["name"], "source": self.system.get("source") or {}}


class ActionModule(PlainAction):
    FAILURE_EVENT = "verification_failed"
    ARGUMENTS: dict[str, Any] = {
        "medium": {"type": "dict", "required": True},
        "systems": {"type": "list", "elements": "dict", "required": True},
        "only": {"type": "list", "elements": "str", "default": []},
        "accept_empty": {"type": "bool", "default": False},
        "lost_labels": {"type": "list", "elements": "str", "default": []},
        "lost_reason": {"type": "str", "default": ""},
        "adopt_reason": {"type": "str", "default": ""},
        "custody": {"type": "raw", "default": ""},
        "show": {"type": "bool", "default": False},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        given = self.validate_argument_spec(argument_spec=self.ARGUMENTS)[1]
        if given["lost_labels"] and not given["lost_reason"].strip():
            raise BackupError("invalid_input", where="lost_reason", value=given["lost_reason"], problem="is missing",
                              mend="Say why these copies are given up; it goes into the bitácora.")
        medium, systems = arguments["medium"], [system for system in plain(given["systems"]) if not policy.copied_by_a_tool(system)]
        place = "{0} ({1})".format(medium["name"], address_of(medium))
        shown = str(task_vars["inventory_hostname"]) if given["show"] else ""
        shelves = {f"{system['kind']}/{label.canonical(system['name'])}": system for system in systems}
        names = wanted_names(given["only"], given["systems"], names_of_other_hosts(task_vars))
        wanted = {shelf: system for shelf, system in shelves.items() if not names or label.canonical(system["name"]).lower() in names}
        try:
            listed = _checked(self.module("backup_info", {"medium": medium, "shelves": sorted(wanted)}, task_vars), task_vars)
        except BackupError as fault:
            listed = failed(fault)
        if listed.get("failed"):
            error = listed["error"]
            return self._unread(medium["name"], error, [f"{place}: {error['message_es']}"], shown)
        with open_store(resolve_url()) as store:
            found = [_shelf(store, shelf, system, str(medium["name"]), listed["copies"]) for shelf, system in wanted.items()]
            if _is_empty(found, listed["shelves"], str(medium["name"])) and not given["accept_empty"]:
                empty = BackupError("medium_empty", location=place)
                told = {"code": empty.code, "message": empty.message, "message_es": empty.spanish, "remedy_es": empty.remedy}
                return self._unread(medium["name"], told, [empty.spanish], shown)
            entries: list[dict[str, Any]] = []
            rows: dict[str, list[str]] = {"ghosts": [], "differing": [], "strays": [], "healed": [], "lost": [], "settled": [],
                                          "adopted": []}
            lines = []
            for shelf in found:
                lines += self._one(store, shelf, medium, given, task_vars, entries, rows)
            unknown, entry_rows, unknown_lines = _foreign(store, listed["copies"], shelves, task_vars, str(medium["name"]))
        rows["strays"] += unknown
        lines += unknown_lines + [f"    resto de una ejecución muerta: {row['kind']}/{row['system']}/{row['name']} (hace {row['age'] // 3600} h)"
                                  for row in listed["leftovers"]]
        return _answer(shown, [place, *lines], entries + entry_rows, systems=len(wanted), **rows, leftovers=listed["leftovers"])

    def _unread(self, name: str, error: Mapping[str, Any], lines: list[str], shown: str) -> dict[str, Any]:
        """A medium that can't be looked at says nothing of its copies: the run fails, and no copy is called damaged."""
        entry = result.build(event="verification_failed", medium=name, reason=_REASON, error_code=error["code"], error_message=error["message"],
                             error_message_es=error["message_es"], error_remedy_es=error["remedy_es"])
        return _answer(shown, lines, [entry], ghosts=[], differing=[], strays=[], healed=[], lost=[], settled=[], adopted=[], leftovers=[])

    def _one(self, store: Store, shelf: _Shelf, medium: Mapping[str, Any], given: Mapping[str, Any], task_vars: dict[str, Any],
             entries: list[dict[str, Any]], rows: dict[str, list[str]]) -> list[str]:
        """Compare one system. Gives its lines; what is to be recorded goes to `entries`, what was found to `rows`."""
        name, known, there = str(medium["name"]), shelf.known, shelf.there
        lost = [each for each in sorted(known) if each not in there and each in given["lost_labels"]]
        leaving = {each: _leaving(store, shelf, name, each) for each in sorted(known) if each not in there and each not in lost}
        removed = [each for each, started in leaving.items() if started]
        ghosts = [each for each, started in leaving.items() if not started]
        differing = [each for each in sorted(known) if each in there and known[each].get("sha256", "") != there[each]]
        carried = self._carried(store, shelf, medium, task_vars)
        strays = [each for each in sorted(there) if each not in known and each not in carried]
        adopted, unadopted = self._adopted(store, shelf, medium, given, strays, task_vars)
        strays = [each for each in strays if each not in adopted]
        standing = [each for each in ghosts + differing if not known[each]["media"][name]]
        entries += [_missing(known[each], name) for each in ghosts if known[each]["media"][name]]
        entries += [_differing(known[each], name, there[each]) for each in differing if known[each]["media"][name]]
        entries += [_given_up(known[each], name, given["lost_reason"]) for each in lost]
        entries += [_removed(known[each], name, leaving[each]) for each in removed] + list(carried.values()) + list(adopted.values())
        healed = []
        for each in sorted(set(known).intersection(there).difference(differing)):
            level = "" if known[each]["media"][name] or self._task.check_mode else _level_before(store, known[each], name)
            if level:
                entries.append(self._found_again(known[each], medium, level, task_vars))
                healed += [each] if entries[-1].get("event") == "copy_found" else []
        for code, concerned in (("copies_still_missing", standing), ("copies_not_adopted", list(unadopted))):
            if concerned:
                entries.append(_not_in_order(code, shelf, name, concerned))
        told = {(entry.get("label"), entry.get("sha256", "")) for entry in store.entries(kind=shelf.kind, system=shelf.system, type="stray_found")
                if entry.get("medium") == name and not entry.get("simulated")}
        entries += [_stray(shelf.system, shelf.kind, name, each, there[each]) for each in strays if (each, there[each]) not in told][:_MOST_STRAYS]
        for key, labels in (("ghosts", ghosts), ("differing", differing), ("strays", strays), ("healed", healed), ("lost", lost),
                            ("settled", removed + list(carried)), ("adopted", list(adopted))):
            rows[key] += labels
        return [f"{shelf.system} en {name}: {len(there)} {'copia' if len(there) == 1 else 'copias'} en el medio, {len(known)} en la bitácora",
                *(f"    falta {each}: la bitácora la tiene, el medio no" for each in ghosts),
                *(f"    difiere {each}: el medio tiene otro contenido" for each in differing),
                *(f"    reencontrada {each}: vuelve a contar" for each in healed),
                *(f"    retirada {each}: la quitó {leaving[each]}, que no llegó a asentarlo" for each in removed),
                *(f"    asentada {each}: la llevó allí una ejecución que no llegó a asentarlo" for each in carried),
                *(f"    dada por perdida {each}: {given['lost_reason']}" for each in lost),
                *_shortened([f"    {'se adoptaría' if self._task.check_mode else 'adoptada'} {each}: está entera; la bitácora la había perdido"
                             for each in adopted]),
                *_shortened([f"    no se adopta {each}: {why}" for each, why in unadopted.items()]),
                *_shortened([f"    sin asiento {each}: el medio la tiene, la bitácora no" for each in strays])]

    def _adopted(self, store: Store, shelf: _Shelf, medium: Mapping[str, Any], given: Mapping[str, Any], strays: Sequence[str],
                 task_vars: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
        """Of the copies without an entry those that a person's word takes into the bitácora, each with its entry; why the others are not."""
        found: dict[str, dict[str, Any]] = {}
        left: dict[str, str] = {}
        system: Mapping[str, Any] = next((each for each in plain(given["systems"]) if (each["kind"], each["name"]) == (shelf.kind, shelf.system)), {})
        reading = _Reading(self, system, given["custody"], task_vars)
        # the newest first: what restic's check says of its repository holds for the others too
        for each in sorted(strays, reverse=True) if given["adopt_reason"].strip() else ():
            left[each] = adopting.why_not(store, shelf.kind, shelf.system, each, shelf.there[each])
            if left[each]:
                continue
            try:
                found[each] = adopting.adopt(reading.read, system, medium, each, shelf.there[each], given["adopt_reason"], shelf.kind == "mailbox" or any(
                    copy.get("encrypted") for copy in (*shelf.known.values(), *shelf.elsewhere.values())), reading.repositories(each))
                del left[each]
            except BackupError as error:
                left[each] = error.spanish
        return dict(sorted(found.items())), dict(sorted(left.items()))

    def _carried(self, store: Store, shelf: _Shelf, medium: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Copies of other media that stand here too, with the digest that the bitácora has and never placed here: a transfer died before its entry.

        Each is read (T1). What does not read as that copy stays a stray.
        """
        found: dict[str, dict[str, Any]] = {}
        for each in sorted(set(shelf.elsewhere).intersection(shelf.there)):
            copy = shelf.elsewhere[each]
            told = sealed.is_told_on(store, shelf.kind, shelf.system, each, str(medium["name"]))
            if told or self._task.check_mode or copy.get("sha256") != shelf.there[each]:
                continue
            entry = self._found_again(copy, medium, "T1", task_vars)
            if entry.get("event") == "copy_found":
                found[each] = {**entry, "event": "copy_transferred", "reason_text": "La llevó una ejecución que no llegó a asentarlo; está entera y con la "
                               "misma huella"}
        return found

    def _found_again(self, copy: Mapping[str, Any], medium: Mapping[str, Any], level: str, task_vars: dict[str, Any]) -> dict[str, Any]:
        """A copy that was missed is there again with its list of files: its bytes are read, and it counts as before when they are the same."""
        try:
            read = self.module("backup_verify", {
                "label": copy["label"], "system": copy["system"], "kind": copy["kind"], "level": "T1", "sha256": copy["sha256"], "medium": medium,
                "record": {"reason": _REASON}}, task_vars)
        except BackupError as error:
            kept = {name: copy[name] for name in _KEPT if name in copy}
            return result.build(event="verification_failed", medium=str(medium["name"]), reason=_REASON, **kept, **result.failure(error))
        told = dict(read.get("backup", {}))
        if read.get("failed"):
            return told
        return {**told, **{name: copy[name] for name in _KEPT if name in copy}, "event": "copy_found", "trust_level": level,
                "reason_text": "Faltaba o difería; está otra vez en el medio, con la misma huella y los mismos bytes"}


def _not_in_order(code: str, shelf: _Shelf, medium: str, labels: Sequence[str]) -> dict[str, Any]:
    """The entry about several copies of a system that a person has to look at: one, which fails the run."""
    error = BackupError(code, count=len(labels), system=shelf.system, location=medium,
                        labels=", ".join(labels[:_MOST_NAMED]) + (" ..." if len(labels) > _MOST_NAMED else ""))
    return result.build(event="verification_failed", system=shelf.system, kind=shelf.kind, medium=medium, reason=_REASON, objects=len(labels),
                        **result.failure(error))


def _shortened(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _MOST_LINES else [*lines[:_MOST_LINES], f"    ... y {len(lines) - _MOST_LINES} más"]


def _checked(listed: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """The list of a medium: every row says of which shelf it is. Raises BackupError answer_unreadable."""
    if not listed.get("failed"):
        lacks = [name for name in ("shelves", "leftovers") if name not in listed]
        if lacks or any(not row.get("kind") or not row.get("system") for row in listed["copies"]):
            raise BackupError("answer_unreadable", server=str(task_vars.get("inventory_hostname") or ""), module="backup_info",
                              detail="it has no " + (lacks[0] if lacks else "kind and system of a copy"))
    return listed


def _answer(shown: str, lines: list[str], entries: list[dict[str, Any]], **rows: Any) -> dict[str, Any]:
    """The result; to people the same lines, of the server of that name."""
    if shown:
        _actions.show("\n".join([f"{shown}: {lines[0]}", *lines[1:]]))
    return {"changed": False, **rows, "summary": lines, **({"backup": entries} if entries else {})}


def _shelf(store: Store, shelf: str, system: Mapping[str, Any], medium: str, copies: Sequence[Mapping[str, Any]]) -> _Shelf:
    made = store.copies(system["kind"], system["name"])
    known = {copy["label"]: copy for copy in made if medium in copy["media"]}
    elsewhere = {copy["label"]: copy for copy in made if medium not in copy["media"]}
    there = {copy["label"]: copy.get("sha256", "") for copy in copies if f"{copy['kind']}/{copy['system']}" == shelf}
    return _Shelf(system["kind"], system["name"], known, elsewhere, there)


def _is_empty(found: Sequence[_Shelf], shelves: Sequence[str], medium: str) -> bool:
    """Copies are known to be good there, and not even a directory is left of any of their systems. Retention never removes these."""
    good = [shelf for shelf in found if any(copy["media"][medium] for copy in shelf.known.values())]
    return bool(good) and not any(f"{shelf.kind}/{label.canonical(shelf.system)}" in shelves for shelf in good)


def _level_before(store: Store, copy: Mapping[str, Any], medium: str) -> str:
    """The trust level a copy had on a medium before reconciliations missed it; empty when something else found it damaged too."""
    level, missed = "", False
    told = store.entries(label=copy["label"], type=(*OF_A_COPY, "copy_started"))
    for entry in store.of_label(copy["kind"], copy["system"], told):
        if entry.get("simulated") or medium not in entry.get("medium", "").split(", "):
            continue
        if entry["type"] in ("copy_made", "copy_verified", "copy_found"):
            level, missed = max(level, entry.get("trust_level", "")), False
        elif entry["type"] == "copy_damaged" and entry.get("reason") != _REASON:
            return ""
        elif entry["type"] == "copy_damaged":
            missed = True
    return level if missed else ""


def _foreign(store: Store, copies: Sequence[Mapping[str, Any]], shelves: Mapping[str, Any], task_vars: Mapping[str, Any],
             medium: str) -> tuple[list[str], list[dict[str, Any]], list[str]]:
    """Copies of systems that no host of the inventory declares: with their entry they are only told, without one they are strays."""
    others = names_of_other_hosts(task_vars)
    strays, entries, lines, counted = [], [], [], dict[str, int]()
    for copy in copies:
        shelf = f"{copy['kind']}/{copy['system']}"
        if shelf in shelves or policy.identity({"kind": copy["kind"], "name": copy["system"]}) in others:
            continue
        said = [entry for entry in store.entries(label=copy["label"], kind=copy["kind"], type=("copy_made", "stray_found"))
                if medium in entry.get("medium", "").split(", ") and not entry.get("simulated")]
        if any(entry["type"] == "copy_made" for entry in said):
            counted[shelf] = counted.get(shelf, 0) + 1
            continue
        strays.append(copy["label"])
        entries += [] if said else [_stray(copy["system"], copy["kind"], medium, copy["label"], "")]
        lines.append(f"    sin asiento {shelf}/{copy['label']}: de un sistema que no está en el inventario")
    lines = _shortened(lines)
    counts = [f"    fuera del inventario {shelf}: {number} copias con asiento" for shelf, number in sorted(counted.items())]
    return strays, entries[:_MOST_STRAYS], counts + lines


def _missing(copy: Mapping[str, Any], medium: str) -> dict[str, Any]:
    return _damaged(copy, medium, BackupError("copy_missing", label=copy["label"], location=medium))


def _differing(copy: Mapping[str, Any], medium: str, digest: str) -> dict[str, Any]:
    return _damaged(copy, medium, BackupError("bytes_differ", file=copy["label"] + "/SHA256SUMS", detail=f"its SHA-256 is {digest or 'not readable'}"))


def _damaged(copy: Mapping[str, Any], medium: str, error: BackupError) -> dict[str, Any]:
    """A copy that is not what the bitácora says: it does not count on that medium until it is found again or verified."""
    kept = {name: copy[name] for name in _KEPT if name in copy}
    return result.build(event="copy_damaged", medium=medium, verification_level="T1", reason=_REASON, **kept, **result.failure(error))


def _leaving(store: Store, shelf: _Shelf, medium: str, name: str) -> str:
    """The run that was to remove a copy from a medium by the policy, and died before the entry that it did; "" when there is none."""
    started = [entry for entry in store.entries(kind=shelf.kind, system=shelf.system, type="prune_started")
               if entry.get("medium") == medium and not entry.get("simulated")
               and any(line.startswith(name + ": ") for line in str(entry.get("reason_text") or "").split("; "))]
    if not started or not store.entries(run=str(started[-1].get("run")), type=RUN_ENDS):
        return ""
    # what was read there, or held, after that run stood there still: it was not that run that took it
    told = store.entries(label=name, kind=shelf.kind, system=shelf.system, type=(
        "copy_pruned", "prune_failed", "prune_deferred", "copy_transferred", "copy_verified", "copy_found", "copy_damaged", "restored"))
    later = any(entry["n"] > started[-1]["n"] and medium in entry.get("medium", "").split(", ") for entry in told)
    return "" if later else str(started[-1].get("run"))


def _removed(copy: Mapping[str, Any], medium: str, run: str) -> dict[str, Any]:
    kept = {name: copy[name] for name in _KEPT if name in copy}
    return result.build(event="copy_pruned", medium=medium, reason=_REASON, **kept, reason_text=(
        f"La retención la retiró en la ejecución {run}, que no llegó a asentarlo"))


def _given_up(copy: Mapping[str, Any], medium: str, reason: str) -> dict[str, Any]:
    kept = {name: copy[name] for name in _KEPT if name in copy}
    return result.build(event="copy_pruned", medium=medium, reason=_REASON, reason_text=f"Dada por perdida: {reason.strip()}", **kept)


def _stray(system: str, kind: str, medium: str, name: str, digest: str) -> dict[str, Any]:
    named = None
    with contextlib.suppress(BackupError):  # whoever put it there may have called it anything
        named = label.parse(name).printed
    return result.build(event="stray_found", label=name, printed_label=named, system=system, kind=kind, medium=medium, sha256=digest or None,
                        reason_text="Está en el medio y ningún asiento la nombra")
