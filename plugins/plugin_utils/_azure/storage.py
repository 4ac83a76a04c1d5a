# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A medium of type azure_blob as the controller sees it: it holds the identity, signs for servers, and commits what they staged."""

from __future__ import annotations

import re
import time
import typing as t
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.filesystem import scope
from ...module_utils._engine.media import sums_file
from ...module_utils._engine.media.azure_blob import AzureBlob
from ...module_utils._engine.media.azure_http import Credential, Refused, fault
from ...module_utils._engine.media.azure_staged import staged_file
from ...module_utils._engine.media.base import SUMS, Slot
from ...module_utils._engine.media.catalogue import azure
from ...module_utils._engine.processes import programs
from . import sas
from .identity import STORAGES

_SCOPE = "https://storage.azure.com/.default"
_MINUTES = 60
# A copy of a file server may take a night, and asks for another signature when it takes longer; what is only read, as by a restore, can't go on.
_REPOSITORY_SECONDS = 12 * 3600
_READING_SECONDS = 72 * 3600
# The identity's own work on the container: everything that `deposit` and `read` signatures may not.
_OWN = "rcwdlt"
# Where a server notes the blocks it sent, when the given signature lets nobody ask.
_JOURNALS = "/var/lib/respaldo/blocks"
_MOST_FILES = 10000    # of one upload
# Of the auth options these are ours; the others are the identity's.
_OURS = ("account_key", "sas_token", "sas_minutes", "deposit_permissions")


# Of a query, as RFC 3986 has it: what else stands there would break the request, and an error of the client would quote it.
_QUERY = re.compile(r"[A-Za-z0-9%&=._~:+/,;!*'()$@-]+")


def signature(given: Any, where: str) -> str:
    """A SAS as requests carry it: a blank or a newline around it, as a block of YAML leaves, and the ? of an address are taken off. Raises invalid_input."""
    text = str(given).strip().lstrip("?")
    if not _QUERY.fullmatch(text) or not parse_qs(text).get("sig"):
        raise BackupError("invalid_input", where=where, value="(hidden)", problem="is not a SAS: a query with sig= in it, on one line, without blanks",
                          mend="Copy it anew from the portal, whole and in quotes, without the address in front of it.")
    return text


