# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules share: the options they have in common, and the one boundary where an error becomes a result."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import traceback
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple, cast

from ansible.module_utils.basic import AnsibleModule

from ._engine import copy, files, label, repositories, result, scope, snapshots
from ._engine.errors import BackupError
from ._engine.media import catalogue as media_catalogue
from ._engine.media.base import Found, Medium, Slot
from ._engine.result import KINDS
from ._engine.sources import catalogue
from ._engine.sources.base import Source
from ._engine.sources.restic import REPOSITORIES, Files
from ._engine.transforms import compress, encrypt
from ._engine.transforms.encrypt import Keys

_MEDIUM: Dict[str, Any] = dict(
    name=dict(type="str", required=True),
    type=dict(type="str", choices=["local", "azure_blob"], default="local"),
    path=dict(type="path", default=""),
    create=dict(type="bool", default=False),
    default=dict(type="bool", default=True),
    host=dict(type="str", default=""),
    port=dict(type="int", default=22),
    user=dict(type="str", default=""),
    identity_file=dict(type="path", default=""),
    ssh_key=dict(type="str", default="", no_log=True),
    known_hosts=dict(type="str", default=""),
    storage_account_name=dict(type="str", default=""),
    endpoint=dict(type="str", default=""),
    container=dict(type="str", default=""),
    prefix=dict(type="str", default=""),
    tier=dict(type="str", choices=["", "hot", "cool", "cold", "archive"], default=""),
    workers=dict(type="int", default=3),
    bandwidth=dict(type="int", default=0),
    proxy=dict(type="str", default="", no_log=True),
    ca_certs=dict(type="str", default=""),
    retry_seconds=dict(type="int", default=600),
    write_once_days=dict(type="int", default=0),
    lifecycle=dict(type="dict", default={}),
    auth=dict(type="dict", default={}, no_log=True),
    # what the controller adds for the server, never written by people
    session=dict(type="dict", default={}, no_log=True),
)

# What names a copy; every module that touches one has these.
COPY: Dict[str, Any] = dict(
    label=dict(type="str", required=True),
    system=dict(type="str", required=True),
    kind=dict(type="str", required=True, choices=list(KINDS)),
    record=dict(type="dict", default={}),
)

MEDIA: Dict[str, Any] = dict(media=dict(type="list", elements="dict", required=True, options=_MEDIUM))

MEDIUM: Dict[str, Any] = dict(medium=dict(type="dict", required=True, options=_MEDIUM))

# How a copy is sealed.
_SECRECY: Dict[str, Any] = dict(
    password=dict(type="str", default="", no_log=True),
    recipients=dict(type="list", elements="str", default=[]),
    key_reference=dict(type="str", default="", no_log=False),
    custody=dict(type="raw", default=""),
)
SEALING: Dict[str, Any] = dict(
    encryption=dict(type="dict", default={}, no_log=False, options=_SECRECY),
    minimum_size=dict(type="int", default=1),
    lock_timeout=dict(type="int", default=0),
    publish=dict(type="bool", default=True),
)

# How a copy is made.
MAKING: Dict[str, Any] = dict(
    SEALING,
    encryption=dict(type="dict", default={}, no_log=False, options=dict(
        _SECRECY,
        format=dict(type="str", choices=list(encrypt.FORMATS), default="gpg"),
        spool=dict(type="path", default=""),
    )),
    compression=dict(type="str", choices=compress.NAMES, default="zstd"),
    compression_level=dict(type="int"),
    compression_threads=dict(type="int", default=0),
)

# What opens an existing copy.
DECRYPTION: Dict[str, Any] = dict(
    decryption=dict(type="dict", default={}, no_log=False, options=dict(
        password=dict(type="str", default="", no_log=True),
        private_keys=dict(type="list", elements="str", default=[], no_log=True),
        key_reference=dict(type="str", default="", no_log=False),
        custody=dict(type="raw", default=""),
        custodians=dict(type="list", elements="str", default=[]),
    )),
)

