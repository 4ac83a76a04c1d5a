# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The `backup` structure: what every module says of a copy, and all that the bitácora takes from a result.

The one schema of it: each field has one strict form, and says who may tell it. `clean` keeps what has its form; `testimony` takes from
a server's answer only what a server may say of its own copy, and puts the controller's words over it. A whole result, task arguments or
extra variables never reach the bitácora, since they can hold secrets.
Times are UTC as `YYYY-MM-DDTHH:MM:SSZ`; sizes are bytes; durations milliseconds; there are no floating-point numbers.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Sequence

from . import errors, remarks, value_forms
from .errors import BackupError
from .value_forms import BAD, LARGEST, LONGEST_TEXT, length, seen

EVENTS = (
    "copy_started", "copy_sealed", "copy_made", "copy_withdrawn", "copy_simulated", "copy_failed", "copy_not_due", "copy_refused",
    "copy_verified", "copy_damaged", "verification_failed", "drill_started", "copy_found",
    "copy_transferred", "transfer_failed", "transfer_simulated",
    "prune_started", "copy_pruned", "prune_simulated", "prune_failed", "prune_deferred", "copy_held", "copy_released",
    "stray_found",
    "restore_started", "restored", "restore_simulated", "restore_failed",
    "warning_sent", "warning_failed",
    "excuse", "excuse_withdrawn", "evidence_made", "anchor_sent", "anchor_failed",
    "custody_checked", "custody_updated", "custody_failed",
    "repository_key_started", "repository_key_rotated", "repository_key_withdrawn", "repository_key_failed",
    "path_assigned", "path_changed", "path_withdrawn", "path_refused", "folder_reported",
    "designation_changed", "month_approved", "entry_redacted",
    "ticket_reserved", "request_opened", "request_endorsed", "request_estimated", "request_authorised", "request_rejected", "request_executed",
    "request_conformed", "request_objected", "request_closed", "request_withdrawn", "request_outside",
    "mail_taken", "mail_set_aside", "mail_filed",
    "letter_started", "request_told", "letter_failed",
    "desk_asked", "desk_bound", "desk_told", "desk_failed",
    "names_searched",
    "readiness_checked",
    "medium_checked", "medium_failed",
    "controller_recovered",
    "schedule_set", "schedule_removed", "schedule_failed", "schedule_missed", "schedule_late", "heartbeat_failed",
    "forge_listed", "forge_failed", "repository_found", "repository_renamed", "repository_gone",
)

KINDS = ("database", "source_code", "file_server", "mailbox")
# A copy of these exists for its request alone (6.4): it is kept until the day of that, and then the last one goes too.
KINDS_ON_REQUEST = ("mailbox",)

TRUST_LEVELS = ("T0", "T1", "T2", "T3", "T4", "T5")

# An honest entry has some 2,000 characters; one that lists 200 unread paths, 50,000. What is beyond is cut, and the entry says so.
_MOST_ROWS, _MOST_CHARACTERS = 1000, 120000
_OF_REMARKS = ("warnings", "warnings_es", "warning_keys")
_MOST_REMARKS, _MOST_REMARKED = 200, 60000     # rows that a server may send, and characters of the texts made of them
_MAY_BE_EMPTY = ("text", "name", "word")     # an empty text of another form says nothing, as one that is not there


class Field(NamedTuple):
    """One field: the form its value must have, the type it then is of, and whether a server may tell it of its own copy."""

    form: str
    type: type
    server: bool


def _controller(form: str, of: type = str) -> Field:
    return Field(form, of, False)


def _server(form: str, of: type = str) -> Field:
    return Field(form, of, True)