class Account:
    """One medium, with the controller's credentials."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.auth = dict(options.get("auth") or {})
        if self.auth.get("sas_token"):
            self.auth["sas_token"] = signature(self.auth["sas_token"], "backup_media.{0}.auth.sas_token".format(options.get("name")))
        self.options = {name: value for name, value in options.items() if name not in ("auth", "session")}
        for name in ("ca_certs", "proxy"):    # the login service is reached as the container is, unless it is told otherwise
            if str(options.get(name) or "").startswith(("/", "http")):
                self.auth.setdefault(name, options[name])
        # a path is of the controller: servers get the text
        self.options["ca_certs"] = programs.lines_of(str(options.get("ca_certs") or ""), "medium.ca_certs")
        self.name = str(options.get("name") or "")
        self.account = str(options.get("storage_account_name") or "")
        cloud = str(self.auth.get("cloud_environment") or "AzureCloud")
        if self.account and not self.options.get("endpoint") and cloud in STORAGES:
            self.options["endpoint"] = f"https://{self.account}.blob.{STORAGES[cloud]}"
        self.seconds = int(self.auth.get("sas_minutes") or _MINUTES) * 60
        self.key: sas.DelegationKey | str = str(self.auth.get("account_key") or "")
        self.key_until = float("inf") if self.key else 0.0
        self.medium: AzureBlob = azure(self.options, self._credential)
        if not self.account:
            raise BackupError("invalid_input", where=f"backup_media.{self.name}.storage_account_name", value="", problem="is missing",
                              mend="Name the storage account.")

    def close(self) -> None:
        self.medium.close()

    def for_repository(self, reads_only: bool) -> dict[str, Any]:
        """What a server gets for a restic repository: a signature for the container, since the service has none for a prefix, to read and list, or to
        read, list, write and remove (restic removes its locks).
        """
        seconds = max(self.seconds, _READING_SECONDS if reads_only else _REPOSITORY_SECONDS)
        return {"repository": self.sign("", "rl" if reads_only else "rcwdl", seconds), "reads_only": reads_only}

    def sign(self, blob: str, permissions: str, seconds: int = 0) -> str:
        """A signature for one blob ("": the container). Raises BackupError."""
        seconds = seconds or self.seconds
        given = self.auth.get("sas_token")
        if given:
            return str(given)
        if time.time() + seconds > self.key_until:
            self.key = sas.delegation_key(self.medium.service, 2 * seconds)
            self.key_until = time.time() + 2 * seconds
        return sas.sign(self.key, self.account, self.options["container"], blob, permissions, seconds)

    def directory(self, slot: Slot) -> str:
        """The copy's path inside the container."""
        return self.medium.location(slot)[len(self.medium.service.location) + 1:]

    @property
    def deposit(self) -> str:
        return str(self.auth.get("deposit_permissions") or sas.DEPOSIT)

    @property
    def may_read(self) -> bool:
        """Whether the controller can look at what lies there; a given signature may allow less."""
        given = self.auth.get("sas_token")
        return not given or {"r", "l"} <= set(parse_qs(str(given)).get("sp", [""])[0])

    def prepare(self, slot: Slot, simulated: bool) -> bool:
        """Before any work: the container is there, the label is free, an unfinished copy of it is swept. Gives whether the system has copies here."""
        if not self.may_read:
            return True
        files = self.medium.files(slot)
        if SUMS in files:
            raise BackupError("label_taken", label=slot.label, location=self.medium.location(slot))
        strange = [name for name in files if not name.startswith(slot.label)]
        if strange:
            raise BackupError("leftover_stays", location=self.medium.location(slot), detail="{0} is no part of a copy, so it is not removed".format(
                scope.shown(strange[0])[:200]))
        if files and not simulated:
            try:
                self.medium.remove(slot, "")
            except BackupError as error:
                raise BackupError("leftover_stays", location=self.medium.location(slot), detail=error.message) from error
        return next(iter(self.medium.blobs(slot.shelf + "/")), None) is not None

    def for_deposit(self, slot: Slot, channel: str, stocked: bool) -> dict[str, Any]:
        """The medium's options as a server gets them, to stage a copy."""
        known = (SUMS, sums_file.file_name(slot.label))
        return {**self.options, "session": {"keys": self._keys(slot, known, self.deposit), "channel": channel, "stocked": stocked}}

    def for_resuming(self, slot: Slot, channel: str, stocked: bool) -> dict[str, Any]:
        """The same for bytes that are the same in every run: what lies there already, or the server's own note of it where nobody may look."""
        given = self.for_deposit(slot, channel, stocked)
        given["session"].update({"staged": self.medium.unfinished(slot)} if self.may_read else {"journal": _JOURNALS})
        return given

    def for_reading(self, slot: Slot, channel: str) -> dict[str, Any]:
        """The medium's options as a server gets them, to read one copy."""
        names: Iterable[str] = self.medium.files(slot) if self.may_read and not self.auth.get("sas_token") else (SUMS,)
        return {**self.options, "session": {"keys": self._keys(slot, names or (SUMS,), sas.READ), "channel": channel}}

    def for_keeping(self) -> dict[str, Any]:
        """The medium's options for a module that runs on the controller itself."""
        own = str(self.auth.get("sas_token") or "") or self.sign("", _OWN)
        return {**self.options, "session": {"keys": {"*": own}, "repository": own}}

    def for_upload(self, blob: str, channel: str) -> dict[str, Any]:
        """The medium's options as a server gets them, to stage the blob or those one level below it; what lies there is told with its SHA-256."""
        given: dict[str, Any] = {"keys": {"*": self.sign("", "")} if self.auth.get("sas_token") else {}, "channel": channel, "journal": _JOURNALS}
        if self.may_read:
            listed = self.told(blob, "&include=uncommittedblobs,metadata")
            found = {row["name"]: row for row in listed if row["name"] == blob or row["name"].startswith(blob + "/")}
            given["there"] = {name: row["sha256"] for name, row in found.items() if row["committed"]}
            given["staged"] = {name: self.medium.staged_blocks(self.medium.below(name)) for name, row in found.items() if not row["committed"]}
            given["journal"] = ""
        return {**self.options, "session": given}

    def commit(self, blob: str, staged: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Make blobs of what a server staged of the upload `blob`, in its order: that one, or files one level below it. All are looked at first.

        Raises BackupError azure_refused for any other name, and for what has not its form.
        """
        strange = next((name for name in staged if not is_upload_of(name, blob)), None)
        if strange is not None or len(staged) > _MOST_FILES:
            raise BackupError("azure_refused", location=f"{self.medium.service.location}/{self.medium.below(blob)}", detail=(
                f"the server staged {len(staged)} files" if strange is None else f"the server staged {strange[:200]!r}, which is no part of this upload"))
        files = {name: staged_file(file, name, self.medium.service.location) for name, file in staged.items()}
        for name, file in files.items():
            self.medium.commit(self.medium.below(name), file, {})
        return [{"blob": name, "size": file["size"], "sha256": file["sha256"]} for name, file in files.items()]

    def told(self, begin: str, more: str = "&include=metadata") -> list[dict[str, Any]]:
        """The blobs whose names begin so, with size, tier, recorded SHA-256, and whether they are archived."""
        return [{"name": row["name"], "size": row["size"], "tier": row["tier"], "sha256": row["metadata"].get("sha256", ""),
                 "archived": row["tier"] == "Archive", "rehydrating": row["archive_status"], "committed": row["etag"] != ""}
                for row in self.medium.rows(begin, more)]

    def rehydrate(self, name: str) -> None:
        """Ask for an archived blob."""
        try:
            self.medium.service.request("PUT", self.medium.below(name), "comp=tier", {"x-ms-access-tier": "Hot"})
        except Refused as refused:
            raise fault(refused, f"{self.medium.service.location}/{name}") from refused

    def tag(self, slot: Slot, tags: Mapping[str, Any]) -> None:
        """Index tags on every file of a copy: what a search in the portal and rules of the container go by."""
        rows = "".join(f"<Tag><Key>{escape(name)}</Key><Value>{escape(_tag_value(value))}</Value></Tag>" for name, value in tags.items() if value)
        body = f"<?xml version=\"1.0\" encoding=\"utf-8\"?><Tags><TagSet>{rows}</TagSet></Tags>".encode()
        for name in self.medium.files(slot):
            blob = f"{self.directory(slot)}/{name}"
            try:
                self.medium.service.request("PUT", blob, "comp=tags", {"Content-Type": "application/xml"}, body, len(body))
            except Refused as refused:
                raise fault(refused, f"{self.medium.location(slot)}/{name}") from refused

    def _keys(self, slot: Slot, names: Iterable[str], permissions: str) -> dict[str, str]:
        if self.auth.get("sas_token"):
            return {"*": self.sign("", permissions)}
        below = self.directory(slot)
        return {f"{below}/{name}": self.sign(f"{below}/{name}", permissions) for name in names}

    def _credential(self, blob: str, refused: Credential | None) -> Credential:
        if self.auth.get("sas_token"):
            return Credential(str(self.auth["sas_token"]))
        if self.auth.get("account_key"):
            return Credential(sas.sign(str(self.auth["account_key"]), self.account, self.options["container"], "", _OWN, self.seconds))
        from .identity import bearer  # only a play that uses an identity pays for it

        token = bearer({name: value for name, value in self.auth.items() if name not in _OURS}, _SCOPE)
        return Credential(headers=(("Authorization", "Bearer " + token.text),))


def is_upload_of(name: str, blob: str) -> bool:
    """Whether a name is that of an upload, or of a file one level below it: the service and what stands before it must read no other path in it."""
    if name == blob:
        return True
    directory, _slash, file = name.rpartition("/")
    return directory == blob and 0 < len(file) <= 255 and file not in (".", "..") and file.isprintable() and "\\" not in file


def _tag_value(value: t.Any) -> str:
    """What the service takes in a tag: letters without marks, digits, space and + - . / : = _, up to 256."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", str(value)) if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in " +-./:=_") else "_" for letter in plain)[:256]
