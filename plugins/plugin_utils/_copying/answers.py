# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server answered to a module of ours: testimony about what it was asked, in its form, and nothing else.

Whoever is root on a server answers in the place of our module. So of an answer stay the few keys that the module has (its RETURN), each
in its form; facts, loops, hosts to add, delegation, words to Ansible itself go. The entry is the controller's: what it knew before it asked
(`known_of`), and from the server only what it alone can know (_engine/result.py says which). An answer that says something else, or has no
form at all, is an error of the catalogue like any other.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import time
import typing as t
from collections.abc import Callable, Mapping, Sequence

from ...module_utils._engine import label, remarks, result
from ...module_utils._engine.errors import CATALOGUE, BackupError
from ...module_utils._engine.media import catalogue as media_catalogue
from ...module_utils._engine.media.base import Slot
from ...module_utils._engine.moments import now
from ...module_utils._engine.restic import names, repositories
from .. import _forms as forms

_MOST_WARNINGS = 50
_LONGEST_WARNING = 2 * remarks.LONGEST + 50      # in both languages
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_DIGEST = re.compile(r"[0-9A-Fa-f]{4,128}\Z")
_INTERPRETER = re.compile(r"/[A-Za-z0-9._/+-]{1,200}\Z")
_CODES = {fault.code: fault for fault in CATALOGUE.values()}


class Module(t.NamedTuple):
    """What a module of ours may answer: its own keys with their forms, those that a good answer must have, and the events of an answer that is
    good, simulated or failed: "" for an entry that names none; of a failed one the first is the controller's word when the server gives no entry.
    """

    keys: Mapping[str, Callable[[t.Any], t.Any]] = {}
    needs: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    simulated: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    many: bool = False       # one entry for each thing that was asked for


_SHA = forms.matching(_SHA256)
_TEXT, _TEXTS, _COUNT = forms.text, forms.texts, forms.count
_LISTED = forms.rows(label=_TEXT, any_location=_TEXT, any_sha256=_SHA, any_manifest=forms.table, any_kind=_TEXT, any_system=_TEXT,
                     **dict.fromkeys(("any_error", "any_error_es", "any_code"), _TEXT))
_FILES = forms.rows(path=_TEXT, size=_COUNT, modified=forms.plain)
_REPORTS = forms.rows(
    name=_TEXT, path=_TEXT, office=_TEXT, **dict.fromkeys(("size", "files", "directories", "bin_size", "bin_files", "unreadable"), _COUNT),
    any_links=_COUNT, any_others=_COUNT, unwanted=forms.rows(kind=_TEXT, files=_COUNT, size=_COUNT, examples=_TEXTS), largest=_FILES, oldest=_FILES,
    mounted=_TEXTS, unreadable_examples=_TEXTS)
_FOLDERS = forms.rows(name=_TEXT, path=_TEXT, office=_TEXT, state=_TEXT, event=_TEXT, changes=_TEXTS, warnings=_TEXTS)
_LEFT = forms.rows(kind=_TEXT, system=_TEXT, name=_TEXT, age=_COUNT)
_HEALTH = forms.rows(copies=_COUNT, any_free=_COUNT, any_total=_COUNT)
_CHANGES = ("path_assigned", "path_changed", "path_withdrawn")

_MAKES = Module({"published": forms.flag, "sealed": forms.sealed}, (), ("",), ("copy_simulated",), ("copy_failed", "copy_refused"))