# How an existing copy is opened.
OPENING: Dict[str, Any] = dict(DECRYPTION, sha256=dict(type="str", default=""), scratch=dict(type="path", default=""))

ASSIGNED: Dict[str, Any] = dict(assigned_paths=dict(type="list", elements="path", default=[]))

# How each source is reached and read; the same names as in the inventory's `source`.
DATABASE_SOURCE: Dict[str, Any] = dict(
    type=dict(type="str", required=True, choices=["postgresql", "mariadb", "sqlite", "command"]),
    databases=dict(type="raw"),
    host=dict(type="str", default=""),
    port=dict(type="int", default=0),
    user=dict(type="str", default=""),
    password=dict(type="str", default="", no_log=True),
    run_as=dict(type="str", default=""),
    socket=dict(type="path", default=""),
    bin_dir=dict(type="path", default=""),
    globals=dict(type="bool", default=True),
    path=dict(type="path", default=""),
    dump=dict(type="list", elements="str", default=[]),
    verify=dict(type="list", elements="str", default=[]),
    restore=dict(type="list", elements="str", default=[]),
    rehearse=dict(type="list", elements="str", default=[]),
    extension=dict(type="str", default="dump"),
)

GIT_SOURCE: Dict[str, Any] = dict(
    type=dict(type="str", choices=["git"], default="git"),
    path=dict(type="path", default=""),
    url=dict(type="str", default=""),
    identity_file=dict(type="path", default=""),
    ssh_key=dict(type="str", default="", no_log=True),
    known_hosts=dict(type="str", default=""),
    username=dict(type="str", default=""),
    password=dict(type="str", default="", no_log=True),
    lfs=dict(type="str", choices=["auto", "require", "skip"], default="auto"),
    work_dir=dict(type="path", default=""),
)

PATHS_SOURCE: Dict[str, Any] = dict(
    type=dict(type="str", choices=["paths"], default="paths"),
    paths=dict(type="list", elements="path", default=[]),
    exclude=dict(type="list", elements="str", default=[]),
)

FILES_SOURCE: Dict[str, Any] = dict(
    type=dict(type="str", choices=["restic"], default="restic"),
    paths=dict(type="list", elements="path", default=[]),
    exclude=dict(type="list", elements="str", default=[]),
    exclude_caches=dict(type="bool", default=False),
    one_file_system=dict(type="bool", default=False),
    repository=dict(type="str", choices=list(REPOSITORIES), default="system"),
    snapshot=dict(type="str", choices=list(snapshots.KINDS), default="none"),
    limit_upload=dict(type="int", default=0),
    limit_upload_working_hours=dict(type="int", default=0),
    read_concurrency=dict(type="int", default=0),
    changed_files=dict(type="str", choices=["warn", "fail"], default="warn"),
)


def any_source() -> Dict[str, Any]:
    """The options of every source at once, for the modules that open copies of all kinds."""
    merged: Dict[str, Any] = {}
    for options in (GIT_SOURCE, PATHS_SOURCE, FILES_SOURCE, DATABASE_SOURCE):
        merged.update(options)
    merged["type"] = dict(type="str", default="")
    return dict(type="dict", default={}, options=merged)