# Who may say a field: `_controller` what the controller knew before the server was asked; `_server` what only the server can know.
SCHEMA: Dict[str, Field] = {
    "event": _controller("event"),
    "label": _controller("label"),                  # SIGA_20261122 (6.7, file name); of stray_found the name that lies there
    "printed_label": _controller("printed_label"),  # SIGA_2026 11 22 (6.7, as the manual prints it)
    "system": _controller("name"),                  # as declared in the inventory
    "kind": _controller("kind"),                    # one of KINDS
    "source_type": _server("word"),                 # postgresql, mariadb, sqlite, git, paths, command ...
    "source": _server("text"),                      # what was copied, without secrets: database, URL without credentials, path
    "criticality": _controller("name"),             # alta, media, baja
    "office": _controller("name"),                  # órgano
    "responsible": _controller("name"),             # the EGCR, a person
    "numeral": _controller("name"),                 # of the manual, e.g. 7.2.1
    "reason": _controller("word"),                  # scheduled, update, emergency, request, drill, reconciliation, custody, adopted
    "reason_text": _controller("text"),
    "ticket": _controller("text"),
    "requester": _controller("text"),
    "started_at": _server("time"),
    "ended_at": _server("time"),
    "duration_ms": _server("number", int),
    "medium": _controller("name"),                  # name of the medium; several joined by ", "
    "location": _server("text"),                    # directory or URL of the copy; several joined by ", "
    "space_free": _server("number", int),           # of a medium, bytes: left of it, and the whole of it
    "space_total": _server("number", int),
    "parts": _server("parts", list),                # rows of {name, size, sha256}
    "size": _server("number", int),                 # bytes of all files of the copy
    "size_original": _server("number", int),        # bytes before compression and encryption
    "previous_label": _controller("label"),
    "previous_size": _controller("number", int),
    "compression": _server("word"),
    "encrypted": _server("flag", bool),
    "key_reference": _controller("name"),           # where custody keeps the password; never the password
    "key_id": _controller("name"),                  # which key it is, without telling anything of it
    "key_references": _controller("names", list),   # of several keys at once
    "former_key_reference": _controller("name"),    # of the password that another one takes the place of
    "former_key_id": _controller("name"),
    "keys_left": _controller("names", list),        # media where a key of the former password stays
    "custodians": _controller("names", list),       # names of those that hold the key
    "recipients": _server("names", list),           # fingerprints of the public keys
    "trust_level": _server("trust"),                # one of TRUST_LEVELS; T5 is the controller's, it is a person's word
    "required_trust": _controller("trust"),
    "verification_level": _server("trust"),         # that a verification was asked for, reached or not
    "checks": _server("names", list),               # what was verified, by which method
    "sha256": _server("digest"),                    # of the file SHA256SUMS, which lists every file of the copy
    "content_digest": _server("hexadecimal"),       # identity of the content where the source has one (git refs)
    "adopted_run": _controller("name"),             # the run that made the copy and died before its entry; the entry's own run adopted it
    "tool_job": _controller("name"),                # id of the job of the tool that made the copy (7.2.3 b)
    "tool_copy": _controller("name"),               # id of the copy in that tool: a recovery point
    "objects": _server("number", int),              # how many things the copy holds: tables, refs, files
    "lacks": _server("number", int),                # how many things of its source a copy lacks that is partial on purpose: it never counts as a good one
    "not_back": _server("number", int),             # of a restore: how many things of the copy are not back as they are in it; the others are
    "files_new": _server("number", int),            # of an incremental copy, against the one before
    "files_changed": _server("number", int),
    "files_unmodified": _server("number", int),
    "data_added": _server("number", int),           # bytes of new content, before compression
    "since": _controller("label"),                  # the earlier copy of a mailbox whose mails did not travel again
    "travelled": _server("number", int),            # bytes that the server of a mailbox sent to what brings it; the comparison is not counted
    "travelled_objects": _server("number", int),    # mails of a copy that are not those of the earlier one
    "not_read_again": _server("number", int),       # mails of a copy whose bytes are the earlier one's, and were not asked for again
    "repository_sizes": _server("numbers", list),   # bytes of all files of the repository, on each of the media of `medium`, once this was done
    "unread": _server("rows", list),                # paths that could not be read, the first of them
    "unread_count": _server("number", int),
    "repository": _controller("name"),              # name of the restic repository that holds the data
    "forge": _controller("name"),                   # name of the forge that a repository of source code lies on
    "forge_id": _controller("name"),                # its identity there, which stays when its name changes
    "forge_path": _controller("name"),              # its name there, with what it lies below
    "target": _server("text"),                      # of a restore; the controller's where the task gives one
    "path": _controller("text"),                    # an assigned path (5.2)
    "document": _controller("text"),                # by which a path was assigned
    "post": _controller("name"),                    # what a designation is for: egcr.database.titular, responsible (of a system)
    "month": _controller("name"),                   # 2026-10, in the policy's zone
    "retention": _controller("text"),               # the policy's rule for the copy when it was made, in Spanish words
    "retention_until": _controller("date"),         # in the policy's zone: the day until which that rule keeps it for certain, by its age
    "hooks": _server("rows", list),                 # commands before and after the copy: how each ended and how long it took, Spanish
    "warnings": _server("rows", list),              # English; a server sends key and parameters of each (remarks.py)
    "warnings_es": _controller("rows", list),       # the same in Spanish
    "warning_keys": _controller("names", list),     # keys of those that ask something of a person
    "warning": _controller("name"),                 # which condition people were warned of: overdue:database:SIGA
    "warning_state": _controller("word"),           # new, worsened, solved
    "anchor": _controller("text"),                  # where a seal of the bitácora was taken to
    "sealed_n": _controller("number", int),         # the entry of the seal
    "warning_level": _controller("number", int),    # how bad it is; a higher one is told again
    "excused_from": _controller("date"),            # in the policy's zone: due days without a copy that are excused, both ends included
    "excused_until": _controller("date"),
    "redacts": _controller("number", int),          # n of the entry whose text is not shown any more
    "redacted_fields": _controller("names", list),
    "withdraws": _controller("number", int),        # n of the excuse that is withdrawn
    "request": _controller("word"),                 # what is asked for (7.1): restore, mailbox, emergency
    "person": _controller("name"),                  # who takes a step of a request, in the capacity that `post` says
    "proof": _controller("word"),                   # by which a step is known: mail, document, helpdesk, word
    "proof_reference": _controller("text"),         # its Message-ID, number or date
    "desk": _controller("name"),                    # the help desk where a request has another number, and that number
    "desk_number": _controller("name"),
    "wanted": _controller("rows", list),            # files and folders that a request asks for
    "lost_at": _controller("time"),                 # when information was lost, when that was seen, and when it was last changed (5.3 c)
    "discovered_at": _controller("time"),
    "changed_at": _controller("time"),
    "promised_for": _controller("time"),            # until when a request will be attended to, by its estimate (5.1 e)
    "mail_sha256": _controller("digest"),           # of a mail as the mailbox has it; of one too large to be read, of its header
    "mail_folder": _controller("name"),             # of the mailbox, where it goes
    "mail_from": _controller("name"),               # the address that it says it is from, believed or not: mail_outcome tells
    "mail_outcome": _controller("word"),            # what it led to: a step of a request, or why to none (_mail/deciding.py)
    "mail_attached": _controller("rows", list),     # its files: name, size, digest; who signed them as they tell, not validated
    "links": _controller("number", int),            # n of the entry that says what was done for a request; of a letter, of the step that it tells
    "letter": _controller("word"),                  # which letter about a request: acknowledgement, estimate, conformity ...
    "reminder": _controller("number", int),         # its number among the reminders of one thing
    "addressee": _controller("name"),               # whom it is for, a person, in the capacity that `post` says; and where it went
    "address": _controller("text"),                 # where a request came from by mail, or where a letter went
    "message_id": _controller("text"),
    "purpose": _controller("name"),                 # what is scheduled: copies, transfer
    "schedule": _controller("text"),                # when, as _schedules/when.py writes and reads it
    "scheduler": _controller("word"),               # who starts it: systemd, awx, semaphore, cron
    "note_es": _server("text"),                     # Spanish
    "error_code": _server("code"),
    "error_message": _server("text"),               # English
    "error_message_es": _server("text"),            # Spanish
    "error_remedy_es": _server("text"),
    "refused_fields": _server("fields", list),      # what had not its form, or was not the server's to say; `clean` and `testimony` add it
}