MODULES: dict[str, Module] = {
    **dict.fromkeys(("backup_database", "backup_git", "backup_archive", "backup_files", "backup_mailbox"), _MAKES),
    "backup_publish": Module({}, (), ("copy_made", ""), ("",), ("copy_failed",)),
    "backup_verify": Module({"manifest": forms.table}, (), ("copy_verified",), ("copy_verified",), ("verification_failed", "copy_damaged")),
    "backup_restore": Module({"restored": forms.table}, (), ("restored",), ("restore_simulated",), ("restore_failed",)),
    "backup_transfer": Module({"sealed": forms.sealed}, (), ("",), ("transfer_simulated",), ("transfer_failed",)),
    "backup_prune": Module({"deferred": _TEXTS, "diff": forms.difference}, (), ("copy_pruned", "prune_deferred"), ("prune_simulated",),
                           ("prune_failed", "copy_pruned"), True),
    "backup_info": Module({"copies": _LISTED, "health": _HEALTH, "shelves": _TEXTS, "leftovers": _LEFT}, ("copies",)),
    "backup_names": Module({"names": forms.packed, "count": _COUNT, "more": forms.flag}, ("names", "count", "more")),
    "backup_rekey": Module({**dict.fromkeys(("there", "opens", "former_opens"), forms.flag), **dict.fromkeys(("removed", "stays", "further"), _TEXTS)},
                           ("there", "opens")),
    **dict.fromkeys(("backup_archive_info", "backup_git_info"),
                    Module({"digest": forms.matching(_DIGEST), "digests": forms.of_each(forms.matching(_DIGEST))})),
    "azure_blob_upload": Module({"staged": forms.staged, "bytes_sent": _COUNT, "bytes_there": _COUNT}, ("staged",)),
    "azure_blob_download": Module({"dest": _TEXT, "size": _COUNT, "sha256": _SHA, "verified": forms.flag}),
    "shared_folder": Module({"folders": _FOLDERS, "unknown": _TEXTS, "diff": forms.difference}, ("folders",), _CHANGES, _CHANGES,
                            ("path_refused", *_CHANGES), True),
    "shared_folder_info": Module({"reports": _REPORTS}, ("reports",), ("folder_reported",), ("folder_reported",), ("path_refused", "folder_reported"), True),
}

# What an entry has only when the server came so far as to tell it; the words are the controller's all the same.
_WHEN_TOLD = ("location", "encrypted", "repository", "since", "source_type")

# What each of the modules that makes copies reads, when its task does not say.
_READS = {"backup_git": "git", "backup_archive": "paths", "backup_files": "restic", "backup_mailbox": "imap"}


# -- before it is asked -----------------------------------------------------------------------------------------------


class Asked(t.NamedTuple):
    """A question to a server, and what the controller knew when it asked."""

    module: str
    server: str
    arguments: Mapping[str, t.Any]
    known: Mapping[str, t.Any]
    simulated: bool
    begun: float
    key: str = ""                                      # of an answer about several things: the field that names each,
    rows: Mapping[str, Mapping[str, t.Any]] = {}       # and what the controller knew of it

    @property
    def may(self) -> Module:
        return MODULES[self.module]

    @property
    def about(self) -> str:
        """What the question was about, for messages."""
        return str(self.known.get("label") or self.known.get("system") or self.module)


def asking(module: str, server: str, arguments: Mapping[str, t.Any], simulated: bool) -> Asked:
    """A question of ours. Raises BackupError RSP101 for a label that is none."""
    known = known_of(module, arguments) if "label" in arguments else {}
    key, rows = _several(module, arguments, known)
    return Asked(module, server, arguments, known, simulated, time.monotonic(), key, rows)


def _several(module: str, arguments: Mapping[str, t.Any], known: Mapping[str, t.Any]) -> tuple[str, dict[str, dict[str, t.Any]]]:
    """What is known of each of several things that one question is about: the copies to remove, the folders of the offices."""
    if module == "backup_prune":
        rows = {known["label"]: {name: value for name, value in known.items() if name != "location"}}
        for victim in arguments.get("victims") or ():
            named = label.parse(victim["label"])
            told = {**known, "label": named.name, "printed_label": named.printed}
            told.pop("sha256", None)
            told.update({name: str(victim[key]) for name, key in (("reason_text", "reason"), ("sha256", "sha256")) if victim.get(key)})
            with contextlib.suppress(BackupError, KeyError, TypeError, ValueError):
                told["location"] = _location(arguments["medium"], Slot(known["kind"], named.system, named.name))
            rows[named.name] = told
        return "label", rows
    if module in ("shared_folder", "shared_folder_info"):
        numeral = "5.2" if module == "shared_folder" else "5.3"
        # a refusal of all folders together names none
        found: dict[str, dict[str, t.Any]] = {"": {"kind": repositories.KIND, "numeral": numeral}}
        for folder in arguments.get("folders") or ():
            told = {name: str(folder[name]) for name in ("office", "path", "responsible") if folder.get(name)}
            told.update({"document": str(folder["document"])} if folder.get("document") and module == "shared_folder" else {})
            found[str(folder["name"])] = {**found[""], **told, "system": str(folder["name"])}
        return "system", found
    return "", {}