class Task:
    """The parameters of a module that touches one copy, in the engine's words."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params: Dict[str, Any] = module.params
        self.label = label.parse(self.params["label"])
        self.slot = Slot(self.params["kind"], self.label.system, self.label.name)
        self._medium: Optional[Medium] = None

    def media(self) -> List[Medium]:
        if not self.params["media"]:
            raise BackupError("invalid_input", where="media", value=[], problem="is empty",
                              mend="Name at least one medium of backup_media.")
        return [media_catalogue.build(options) for options in self.params["media"]]

    def medium(self) -> Medium:
        if self._medium is None:
            self._medium = media_catalogue.build(self.params["medium"])
        return self._medium

    def where(self) -> Dict[str, str]:
        """The medium that a task reads from, for the record: a copy may be damaged on one medium and whole on another."""
        if not self.params.get("medium"):
            return {}
        found = dict(medium=self.params["medium"]["name"])
        with contextlib.suppress(BackupError):
            found["location"] = self.medium().location(self.slot)
        return found

    def found_at(self, error: BackupError) -> Dict[str, Any]:
        """More of a fault: what could not be read; the level of verification that finds it, since one as thorough is needed to answer it."""
        if error.fault.name == "copy_partial":
            told = {name: error.details[name] for name in ("unread", "unread_count", "repository")}
            return dict(told, medium=self.params["media"][0]["name"], key_reference=self.params["encryption"]["key_reference"])
        level = _FOUND_AT.get(error.fault.name)
        return dict(verification_level=level) if level and "level" in self.params else {}

    def order(self) -> copy.Order:
        encryption = self.params["encryption"]
        keys = None
        if encryption["password"] or encryption["recipients"]:
            keys = Keys(encryption["password"], tuple(encryption["recipients"]))
        form = encryption.get("format", "gpg")
        if form == "7z":
            _one_password(keys or Keys(""))
        return copy.Order(
            slot=self.slot, printed_label=self.label.printed, compression=self.params.get("compression") or "none",
            level=self.params.get("compression_level"), threads=self.params.get("compression_threads") or 0, keys=keys,
            key_reference=encryption["key_reference"], encryption_format=form, spool=encryption.get("spool", ""),
            minimum_size=self.params["minimum_size"], previous_size=self.params["record"].get("previous_size") or 0, lock_timeout=self.params["lock_timeout"],
            known_on=tuple(map(str, self.params["record"].get("known_on") or ())))

    def keys(self) -> Keys:
        decryption = self.params["decryption"]
        return Keys(decryption["password"], private_keys=tuple(decryption["private_keys"]))

    def fields(self, event: Optional[str], **found: Any) -> Dict[str, Any]:
        """The backup structure of this task's copy: what was found, over what the caller wants recorded."""
        fields = result.clean(self.params["record"])
        fields.pop("event", None)
        fields.update(result.build(**found))
        fields.update(result.build(event=event, label=self.label.name, printed_label=self.label.printed,
                                   system=self.params["system"], kind=self.params["kind"]))
        return fields

    def source(self, manifest: Mapping[str, Any]) -> Source:
        """The source that made an existing copy, with the options the task gives for reaching its engine."""
        options = dict(self.params["source"] or {})
        options["type"] = options.get("type") or manifest["source"]["type"]
        if options["type"] != manifest["source"]["type"]:
            raise BackupError("invalid_input", where="source.type", value=options["type"],
                              problem="is not what made the copy ({0})".format(manifest["source"]["type"]),
                              mend="Leave it out.")
        options["database"] = self.params.get("part") or ""
        options["encrypted"] = manifest["encrypted"]
        options["selected"] = self.params.get("restore_paths") or []
        return catalogue.build(options["type"], options, self.params.get("assigned_paths") or [])

    def opened(self) -> copy.Copy:
        """The copy, to be entered; its bytes must be those the bitácora recorded when the task says which."""
        if self.params.get("partial"):
            return files.PartialCopy(self.slot, self.medium(), self.keys(), self.params["repository"] or self.slot.system)
        opened = copy_at(self.slot, self.medium(), self.keys(), self.params["sha256"], self.params["scratch"])
        if isinstance(opened, files.SnapshotCopy):
            opened.subsets = self.params.get("data_subsets") or ()
        return opened


def copy_at(slot: Slot, medium: Medium, keys: Optional[Keys] = None, expected: str = "", spool: str = "") -> copy.Copy:
    """A published copy, to be entered: of a file server its data is a snapshot in a repository."""
    kind = files.SnapshotCopy if slot.kind == repositories.KIND else copy.Copy
    return kind(slot, medium, keys, expected, spool)