FIELDS: Dict[str, type] = {name: field.type for name, field in SCHEMA.items()}

_FORMS: Dict[str, Callable[[Any], Any]] = {
    "event": value_forms.one_of(EVENTS), "kind": value_forms.one_of(KINDS), "trust": value_forms.one_of(TRUST_LEVELS),
    "code": value_forms.one_of(fault.code for fault in errors.CATALOGUE.values()), **value_forms.FORMS,
}
_LISTS: Dict[str, Callable[[Any], Any]] = {"fields": value_forms.one_of(SCHEMA), **value_forms.LISTS}


def build(**fields: Any) -> Dict[str, Any]:
    """A `backup` structure from its fields; None is left out.

    Raises KeyError or TypeError on a field the structure does not know: that is a mistake of the caller's code.
    """
    for name, value in fields.items():
        if value is not None and not isinstance(value, FIELDS[name]):
            raise TypeError("backup.{0} must be {1}, not {2!r}".format(name, FIELDS[name].__name__, value))
    return {name: value for name, value in fields.items() if value is not None}


def failure(error: BackupError) -> Dict[str, Any]:
    """The fields that tell an error."""
    return build(error_code=error.code, error_message=error.message, error_message_es=error.spanish,
                 error_remedy_es=error.remedy)


def clean(found: Any) -> Dict[str, Any]:
    """What of a `backup` structure is known and has its form. Never raises, whatever it is given, and does nothing twice.

    A text keeps its words: each character that is not seen (control, escape, change of direction) becomes a space and a lone surrogate
    a question mark, and it ends after 4,000 characters. A name, label, number, time, digest or level of another form is dropped whole.
    A list ends after 1,000 rows, and an entry after 120,000 characters. What was dropped or ended early, texts apart, stands in
    `refused_fields`, and `note_es` says it in Spanish. Keys that the structure does not know are left out without a word.
    """
    if not isinstance(found, Mapping):
        return {}
    kept: Dict[str, Any] = {}
    refused: List[str] = []
    room = _MOST_CHARACTERS
    for name, field in SCHEMA.items():
        value: Any = found.get(name)
        if value is None or (isinstance(value, str) and not value and field.form not in _MAY_BE_EMPTY):
            continue
        whole, value = _of_form(_form_here(found, name, field), value, room)
        if value is BAD:
            refused.append(name)
            continue
        if not whole:
            refused.append(name)
        room -= length(value)
        kept[name] = value
    return _telling(kept, refused) if refused else kept