def known_of(module: str, arguments: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What the controller knows of a copy before it asks the server about it: whose it is, where it lies, which key it has."""
    named = label.parse(arguments["label"])
    record = arguments.get("record")
    known = {name: value for name, value in result.clean(record if isinstance(record, Mapping) else {}).items() if name != "event"}
    known.update(label=named.name, printed_label=named.printed, system=str(arguments.get("system") or ""), kind=str(arguments.get("kind") or ""))
    slot = Slot(known["kind"], named.system, named.name)
    given = arguments.get("media") if "media" in arguments else [arguments.get("medium")]
    media = [medium for medium in given or () if isinstance(medium, Mapping)]
    if media:
        known["medium"] = ", ".join(str(medium.get("name") or "") for medium in media)
    with contextlib.suppress(BackupError, KeyError, TypeError, ValueError):
        known["location"] = ", ".join(_location(medium, slot) for medium in media)
    source = arguments.get("source") if module != "backup_transfer" else None
    reads = (source.get("type") if isinstance(source, Mapping) else "") or _READS.get(module)
    if reads:
        known["source_type"] = str(reads)
    encryption = arguments.get("encryption")
    if isinstance(encryption, Mapping) and MODULES[module] is _MAKES:
        known.update(encrypted=bool(encryption.get("password") or encryption.get("recipients")))
        known.pop("key_reference", None)
        if encryption.get("key_reference"):
            known["key_reference"] = str(encryption["key_reference"])
    if module == "backup_files":
        known["repository"] = repository_of(arguments)
    if module == "backup_mailbox" and arguments.get("earlier"):
        known["since"] = str(arguments["earlier"]["label"])
    if module == "backup_restore" and arguments.get("target"):
        known.setdefault("target", str(arguments["target"]))
    return known


def repository_of(arguments: Mapping[str, t.Any]) -> str:
    """The repository that a copy of a file server goes to, by the words of its task."""
    source, record = arguments.get("source") or {}, arguments.get("record") or {}
    return names.repository_name(str(source.get("repository") or "system"), str(arguments.get("system")), str(arguments.get("server") or ""),
                                 str(record.get("office") or ""))


def _location(medium: Mapping[str, t.Any], slot: Slot) -> str:
    """Where a copy stands on a medium, by the medium's own words: nothing is opened for it."""
    options = {name: value for name, value in medium.items() if name not in ("auth", "session")}
    return media_catalogue.build(options).location(slot)


# -- when it has answered ---------------------------------------------------------------------------------------------


def heard(asked: Asked, answer: t.Any) -> dict[str, t.Any]:
    """The result that an answer makes. Raises BackupError answer_unreadable, answer_foreign, testimony_refused, no_answer."""
    if not isinstance(answer, Mapping):
        raise _unreadable(asked, "it is no table")
    bad = answer.get("failed", False)
    if not isinstance(bad, bool):
        raise _unreadable(asked, "failed is neither true nor false")
    told: dict[str, t.Any] = {"changed": answer.get("changed") is True}
    if answer.get("warnings"):
        told["warnings"] = _warnings(answer["warnings"])
    if bad:
        told.update(failed=True, **_why(asked, answer))
    for name, form in asked.may.keys.items():
        if name in answer and answer[name] is not None:
            try:
                told[name] = form(answer[name])
            except forms.Odd as odd:
                raise _unreadable(asked, "{0} is not {1}".format(name, odd)) from odd
        elif name in _needed(asked) and not bad:
            raise _unreadable(asked, "it has no " + name)
    events = asked.may.failed if bad else asked.may.simulated if asked.simulated else asked.may.good
    if events:
        entries = _entries(asked, answer.get("backup"), events, told.get("error"))
        told.update({"backup": entries} if entries or asked.may.many else {})
    return told


def _needed(asked: Asked) -> tuple[str, ...]:
    """The keys that a good answer must have."""
    if asked.module in ("backup_archive_info", "backup_git_info"):
        return ("digests",) if asked.arguments.get("sources") is not None else ("digest",)
    return asked.may.needs


def interpreter_of(action: t.Any) -> dict[str, t.Any]:
    """What Ansible found out about the server's own Python before it asked, kept so that it is looked for once in a play."""
    key, path = getattr(action, "_discovered_interpreter_key", None), getattr(action, "_discovered_interpreter", None)
    if not key or not isinstance(path, str) or not _INTERPRETER.match(path):
        return {}
    return {"ansible_facts": {str(key): str(path)}}


def _warnings(found: t.Any) -> list[str]:
    rows = found if isinstance(found, (list, tuple)) else [found]
    # newer versions of Ansible make an object of each warning, whose event has the text
    texts = (row if isinstance(row, str) else getattr(getattr(row, "event", None), "msg", None) for row in rows[:_MOST_WARNINGS])
    return [forms.line(text, _LONGEST_WARNING) for text in texts if isinstance(text, str)]


def _why(asked: Asked, answer: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What a failed answer says went wrong: an error of the catalogue, in the server's words. Raises no_answer when it says none."""
    told = answer.get("error")
    error: Mapping[str, t.Any] = told if isinstance(told, Mapping) else {}
    fault = _CODES.get(str(error.get("code")))
    if fault is None:
        said = [answer.get(name) for name in ("msg", "module_stderr", "module_stdout")]
        detail = "; ".join(forms.line(" ".join(text.split()), 400) for text in said if isinstance(text, str) and text.strip())
        raise BackupError("no_answer", label=asked.about, detail=detail or "it failed without a word")
    words = {name: forms.line(error.get(name) or "", 2000) for name in ("message", "hint", "message_es", "remedy_es")}
    english = "{0}. {1}".format(words["message"], words["hint"])
    # in Spanish first, as BackupError.in_both: AWX and Semaphore show it to staff
    told_es = "{0}. {1} [{2}]".format(words["message_es"], words["remedy_es"], english) if words["message_es"] else english
    return {"msg": "{0}: {1}".format(fault.code, told_es), "error": {"code": fault.code, "name": fault.name, **words}}


def _entries(asked: Asked, found: t.Any, events: Sequence[str], error: Mapping[str, str] | None) -> t.Any:
    """The entry, or entries, of an answer: the controller's words and, of the server's, what only it can know."""
    if asked.may.many:
        # a module that failed before it did anything tells that in one entry
        several = _each(asked, [found] if error and isinstance(found, Mapping) else found, events)
        if error and not any(entry["event"] == events[0] for entry in several):
            several.append(_failure(asked, events[0], error))
        return several
    if found is None and error:
        return _failure(asked, events[0], error)
    if found is None and "" in events and asked.module == "backup_publish":
        return {}
    if not isinstance(found, Mapping):
        raise _unreadable(asked, "backup is not one entry")
    known = {name: value for name, value in asked.known.items() if name not in _WHEN_TOLD or name in found}
    if asked.may is _MAKES and events == asked.may.failed:
        known.pop("medium", None)
        if (error or {}).get("code") == CATALOGUE["copy_partial"].code:
            known["medium"] = str(asked.arguments["media"][0]["name"])     # where what could be read was kept aside
    entry = result.testimony(found, {**known, **timed(asked, found)}, events)
    _bound(asked, entry)
    return entry


def _failure(asked: Asked, event: str, error: Mapping[str, str]) -> dict[str, t.Any]:
    """What is recorded of a failure of which the server gave no entry."""
    known = {name: value for name, value in asked.known.items() if name not in _WHEN_TOLD}
    return result.clean({**known, "event": event, "error_code": error["code"], "error_message": error["message"],
                         "error_message_es": error["message_es"], "error_remedy_es": error["remedy_es"]})


def _each(asked: Asked, found: t.Any, events: Sequence[str]) -> list[dict[str, t.Any]]:
    """The entries of an answer about several things, each by what the controller knew of that one. Raises answer_foreign."""
    if found is None:
        return []
    if not isinstance(found, (list, tuple)) or any(not isinstance(row, Mapping) for row in found):
        raise _unreadable(asked, "backup is not a list of entries")
    kept: list[dict[str, t.Any]] = []
    seen: set[str] = set()
    for row in found:
        name = row.get(asked.key) or ""
        known = asked.rows.get(name) if isinstance(name, str) else None
        if known is None:
            raise foreign(asked, "{0} {1}, which was not asked for".format(asked.key, result.shown(name)))
        known = {**known, **timed(asked, row)}
        if row.get("event") == "prune_deferred":
            known = {name: value for name, value in known.items() if name != "sha256"}
            # why the medium does not let them go yet: only the server can tell
            known["reason_text"] = forms.line(row.get("reason_text") or "", 3000)
        entry = result.testimony(row, known, events)
        said = str(name) if entry["event"] != "prune_deferred" else entry["event"]
        if said in seen and entry["event"] != "prune_failed":
            raise foreign(asked, "{0} of {1}, of which it has spoken already".format(entry["event"], result.shown(name)))
        seen.add(said)
        kept.append(entry)
    return kept


def timed(asked: Asked, found: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """When it was asked and when it answered, by the controller's clock; how long it took within that, by the server's."""
    lasted = max(0, int((time.monotonic() - asked.begun) * 1000))
    here = datetime.datetime.now(datetime.timezone.utc)
    told: dict[str, t.Any] = {}
    if "started_at" in found:
        told["started_at"] = (here - datetime.timedelta(milliseconds=lasted)).strftime("%Y-%m-%dT%H:%M:%SZ")
    if "ended_at" in found:
        told["ended_at"] = now()
    if "duration_ms" in found:
        took = found["duration_ms"]
        told["duration_ms"] = min(took, lasted) if result.is_number(took) else lasted
    return told


def _bound(asked: Asked, entry: dict[str, t.Any]) -> None:
    """Nothing proves more than was asked for, and it proves it of the very copy that was asked for. Raises answer_foreign."""
    arguments = asked.arguments
    most = {"backup_verify": arguments.get("level") or "T2", "backup_transfer": arguments.get("trust_level") or "T1"}.get(asked.module, "T2")
    for name in ("trust_level", "verification_level"):
        if entry.get(name, "T0") > most:
            raise foreign(asked, "{0} {1}, and {2} was asked for".format(name, entry[name], most))
    wanted, good = str(arguments.get("sha256") or ""), not entry.get("event", "").endswith(("_failed", "_damaged", "_refused"))
    if wanted and good and entry.get("sha256", wanted) != wanted:
        raise foreign(asked, "the digest {0} of another copy".format(entry["sha256"]))
    if MODULES[asked.module] is _MAKES and entry.get("event", "") == "" and not (entry.get("sha256") and result.is_number(entry.get("size"))):
        raise _unreadable(asked, "it names neither digest nor size of the copy")
    if asked.module == "backup_transfer" and not entry.get("event") and not entry.get("sha256"):
        raise _unreadable(asked, "it names no digest of the copy")


def _unreadable(asked: Asked, detail: str) -> BackupError:
    return BackupError("answer_unreadable", server=asked.server, module=asked.module, detail=detail)


def foreign(asked: Asked, detail: str) -> BackupError:
    """The error of an answer about something else than what was asked."""
    return BackupError("answer_foreign", server=asked.server, module=asked.module, detail=detail)