def _one_password(keys: Keys) -> None:
    """What 7z can't do is refused and never left out in silence."""
    if keys.recipients:
        raise BackupError("invalid_input", where="encryption.recipients", value="({0} keys)".format(len(keys.recipients)),
                          problem="can't open a copy of format 7z, which knows no public keys",
                          mend="Leave them out, so that the password in custody is all that opens it, or use format gpg.")
    if not keys.password or not keys.password.isprintable():
        raise BackupError("invalid_input", where="encryption.password", value="(hidden)" if keys.password else "",
                          problem="is not one line of printable characters, which format 7z needs",
                          mend="Give such a password, or have one generated by encryption.custody.")


def run(module: AnsibleModule, work: Callable[[Task], Mapping[str, Any]], failure_event: Callable[[BackupError], str]) -> None:
    """Do the module's work and leave by exit_json or fail_json: the one place where an error becomes a result.

    A failed result carries `error` (code, message, hint) and the `backup` structure with `failure_event`, so that the
    failure is recorded.
    """
    signal.signal(signal.SIGTERM, _interrupted)
    task: Optional[Task] = None
    started = copy.now()
    try:
        task = Task(module)
        module.exit_json(**work(task))
    except BackupError as error:
        _fail(module, task, error, failure_event, started)
    except Exception as error:  # the boundary: what was not foreseen is told and recorded like the rest
        detail = "{0}: {1}".format(type(error).__name__, error)
        module.debug(traceback.format_exc())
        _fail(module, task, BackupError("unexpected", detail=detail), failure_event, started)


def _fail(module: AnsibleModule, task: Optional[Task], error: BackupError, failure_event: Callable[[BackupError], str],
          started: str) -> None:
    told: Dict[str, Any] = {}
    if task is not None:
        told["backup"] = task.fields(failure_event(error), started_at=started, ended_at=copy.now(), **task.where(),
                                     **task.found_at(error), **result.failure(error))
    module.fail_json(**dict(_told(error), **told))


def fail(module: AnsibleModule, error: BackupError) -> None:
    """Leave a module that no entry tells of."""
    module.fail_json(**_told(error))


def error_of(error: BackupError) -> Dict[str, Any]:
    """What a failed result says of an error, for modules that leave by themselves."""
    return _told(error)


def _told(error: BackupError) -> Dict[str, Any]:
    return dict(
        msg="{0}: {1}. {2}".format(error.code, error.message, error.hint),
        error=dict(code=error.code, name=error.fault.name, message=error.message, hint=error.hint,
                   message_es=error.spanish, remedy_es=error.remedy))


def _interrupted(_signal: int, _frame: Any) -> None:
    raise BackupError("interrupted", label="the copy")


def make_copy(module: AnsibleModule, build: Callable[[Task], Source]) -> None:
    """The work of every module that makes a copy. In check mode everything up to the first byte written is done."""

    def work(task: Task) -> Dict[str, Any]:
        source, media, order = build(task), task.media(), task.order()
        if module.check_mode:
            source.preflight()
            for medium in media:
                copy.check(order, medium)
            return dict(changed=True, backup=task.fields(
                "copy_simulated", source_type=source.type, source=source.describe(), started_at=copy.now(),
                medium=", ".join(medium.name for medium in media), compression=order.compression,
                location=", ".join(medium.location(order.slot) for medium in media), encrypted=order.keys is not None))
        made = copy.make(order, source, media)
        if task.params["publish"]:
            copy.publish(order.slot, made.digest, media)
        for warning in made.fields["warnings"]:
            module.warn(warning)
        # a sealed copy has no name yet, so it is no event: the bitácora learns of it when it is published
        event = "copy_made" if task.params["publish"] else None
        sealed = dict(sealed=made.notes) if made.notes and not task.params["publish"] else {}
        return dict(changed=True, published=task.params["publish"], backup=task.fields(event, **made.fields), **sealed)

    run(module, work, lambda error: "copy_refused" if error.fault.name in scope.REFUSALS else "copy_failed")