def testimony(found: Any, known: Mapping[str, Any], events: Sequence[str]) -> Dict[str, Any]:
    """What a server's structure adds to the controller's words: the entry that may be recorded.

    `known` is what the controller knew before it asked (label, system, kind, medium, office, key_reference ...): it stands as it is,
    whatever the server says. Of the server stays what only it can know (SCHEMA says which), and its event, which must be one of `events`;
    "" among them allows that it names none. A field that is the controller's and that the server tells otherwise is left out, and stands
    in `refused_fields`. `known["event"]`, where it is given, is the event, and the server's is not looked at.

    Its warnings are keys and parameters of the catalogue of remarks, of which the texts are made here; what is none of these is dropped and told.

    Raises BackupError RSP722 when the event is none of `events`, and nothing else, whatever the server sent.
    """
    remarked, refused = _remarked(found)
    told, words = clean({**found, **dict.fromkeys(_OF_REMARKS), **remarked} if isinstance(found, Mapping) else found), clean(known)
    event = words.get("event") or told.get("event", "")
    if event not in events:
        said = found.get("event") if isinstance(found, Mapping) else None
        raise BackupError("testimony_refused", event=shown(said), allowed=", ".join(name for name in events if name) or "none")
    kept: Dict[str, Any] = {}
    for name, value in told.items():
        if name in remarked and name not in words:
            kept[name] = value
        elif name in words or name == "event":
            if name != "event" and words[name] != value and not SCHEMA[name].server:
                refused.append(name)
        elif not SCHEMA[name].server or (name == "trust_level" and value == TRUST_LEVELS[-1]):
            refused.append(name)
        else:
            kept[name] = value
    # `refused_fields` of both sides are kept: what was dropped from either is told
    refused += [name for side in (told, words) for name in side.get("refused_fields", ())]
    kept.pop("refused_fields", None)
    merged = {**kept, **words}
    merged.pop("refused_fields", None)
    merged.pop("event", None)
    if event:
        merged["event"] = event
    merged = {name: merged[name] for name in SCHEMA if name in merged}
    return _telling(merged, refused) if refused else merged


