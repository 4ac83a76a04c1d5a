# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restic repository in a container of Azure Blob Storage."""

from __future__ import annotations

import base64
import calendar
import contextlib
import hashlib
import os
import re
import time
from typing import Dict, Iterable, List, Optional, Sequence
from urllib.parse import parse_qs

from ..errors import BackupError
from ..media.azure_blob import AzureBlob
from ..media.azure_blocks import md5
from ..media.azure_http import Credential, Refused, Service, fault
from ..media.base import Medium
from ..processes.programs import Secret, memory, private_directory
from ..remarks import Remark
from . import repository_places
from .repository_places import KIND, LocalPlace, Place
from .restic import Access, Restic

_MARGIN = 600      # seconds before its end that a signature is not used any more, for restic to end in


def place_on(medium: Medium, name: str) -> Place:
    """The repository of that name in a container. Raises kind_not_on_medium."""
    if not isinstance(medium, AzureBlob):
        raise BackupError("kind_not_on_medium", kind=KIND, medium=medium.name, detail="restic does not know such a medium")
    return AzurePlace(medium, name)


class AzurePlace(Place):
    """In a container of Azure: restic goes there itself, with a signature for the whole container, since there are none for a prefix.

    restic 0.14 knows only the public cloud's names, so a private endpoint must answer under them (a private DNS zone does).
    """

    medium: AzureBlob

    def __init__(self, medium: AzureBlob, name: str) -> None:
        super().__init__(medium, name)
        place = medium.service.place
        self.account = re.sub(r"\Ahttps://([a-z0-9]+)\.blob\.core\.windows\.net\Z", r"\1", place.url)
        if "/" in self.account:
            raise BackupError("kind_not_on_medium", kind=KIND, medium=medium.name, detail="restic reaches only ACCOUNT.blob.core.windows.net, not an endpoint")
        if not medium.settings.repository:
            raise BackupError("kind_not_on_medium", kind=KIND, medium=medium.name, detail="no signature for the repository was given")
        self.archived = 0     # files of the repository, as they were listed last
        self._take(medium.settings.repository)
        service = Service(place, lambda _blob, refused: Credential(self._good(refused.query if refused else "")))
        self.looking = type(medium)(medium.name, service, medium.settings)
        self.ca_certs = Secret(place.ca_certs + "\n" + _authorities()) if place.ca_certs else None

    def _take(self, signature: str) -> None:
        now, ends = time.time(), _expiry(signature)
        self.signature = signature
        self.until = ends and ends - min((ends - now) / 20, _MARGIN)
        self.renew_at = ends and (now + ends) / 2     # when another is asked for

    def _good(self, refused: str = "") -> str:
        """The signature; another one when half of its life is over or it was refused, if the controller has one.

        Raises controller_silent, but not while this one is good: it is asked again later.
        """
        if refused == self.signature or (self.until and time.time() >= self.renew_at):
            fresh = ""
            try:
                fresh = self.medium.channel.ask("repository", self.medium.name, self.signature)
            except BackupError:
                if refused or time.time() >= self.until:
                    raise
            self._take(fresh or self.signature)
        return self.signature

    def begin(self, program: Restic, password: str, arguments: Sequence[str], origin: Optional[Restic]) -> None:
        """Make the repository in a private directory and bring its files, `config` last: restic would first make the container, which its signature may not."""
        with private_directory(memory()) as directory, Restic(Access(directory), password) as beside:
            beside.call(arguments, origin=origin)
            names = sorted(LocalPlace.below(directory), key=lambda name: (name == "config", name))
            for name in names:
                with open(os.path.join(directory, name), "rb") as file:
                    self._put(name, file.read())

    def _put(self, name: str, content: bytes) -> None:
        blob = "{0}/{1}".format(self.location[len(self.medium.service.location) + 1:], name)
        digest = base64.b64encode(md5(content).digest()).decode()
        headers = {"x-ms-blob-type": "BlockBlob", "If-None-Match": "*", "Content-MD5": digest}
        try:
            self.looking.service.request("PUT", blob, "", headers, content, len(content))
        except Refused as refused:
            raise fault(refused, "{0}/{1}".format(self.medium.service.location, blob)) from refused

    @property
    def shelf(self) -> Medium:
        return self.looking

    @property
    def ledger(self) -> str:
        return os.path.join(repository_places.STATE, hashlib.sha256(self.location.encode()).hexdigest() + ".probados")

    def access(self) -> Access:
        place, path = self.medium.service.place, self.location[len(self.medium.service.location):]
        secrets = (("AZURE_ACCOUNT_NAME", self.account), ("AZURE_ACCOUNT_SAS", self._good())) + (
            (("HTTPS_PROXY", place.proxy),) if place.proxy else ())
        return Access("azure:{0}:{1}".format(place.container, path), secrets=secrets, cache=repository_places.CACHE, ca_certs=self.ca_certs,
                      reads_only=self.medium.settings.reads_only, until=self.until, renew=self.access)

    def files(self) -> Dict[str, int]:
        below = "{0}/{1}/".format(self.slot.shelf, self.slot.label)
        rows = list(self.looking.rows(below))
        self.archived = sum(row["tier"] == "Archive" for row in rows)
        return {row["name"][len(below):]: row["size"] for row in rows}

    def remarks(self) -> List[Remark]:
        if not self.archived:
            return []
        return [Remark("archived", count=self.archived, location=self.location)]

    def digests(self, names: Iterable[str]) -> Dict[str, str]:
        there = self.files()
        return {name: self._digest(name) for name in names if name in there}

    def _digest(self, name: str) -> str:
        digest, reading = hashlib.sha256(), self.looking.read(self.slot, name)
        try:
            for chunk in iter(lambda: reading.read(1 << 20), b""):
                digest.update(chunk)
        finally:
            reading.close()
        return digest.hexdigest()


def _expiry(signature: str) -> float:
    """When a signature ends, in seconds since 1970; 0 when it doesn't say, as one that goes by a stored policy."""
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"):
        with contextlib.suppress(ValueError):
            return float(calendar.timegm(time.strptime(parse_qs(signature).get("se", [""])[0], form)))
    return 0.0


def _authorities() -> str:
    """The authorities that the system trusts: restic trusts those of a file and no others."""
    for path in ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"):
        with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    return ""
