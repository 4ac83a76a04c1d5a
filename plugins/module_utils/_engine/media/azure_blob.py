# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Medium `azure_blob`: copies in a container of Azure Blob Storage.

A server stages blocks, by a signature that allows it to make new blobs of given names and nothing else. The controller commits
them, SHA256SUMS last: before that no copy is there, and what was staged is forgotten by the service within a week. A commit
never replaces a blob. Where a copy lies is as on every medium: <prefix>/<kind>/<SYSTEM>/<LABEL>/<file>.
"""

from __future__ import annotations

import base64
import calendar
import contextlib
import html
import json
import time
from types import MappingProxyType
from typing import Any, ContextManager, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import quote
from xml.etree import ElementTree

from ..errors import BackupError
from ..processes.channel import Channel
from . import sums_file
from .azure_blocks import Ranges, Staged, Upload, block_id, md5, put_block
from .azure_http import Credential, Credentials, Refused, Service, fault
from .azure_journal import Journal
from .azure_staged import WIDTH, staged_files
from .base import SUMS, Deposit, Following, Found, Medium, Reading, Slot, Writing, found_of, read_all

# What the service records at the commit.
_TYPE = "application/octet-stream"
_ARRIVAL = 15       # seconds that the first request may take, before any work
_PROBE = 99999      # the place of a block that only proves that blocks can be staged
_SAY_EVERY = 1.0


class Settings(NamedTuple):
    """How copies are stored. `stocked`, `expected` and `staged` are what the controller found before."""

    prefix: str = ""
    tier: str = ""
    workers: int = 3
    stocked: bool = True
    expected: int = 0
    staged: Mapping[str, Iterable[str]] = MappingProxyType({})     # file -> ids of its blocks that lie there
    journal: str = ""
    anew: bool = False      # the journal was found to tell of blocks that are lost
    repository: str = ""             # what restic signs with, for a kind whose data lies in a repository; only to read and list with `reads_only`
    reads_only: bool = False


class AzureBlob(Medium):
    """Copies as blobs. What it may do is what its credentials allow: a server can only deposit, or only read."""

    def __init__(self, name: str, service: Service, settings: Settings, channel: Optional[Channel] = None) -> None:
        self.name = name
        self.service = service
        self.settings = settings
        self.channel = channel or Channel("")
        self.sent = 0
        self.skipped = 0
        self.resent = 0
        self.troubles: List[str] = []
        self.said = 0.0
        service.moved = self.say

    def say(self) -> None:
        """Tell the controller how far it is, once a second at most."""
        now = time.monotonic()
        if now - self.said >= _SAY_EVERY:
            self.said = now
            self.channel.tell(medium=self.name, done=self.sent + self.skipped + self.service.in_flight, expected=self.settings.expected)

    def location(self, slot: Slot) -> str:
        return "{0}/{1}".format(self.service.location, self._directory(slot))

    def check(self, slot: Slot, expected: int) -> None:
        """Stage a block of nothing: name, certificate, clock, signature and container are all right, or it is told before any work."""
        digest = md5(b"respaldo").digest()
        put_block(self.service, self._blob(slot, SUMS), block_id(_PROBE, digest), digest, b"respaldo", 8, _ARRIVAL)
        self.settings = self.settings._replace(expected=self.settings.expected or expected)

    def lock(self, slot: Slot, timeout: int) -> ContextManager[None]:
        """Two runs of one label can't harm each other here: blocks are named by their content, and the second commit is refused."""
        return contextlib.nullcontext()

    def deposit(self, slot: Slot) -> Deposit:
        return _AzureDeposit(self, slot)

    def publish(self, slot: Slot, digest: str, note: str = "") -> bool:
        """Commit what was staged, the list of sums last."""
        files = staged_files(note, slot, digest, self.location(slot))
        fresh = False
        for name in sorted(files, key=lambda each: (each == SUMS, each)):
            fresh = self.commit(self._blob(slot, name), files[name], dict(label=slot.label, system=slot.system, kind=slot.kind)) or fresh
        return fresh

    def commit(self, blob: str, file: Mapping[str, Any], metadata: Mapping[str, str]) -> bool:
        """Make a blob of staged blocks. False when it was there already with the same bytes; label_taken when with others."""
        ids = [file["ids"][start:start + WIDTH] for start in range(0, len(file["ids"]), WIDTH)]
        body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{0}</BlockList>".format(
            "".join("<Uncommitted>{0}</Uncommitted>".format(html.escape(each)) for each in ids)).encode()
        headers = {"If-None-Match": "*", "x-ms-blob-content-type": _TYPE, "Content-MD5": base64.b64encode(md5(body).digest()).decode(),
                   "x-ms-meta-sha256": file["sha256"], "x-ms-meta-size": str(file["size"])}
        headers.update(("x-ms-meta-" + name, quote(value, safe=" ")) for name, value in metadata.items())
        if self.settings.tier:
            headers["x-ms-access-tier"] = self.settings.tier
        try:
            self.service.request("PUT", blob, "comp=blocklist", headers, body, len(body))
        except Refused as refused:
            if refused.code not in ("BlobAlreadyExists", "UnauthorizedBlobOverwrite", "BlobImmutableDueToPolicy", "ConditionNotMet", "InvalidBlockList"):
                raise fault(refused, "{0}/{1}".format(self.service.location, blob)) from refused
            # also when the first try did commit and only its answer was lost
            there = self.properties(blob)
            if there is None:
                raise fault(refused, "{0}/{1}".format(self.service.location, blob)) from refused
            if (there.get("x-ms-meta-sha256"), there.get("content-length")) != (file["sha256"], str(file["size"])):
                raise BackupError("label_taken", label=blob.rpartition("/")[2], location="{0}/{1}".format(self.service.location, blob)) from refused
            return False
        return True

    def withdraw(self, slot: Slot) -> None:
        self._delete(self._blob(slot, SUMS))

    def remove(self, slot: Slot, digest: str) -> bool:
        names = self.files(slot)
        self._demand_removable(slot, names)
        if SUMS not in names:
            for name in names:
                self._delete(self._blob(slot, name))
            return False
        if digest and self.digest(slot) != digest:
            raise BackupError("bytes_differ", file="{0}/{1}".format(self.location(slot), SUMS),
                              detail="it is not the copy of the bitácora, so it is not removed")
        for name in sorted(names, key=lambda each: (each != SUMS, each)):
            self._delete(self._blob(slot, name))
        return True

    def _demand_removable(self, slot: Slot, names: Iterable[str]) -> None:
        """All of a copy goes, or nothing of it: what is under a hold must stay the copy it was. Raises blob_protected."""
        for name in names:
            told = self.properties(self._blob(slot, name)) or {}
            why = ["it is leased"] if told.get("x-ms-lease-state") in ("leased", "breaking") else []
            why += ["it is under a legal hold"] if told.get("x-ms-legal-hold", "").lower() == "true" else []
            until = told.get("x-ms-immutability-policy-until-date", "")
            why += ["it is write-once until {0}".format(until)] if until and _age(until, least=-1.0) < 0 else []
            if why:
                raise BackupError("blob_protected", location="{0}/{1}".format(self.location(slot), name), detail=", ".join(why))

    def digest(self, slot: Slot) -> str:
        """The SHA-256 of the list of sums as it lies there."""
        return sums_file.file_of_bytes(SUMS, read_all(self.read(slot, SUMS))).sha256

    def labels(self, kind: str, system: str) -> List[str]:
        found = {name.rpartition("/")[0] for name, _size, _age in self.blobs("{0}/{1}/".format(kind, system)) if name.endswith("/" + SUMS)}
        return sorted(name.rpartition("/")[2] for name in found if name.count("/") == 2)

    def survey(self) -> List[Found]:
        shelves: Dict[str, float] = {}
        copies: Dict[str, float] = {}
        whole = set()
        for name, _size, age in self.blobs(""):
            parts = name.split("/")
            if len(parts) < 3:
                continue
            shelf = "/".join(parts[:2])
            shelves[shelf] = min(age, shelves.get(shelf, age))
            if len(parts) == 4:
                copy = "/".join(parts[:3])
                copies[copy] = min(age, copies.get(copy, age))
                whole.update([copy] if parts[3] == SUMS else [])
        rows = list(shelves.items())
        for path, age in copies.items():
            shelf, _slash, label = path.rpartition("/")
            rows.append((path if path in whole else "{0}/.{1}.partial".format(shelf, label), age))
        return [row for row in (found_of(path, age) for path, age in sorted(rows)) if row]

    def stocked(self, slot: Slot) -> bool:
        return self.settings.stocked

    def read(self, slot: Slot, file: str) -> Reading:
        blob = self._blob(slot, file)
        try:
            ranges = Ranges(self.service, blob, self.settings.workers)
        except Refused as refused:
            if refused.code == "BlobNotFound" or refused.answer.status == 404 and not refused.code.startswith("Container"):
                if file == SUMS:
                    raise BackupError("copy_missing", label=slot.label, location=self.location(slot).rpartition("/")[0]) from refused
                raise BackupError("bytes_differ", file="{0}/{1}".format(self.location(slot), file), detail="the file is missing") from refused
            raise fault(refused, "{0}/{1}".format(self.service.location, blob)) from refused

        def read(size: int) -> bytes:
            try:
                return ranges.read(size)
            except Refused as refused:
                if refused.answer.status == 412:
                    raise BackupError("bytes_differ", file="{0}/{1}".format(self.location(slot), file), detail="it changed while it was read") from refused
                raise fault(refused, "{0}/{1}".format(self.service.location, blob)) from refused

        return Reading(read, ranges.close)

    def free(self) -> Optional[int]:
        return None

    def files(self, slot: Slot) -> List[str]:
        """The names of the blobs that lie under a label, committed or not yet a copy."""
        directory = "{0}/{1}/".format(slot.shelf, slot.label)
        return [name[len(directory):] for name, _size, _age in self.blobs(directory)]

    def unfinished(self, slot: Slot) -> Dict[str, List[str]]:
        """The ids of the blocks that lie there of each file of a copy that was cut off."""
        directory = "{0}/{1}/".format(slot.shelf, slot.label)
        names = [name[len(directory):] for name, _size, _age in self.blobs(directory, "&include=uncommittedblobs")]
        return {name: self.staged_blocks(self._blob(slot, name)) for name in names}

    def blobs(self, below: str, more: str = "") -> Iterator[Tuple[str, int, float]]:
        """(name below the prefix, bytes, seconds since its last change) of all blobs whose name begins so."""
        for row in self.rows(below, more):
            yield row["name"], row["size"], _age(row["changed"])

    def rows(self, below: str, more: str = "") -> Iterator[Dict[str, Any]]:
        """What the service lists of all blobs whose name begins so; `more` is added to the query."""
        prefix, marker = self._prefix(), ""
        while True:
            query = "restype=container&comp=list&prefix={0}".format(quote(prefix + below, safe="")) + more
            query += "&marker=" + quote(marker, safe="") if marker else ""
            try:
                answer = self.service.request("GET", "", query)
            except Refused as refused:
                raise fault(refused, self.service.location) from refused
            listing = ElementTree.fromstring(answer.body.decode("utf-8-sig"))
            for row in listing.iter("Blob"):
                told = {each.tag: each.text or "" for each in row.find("Properties") or ()}
                yield dict(
                    name=(row.findtext("Name") or "")[len(prefix):], size=int(told.get("Content-Length") or 0), changed=told.get("Last-Modified", ""),
                    tier=told.get("AccessTier", ""), archive_status=told.get("ArchiveStatus", ""), etag=told.get("Etag", ""),
                    metadata={each.tag: each.text or "" for each in row.find("Metadata") or ()})
            marker = listing.findtext("NextMarker") or ""
            if not marker:
                return

    def properties(self, blob: str) -> Optional[Dict[str, str]]:
        """The headers that tell of a blob; None when there is none."""
        try:
            return self.service.request("HEAD", blob).headers
        except Refused as refused:
            if refused.answer.status == 404:
                return None
            raise fault(refused, "{0}/{1}".format(self.service.location, blob)) from refused

    def staged_blocks(self, blob: str) -> List[str]:
        """The ids of a blob's blocks that lie there and are not committed."""
        try:
            answer = self.service.request("GET", blob, "comp=blocklist&blocklisttype=uncommitted")
        except Refused as refused:
            if refused.answer.status == 404:
                return []
            raise fault(refused, "{0}/{1}".format(self.service.location, blob)) from refused
        return [row.text or "" for row in ElementTree.fromstring(answer.body.decode("utf-8-sig")).iter("Name")]

    def append(self, blob: str, data: bytes) -> None:
        """Add bytes to an append blob, made when it is not there. A write-once container takes them where it allows protected appends."""
        sent = {"Content-MD5": base64.b64encode(md5(data).digest()).decode()}
        made = {"x-ms-blob-type": "AppendBlob", "If-None-Match": "*", "x-ms-blob-content-type": "application/json"}
        try:
            if self.properties(blob) is None:
                self._make(blob, made)
            self.service.request("PUT", blob, "comp=appendblock", sent, data, len(data))
        except Refused as refused:
            raise fault(refused, "{0}/{1}".format(self.service.location, blob)) from refused

    def _make(self, blob: str, headers: Mapping[str, str]) -> None:
        try:
            self.service.request("PUT", blob, "", headers)
        except Refused as refused:
            if refused.code != "BlobAlreadyExists":     # another run was quicker
                raise

    def upload(self, blob: str, expected: int, known: Iterable[str], journal: Journal) -> Upload:
        """Begin to stage a file."""

        def told(identifier: str, size: int, sent: bool) -> None:
            if sent:
                journal.add(identifier)
                self.sent += size
            else:
                self.skipped += size
            self.say()

        return Upload(self.service, blob, expected, self.settings.workers, frozenset(known), told)

    def close(self) -> None:
        self.service.close()

    def _delete(self, blob: str) -> None:
        try:
            self.service.request("DELETE", blob, "", {"x-ms-delete-snapshots": "include"})
        except Refused as refused:
            if refused.answer.status != 404:
                raise fault(refused, "{0}/{1}".format(self.service.location, blob)) from refused

    def below(self, name: str) -> str:
        """The full name of a blob below the prefix."""
        return self._prefix() + name

    def _prefix(self) -> str:
        return self.settings.prefix.strip("/") + "/" if self.settings.prefix.strip("/") else ""

    def _directory(self, slot: Slot) -> str:
        return "{0}{1}/{2}".format(self._prefix(), slot.shelf, slot.label)

    def _blob(self, slot: Slot, file: str) -> str:
        return "{0}/{1}".format(self._directory(slot), file)