def make_files(module: AnsibleModule) -> None:
    """The work of backup_files: as make_copy, for a source whose data goes to a repository."""

    def work(task: Task) -> Dict[str, Any]:
        source = cast(Files, catalogue.build("restic", task.params["source"], task.params["assigned_paths"]))
        scope.demand(task.params["assigned_paths"], source.describe())
        media, base = task.media(), task.order()
        server = task.params["server"] or socket.gethostname()
        name = files.repository_name(source.options.repository, task.params["system"], server, str(task.params["record"].get("office") or ""))
        limit = (task.params["working_hours"] and source.options.limit_upload_working_hours) or source.options.limit_upload
        order = files.Order(base, server, name, base.keys.recipients if base.keys else (), limit)
        if module.check_mode:
            source.preflight()
            for medium in media:
                copy.check(base, medium)
                repositories.on(medium, name)
            return dict(changed=True, backup=task.fields(
                "copy_simulated", source_type=source.type, source=source.describe(), started_at=copy.now(), encrypted=True, repository=name,
                medium=", ".join(medium.name for medium in media), location=", ".join(medium.location(base.slot) for medium in media)))
        made = files.make(order, source, media)
        if task.params["publish"]:
            copy.publish(base.slot, made.digest, media)
        for warning in made.fields["warnings"]:
            module.warn(warning)
        event = "copy_made" if task.params["publish"] else None
        sealed = dict(sealed=made.notes) if made.notes and not task.params["publish"] else {}
        return dict(changed=True, published=task.params["publish"], backup=task.fields(event, **made.fields), **sealed)

    run(module, work, lambda error: "copy_refused" if error.fault.name in scope.REFUSALS else "copy_failed")


def _remarks(module: AnsibleModule, source: Source) -> Optional[List[str]]:
    """What the source remarked, told on the terminal too; None when it was nothing."""
    for remark in source.remarks():
        module.warn(remark)
    return source.remarks() or None


_FOUND_AT = {"bytes_differ": "T1", "manifest_unreadable": "T1", "copy_missing": "T1", "structure_unreadable": "T2", "restored_differs": "T3"}
_DAMAGED = tuple(_FOUND_AT)


def verify_copy(module: AnsibleModule) -> None:
    """Read a published copy again, to the trust level asked for. Reading changes nothing, so check mode reads too, but restores nothing."""

    def work(task: Task) -> Dict[str, Any]:
        started, clock = copy.now(), time.monotonic()
        level, checks, remarks = task.params["level"], ["sha256"], []
        with task.opened() as opened:
            source = task.source(opened.manifest)
            if level == "T1":
                opened.verify_bytes()
            else:
                checks = opened.verify_structure(source)
            if level >= "T3" and module.check_mode:
                level = "T2"
            elif level >= "T3":
                with copy.scratch(task.params["scratch"]) as scratch:
                    checks += source.rehearse(opened, scratch)
                    compared, remarks = _compared(source, opened, scratch) if level == "T4" else ([], [])
                level, checks = "T4" if compared else "T3", checks + compared
        fields = dict(
            source_type=source.type, source=opened.manifest["source"]["description"], started_at=started,
            medium=task.params["medium"]["name"], location=opened.medium.location(task.slot), sha256=opened.digest,
            size=opened.size)
        fields.update(ended_at=copy.now(), duration_ms=int((time.monotonic() - clock) * 1000), trust_level=level, checks=checks,
                      verification_level=level, warnings=(_remarks(module, source) or []) + remarks or None)
        return dict(changed=False, manifest=opened.manifest, backup=task.fields("copy_verified", **fields))

    run(module, work, lambda error: "copy_damaged" if error.fault.name in _DAMAGED else "verification_failed")