def _remarked(found: Any) -> Any:
    """The fields that the remarks of a server's structure make, and the names of the fields that were refused: unknown keys, other parameters, texts."""
    if not isinstance(found, Mapping):
        return {}, []
    refused = [name for name in _OF_REMARKS if name != "warnings" and found.get(name) is not None]
    sent = found.get("warnings")
    if sent is None:
        return {}, refused
    if not isinstance(sent, (list, tuple)):
        return {}, ["warnings", *refused]
    rows = [remarks.of_table(each) for each in sent[:_MOST_REMARKS]]
    known = [row for row in rows if row is not None]
    room, fitting = _MOST_REMARKED, []
    for row in known:
        room -= len(row) + len(row.spanish)
        if room > 0:
            fitting.append(row)
    return {"warnings": [], **remarks.fields(fitting)}, (["warnings"] if len(fitting) != len(sent) else []) + refused


def rows_of(found: Any, most: int) -> List[Mapping[str, Any]]:
    """The structures of an answer that may hold one or a list of them: at most `most`, and only what is a table. Never raises."""
    rows = found if isinstance(found, (list, tuple)) else [found]
    return [row for row in rows[:most] if isinstance(row, Mapping)]


def shown(value: Any, longest: int = 80) -> str:
    """Any value as a short text that is safe on a terminal, for messages. Never raises."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return repr(seen(value[:longest]))
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) <= LARGEST):
        return repr(value)
    return "a value of type {0}".format(type(value).__name__)


def formed(form: str, value: Any) -> Any:
    """Whether a value has a form of SCHEMA, whole, and the value in it: texts lose what is not seen. For readers of what was recorded before."""
    whole, taken = _of_form(form, value, _MOST_CHARACTERS)
    # a list that only ends early is one
    return (whole or form in _LISTS) and taken is not BAD, taken


def is_time(value: Any) -> bool:
    """Whether a value is a time of the bitácora: a second that exists, of the years 2000 to 2099."""
    return value_forms.time(value) is not BAD


def is_label(value: Any) -> bool:
    """Whether a value is a label as file names have it (6.7)."""
    return value_forms.label(value) is not BAD


def is_number(value: Any) -> bool:
    """Whether a value is a number from 0 to 2^63-1."""
    return value_forms.number(value) is not BAD


def _form_here(found: Mapping[str, Any], name: str, field: Field) -> str:
    """The form of a field; whoever put a stray directory there may have called it anything."""
    return "text" if name in ("label", "printed_label") and found.get("event") == "stray_found" else field.form


def _of_form(form: str, value: Any, room: int) -> Any:
    """Whether a value was taken whole, and the value in its form or BAD; lists and texts end where `room` characters end."""
    if form in _LISTS:
        return _list(_LISTS[form], value, room)
    taken = _FORMS[form](value)
    if isinstance(taken, str) and len(taken) > room:
        return False, BAD
    return True, taken


def _list(row_of: Callable[[Any], Any], value: Any, room: int) -> Any:
    if not isinstance(value, (list, tuple)):
        return False, BAD
    kept: List[Any] = []
    for row in value[:_MOST_ROWS]:
        taken = row_of(row)
        if taken is BAD:
            continue
        room -= length(taken)
        if room < 0:
            break
        kept.append(taken)
    return len(kept) == len(value), kept


def _telling(kept: Dict[str, Any], refused: Iterable[str]) -> Dict[str, Any]:
    """The entry, and in it the names of the fields that it lacks."""
    names = set(refused).union(kept.get("refused_fields", ()))
    listed = [name for name in SCHEMA if name in names]
    told = "Se descartó del servidor lo que no le corresponde decir o no tiene su forma: {0}".format(", ".join(listed))
    before = str(kept.get("note_es", "")).partition("Se descartó del servidor lo que")[0].rstrip("; ")
    note = "{0}; {1}".format(before[:LONGEST_TEXT - len(told) - 2], told) if before else told
    return {**kept, "note_es": note, "refused_fields": listed}