class _AzureDeposit(Deposit):
    attested = True

    def __init__(self, medium: AzureBlob, slot: Slot) -> None:
        self.medium = medium
        self.slot = slot
        self.uploads: Dict[str, Upload] = {}
        self.files: Dict[str, Staged] = {}
        self.journals: List[Journal] = []
        self.sums = b""

    def write(self, file: str) -> Writing:
        blob = self.medium._blob(self.slot, file)
        small = file == SUMS or file == sums_file.file_name(self.slot.label)
        settings = self.medium.settings
        journal = Journal("", "") if small else self.journal(file)
        self.journals.append(journal)
        known = journal.known() | set(settings.staged.get(file, ()))
        upload = self.medium.upload(blob, 0 if small else settings.expected, known, journal)
        self.uploads[file] = upload

        def write(chunk: bytes) -> None:
            if file == SUMS:
                self.sums += bytes(chunk)
            upload.write(chunk)

        def close() -> None:
            try:
                self.files[file] = upload.close()
            finally:
                journal.close()
                if journal.trouble and journal.trouble not in self.medium.troubles:
                    self.medium.troubles.append(journal.trouble)

        return Writing(write, close, upload.room)

    def journal(self, file: str) -> Journal:
        """What unfinished runs staged of a file, where no one can ask the service."""
        settings = self.medium.settings
        return Journal(settings.journal, "{0}/{1}".format(self.medium.service.location, self.medium._blob(self.slot, file)), settings.anew)

    def read(self, file: str) -> Reading:
        raise BackupError("unexpected", detail="a copy that is not committed can't be read from Azure")

    def follow(self, file: str) -> Optional[Following]:
        """From the memory that is sent; asked for before the first byte is written."""
        return self.uploads[file].follow()

    def seal(self) -> str:
        digests = sums_file.parse_sums(self.sums, self.slot.label, self.medium.location(self.slot))
        digests[SUMS] = sums_file.file_of_bytes(SUMS, self.sums).sha256
        files = {name: {"size": staged.size, "sha256": digests[name], "ids": "".join(staged.ids)} for name, staged in self.files.items()}
        return json.dumps({"sums": self.sums.decode("utf-8"), "files": files})

    def discard(self) -> None:
        self.medium.service.cancelled.set()


def by_channel(name: str, keys: Mapping[str, str], channel: Channel) -> Credentials:
    """Signatures that were given, by the blob's name ("*": for all); for other names, and when one ran out, the controller is asked."""
    held = dict(keys)

    def credential(blob: str, refused: Optional[Credential]) -> Credential:
        found = held.get(blob) or held.get("*", "")
        if not found or refused is not None and found == refused.query:
            fresh = channel.ask("sign", "{0}/{1}".format(name, blob), refused.query if refused else "")
            if fresh:
                held[blob] = found = fresh
        return Credential(found)

    return credential


def _age(changed: str, least: float = 0.0) -> float:
    try:
        return max(least, time.time() - calendar.timegm(time.strptime(changed, "%a, %d %b %Y %H:%M:%S GMT")))
    except ValueError:
        return 0.0