def _compared(source: Source, opened: copy.Copy, scratch: str) -> Tuple[List[str], List[str]]:
    """T4: the methods by which the copy was found equal to its source as it is now, none when it can't be told; and why not.

    A source that can't be read says nothing of the copy, which did come back. Raises source_differs.
    """
    try:
        return source.compare(opened, scratch), []
    except BackupError as error:
        if error.fault.name == "source_differs":
            raise
        return [], ["Not compared with the source: {0}".format(error.message)]


def restore_copy(module: AnsibleModule) -> None:
    """Bring a published copy back, its bytes verified before the target is touched."""

    def work(task: Task) -> Dict[str, Any]:
        started, clock = copy.now(), time.monotonic()
        with task.opened() as opened:
            source = task.source(opened.manifest)
            target = task.params["target"] or source.default_target(opened.manifest)
            _guard_target(task, opened.manifest, target)
            source.check_target(target, task.params["overwrite"], task.slot.label)
            opened.verify_bytes()
            opened.unlock()
            known = dict(
                source_type=source.type, source=opened.manifest["source"]["description"], started_at=started,
                medium=task.params["medium"]["name"], location=opened.medium.location(task.slot), sha256=opened.digest,
                size=opened.size, target=target)
            if module.check_mode:
                return dict(changed=True, backup=task.fields("restore_simulated", **known))
            restored = source.restore(opened, target, task.params["overwrite"])
        known.update(target=str(restored["target"]), objects=restored.get("objects"), ended_at=copy.now(),
                     duration_ms=int((time.monotonic() - clock) * 1000), warnings=_remarks(module, source))
        return dict(changed=True, restored=restored, backup=task.fields("restored", **known))

    run(module, work, lambda error: "restore_failed")


def _guard_target(task: Task, manifest: Mapping[str, Any], target: str) -> None:
    """What comes from a shared folder goes into an assigned path of the same office. Raises nothing_assigned, out_of_scope, other_office."""
    roots = manifest["source"]["facts"].get("real_paths") or []
    if manifest["kind"] != repositories.KIND or not roots:
        return
    scope.demand(task.params["assigned_paths"], target)
    asked = [path if path.startswith("/") else os.path.join(roots[0], path) for path in task.params["restore_paths"]]
    scope.refuse_other_office([os.path.normpath(path) for path in asked or roots], target, task.params["offices"])


def publish_copy(module: AnsibleModule) -> None:
    """Give a sealed copy its final name."""

    def work(task: Task) -> Dict[str, Any]:
        media, digest = task.media(), task.params["sha256"]
        there = [task.slot.label in medium.labels(task.slot.kind, task.slot.system) for medium in media] if module.check_mode else []
        if task.params["state"] == "sealed":
            if not module.check_mode:
                copy.withdraw(task.slot, media)
            return dict(changed=any(there) or not module.check_mode)
        if module.check_mode:
            return dict(changed=not all(there))
        changed = copy.publish(task.slot, digest, media, task.params["sealed"])
        return dict(changed=changed, backup=task.fields("copy_made", sha256=digest))

    run(module, work, lambda error: "copy_failed")


def transfer_copy(module: AnsibleModule) -> None:
    """Write a published copy onto another medium and seal it there."""

    def work(task: Task) -> Dict[str, Any]:
        started, clock = copy.now(), time.monotonic()
        source, target = media_catalogue.build(task.params["source"]), task.medium()
        known = dict(medium=target.name, location=target.location(task.slot), started_at=started)
        if module.check_mode:
            with copy_at(task.slot, source, None, task.params["sha256"]) as opened:
                target.check(task.slot, opened.size)
                if isinstance(opened, files.SnapshotCopy):
                    repositories.on(target, opened.manifest["restic"]["repository"])
            return dict(changed=True, backup=task.fields("transfer_simulated", sha256=opened.digest, size=opened.size, **known))
        if task.slot.kind == repositories.KIND:
            opened, note = files.carry(task.slot, source, target, task.keys(), task.params["sha256"], task.params["lock_timeout"])
        else:
            opened, note = copy.carry(task.slot, source, target, task.params["sha256"], task.params["lock_timeout"])
        told = task.fields(None, sha256=opened.digest, size=opened.size, ended_at=copy.now(), trust_level=task.params["trust_level"],
                           duration_ms=int((time.monotonic() - clock) * 1000), checks=["sha256_both_ends"], **known)
        return dict(changed=True, sealed={target.name: note} if note else {}, backup=told)

    run(module, work, lambda error: "transfer_failed")


def prune_copies(module: AnsibleModule) -> None:
    """Remove copies of a system from a medium, once those that must stay are proven there. Each removal is an event of its own."""

    def work(task: Task) -> Dict[str, Any]:
        medium, victims = task.medium(), task.params["victims"]
        if not medium.stocked(task.slot):
            raise BackupError("medium_empty", location=medium.location(task.slot).rpartition("/" + task.slot.shelf)[0])
        with medium.lock(task.slot, 0 if module.check_mode else task.params["lock_timeout"]):
            manifest = _prove_what_stays(task, medium)
            if module.check_mode:
                there = set(medium.labels(task.slot.kind, task.slot.system))
                told = [_pruned(task, medium, row, "prune_simulated") for row in victims if row["label"] in there]
                return dict(changed=bool(told), backup=told, diff=_labels_diff(there, told))
            told, gone, waiting = [], 0, []
            for row in victims:
                try:
                    gone += medium.remove(Slot(task.slot.kind, task.slot.system, label.parse(row["label"]).name), row["sha256"])
                except BackupError as error:
                    if error.fault.name == "blob_protected":
                        waiting.append((row, error))
                        continue
                    told.append(dict(_pruned(task, medium, row, "prune_failed"), **result.failure(error)))
                    return dict(changed=gone > 0, failed=True, backup=told, **_told(error))
                told.append(_pruned(task, medium, row, "copy_pruned"))
            if manifest is not None:
                try:
                    files.prune(task.slot, medium, manifest, task.params["decryption"]["password"], task.params["lock_timeout"])
                except BackupError as error:
                    told.append(dict(_pruned(task, medium, victims[-1], "prune_failed"), **result.failure(error)))
                    return dict(changed=gone > 0, failed=True, backup=told, **_told(error))
            return dict(changed=gone > 0, backup=told + _deferred(task, medium, waiting), deferred=[row["label"] for row, _error in waiting])

    run(module, work, lambda error: "prune_failed")


def _deferred(task: Task, medium: Medium, waiting: Sequence[Tuple[Mapping[str, Any], BackupError]]) -> List[Dict[str, Any]]:
    """One entry for all that the medium does not let go of yet (write-once, legal hold): told and tried again later, and no failure."""
    if not waiting:
        return []
    first, error = waiting[0]
    fields = _pruned(task, medium, first, "prune_deferred")
    labels = ", ".join(row["label"] for row, _error in waiting)
    fields.update(result.build(objects=len(waiting), reason_text="{0}: {1}. {2}".format(error.code, error.spanish, labels)[:3000]))
    return [fields]


def _prove_what_stays(task: Task, medium: Medium) -> Optional[Dict[str, Any]]:
    """The newest good copy is read whole, the others that must stay have their list of files. Raises last_good_unproven.

    Gives the manifest of the newest where the copies share a repository, which must then be told of the removals.
    """
    proven = task.slot
    manifest = None
    try:
        with copy_at(proven, medium, task.keys(), task.params["sha256"]) as opened:
            opened.verify_bytes()
            if isinstance(opened, files.SnapshotCopy):
                opened.verify_structure(None)
                manifest = opened.manifest
        for row in task.params["keep"]:
            proven = Slot(task.slot.kind, task.slot.system, label.parse(row["label"]).name)
            with copy_at(proven, medium, None, row["sha256"]) as kept:
                if isinstance(kept, files.SnapshotCopy):
                    kept.verify_bytes()
    except BackupError as error:
        if error.fault.name not in _DAMAGED:
            raise
        raise BackupError("last_good_unproven", label=proven.label, location=medium.location(proven), detail=error.message) from error
    return manifest


def _pruned(task: Task, medium: Medium, row: Mapping[str, Any], event: str) -> Dict[str, Any]:
    named = label.parse(row["label"])
    fields = task.fields(event, medium=medium.name, location=medium.location(Slot(task.slot.kind, task.slot.system, named.name)), ended_at=copy.now())
    fields.update(result.build(label=named.name, printed_label=named.printed, reason_text=row["reason"] or None, sha256=row["sha256"] or None))
    return fields


def _labels_diff(there: Set[str], told: Sequence[Mapping[str, Any]]) -> Dict[str, str]:
    after = there - {row["label"] for row in told}
    return dict(before="".join(name + "\n" for name in sorted(there)), after="".join(name + "\n" for name in sorted(after)))


def list_copies(module: AnsibleModule) -> None:
    """What lies on a medium of a system, or all that does."""
    try:
        medium = media_catalogue.build(module.params["medium"])
        if module.params["shelves"] is not None:
            module.exit_json(changed=False, **_surveyed(medium, set(module.params["shelves"])))
        kind, system = module.params["kind"], label.canonical(module.params["system"])
        listings: Dict[str, Dict[str, int]] = {}
        module.exit_json(changed=False, copies=[_listed(medium, Slot(kind, system, name), listings) for name in medium.labels(kind, system)])
    except BackupError as error:
        module.fail_json(**_told(error))


def _surveyed(medium: Medium, wanted: Set[str]) -> Dict[str, Any]:
    """All that lies on a medium; of the shelves `wanted` the copies are looked at too."""
    rows = medium.survey()
    copies = []
    listings: Dict[str, Dict[str, int]] = {}
    for row in rows:
        slot = Slot(row.kind, row.system, row.name)
        if row.name and not row.name.startswith("."):
            copies.append(dict(_listed(medium, slot, listings) if slot.shelf in wanted else dict(label=row.name), kind=row.kind, system=row.system))
            copies[-1].pop("manifest", None)
    left = [row for row in rows if row.name.startswith(".") and row.name.endswith((".partial", ".sealed", ".pruned")) and not _in_use(medium, row)]
    return dict(shelves=["{0}/{1}".format(row.kind, row.system) for row in rows if not row.name], copies=copies,
                leftovers=[dict(kind=row.kind, system=row.system, name=row.name, age=row.age) for row in left])


def _in_use(medium: Medium, row: Found) -> bool:
    """A run that lives holds the lock of its system."""
    try:
        with medium.lock(Slot(row.kind, row.system, ""), 0):
            return False
    except BackupError as error:
        if error.fault.name != "system_busy":
            raise
        return True


def _listed(medium: Medium, slot: Slot, listings: Dict[str, Dict[str, int]]) -> Dict[str, Any]:
    """A copy as it lies there; of one that has its data in a repository also whether that has it. `listings` keeps what repositories hold."""
    row: Dict[str, Any] = dict(label=slot.label, location=medium.location(slot))
    try:
        with copy_at(slot, medium) as opened:
            if isinstance(opened, files.SnapshotCopy):
                opened.stands(repositories.on(medium, opened.manifest["restic"]["repository"]), listings)
            row.update(sha256=opened.digest, manifest=opened.manifest)
    except BackupError as error:
        # A copy that can't be reached is not one that is damaged.
        if error.fault.name not in _DAMAGED:
            raise
        row.update(sha256="", error=error.message)
    return row


def tell_refs(module: AnsibleModule) -> None:
    """The digest of a git repository's refs as they are now."""
    try:
        source = catalogue.build("git", module.params["source"], module.params["assigned_paths"])
        module.exit_json(changed=False, digest=source.current_digest())
    except BackupError as error:
        module.fail_json(**_told(error))
