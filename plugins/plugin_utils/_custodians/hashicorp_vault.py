# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custodian `hashicorp_vault`: one secret a record in a KV version 2 engine of HashiCorp Vault, or of OpenBao, which has the same interface.

The path is `MOUNT/data/PATH/KIND/SYSTEM/LABEL`. A record is written with check-and-set 0: the service refuses a second one. A policy with
create, read and list on `MOUNT/*` is all that is needed; without update, nobody with that identity can replace a record.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from ...module_utils._engine.errors import BackupError
from . import base
from .rest import LONGEST_LISTING, Answer, Rest, words

_MOUNT, _PATH, _APPROLE = "secret", "respaldo", "approle"
_SECRET = re.compile(r"(?!\.)[^/\x00-\x1f]+(/(?!\.)[^/\x00-\x1f]+)*")
_PROBE = base.SCHEME + "prueba/de-acceso"


class HashicorpVault(base.Custodian):
    TYPE = "hashicorp_vault"

    def __init__(self, options: Mapping[str, t.Any]) -> None:
        super().__init__(options)
        self.rest = Rest(self.name, str(options["address"]), options)
        self.mount = str(options.get("mount") or _MOUNT)
        self.top = str(options.get("path") or _PATH)
        self.login = "/v1/auth/{0}/login".format(quote(str(options.get("auth_mount") or _APPROLE)))
        self.role = {name: str(options[name]) for name in ("role_id", "secret_id") if options.get(name)}
        self.headers = {"X-Vault-Request": "true"}
        if options.get("namespace"):
            self.headers["X-Vault-Namespace"] = str(options["namespace"])
        self._token = str(options.get("token") or "")

    @property
    def location(self) -> str:
        return "{0}/{1}/{2}".format(self.rest.url, self.mount, self.top)

    def prove(self) -> None:
        self._ask("GET", self._target("data", base.inner(_PROBE)), (200, 404))
        # an engine of version 1 answers the same, and would take the words of the interface as a secret
        mount = self._sent("GET", "/v1/sys/internal/ui/mounts/" + quote(self.mount), None)
        told = mount.told.get("data")
        if mount.status == 200 and isinstance(told, Mapping) and (told.get("options") or {}).get("version") != "2":
            raise self.rest.refused(mount, "{0} is an engine of type {1}, and must be KV version 2".format(self.mount, told.get("type")))

    def get(self, reference: str) -> base.Record | None:
        answer = self._ask("GET", self._target("data", base.inner(reference)), (200, 404))
        told = answer.told.get("data")
        if answer.status == 200:
            return base.read(told.get("data") if isinstance(told, Mapping) else None, reference, self.name)
        self._refuse_deleted(told, reference)
        return None

    def identity(self) -> str:
        return base.digest(self.role or self._token, self.login, self.headers)

    def secret(self, name: str) -> Mapping[str, t.Any] | None:
        if not _SECRET.fullmatch(name):
            raise BackupError("invalid_input", where="secret", value=name, problem="can't be the path of a secret",
                              mend="Give its path below the mount {0}, as bases/siga; no data/ before it, no slash at its ends.".format(self.mount))
        answer = self._ask("GET", "/v1/{0}/data/{1}".format(quote(self.mount), quote(name)), (200, 404))
        told = answer.told.get("data")
        found = told.get("data") if isinstance(told, Mapping) else None
        if answer.status == 200 and isinstance(found, Mapping):
            return found
        self._refuse_deleted(told, name)
        return None

    def put(self, record: base.Record) -> bool:
        body = {"options": {"cas": 0}, "data": record.fields()}
        answer = self._ask("POST", self._target("data", base.inner(record.reference)), (200, 400, 403), body)
        if answer.status == 400 and "check-and-set" not in words(answer):
            raise self.rest.refused(answer, words(answer))
        # a role that may create and not update, as it should be, is told so of what is there already
        if answer.status == 403 and self.get(record.reference) is None:
            raise self.rest.refused(answer, words(answer))
        return answer.status == 200

    def list(self) -> Iterator[str]:
        with self.rest.within(LONGEST_LISTING):
            found = [*self._below("")]
        return iter(found)

    def stat(self, reference: str) -> base.Stat | None:
        answer = self._ask("GET", self._target("metadata", base.inner(reference)), (200, 404))
        versions = (answer.told.get("data") or {}).get("versions") or {}
        created = sorted(str(each.get("created_time", "")) for each in versions.values())
        return base.Stat("{0}Z".format(created[0][:19]), len(created)) if created else None

    def _below(self, path: str) -> Iterator[str]:
        answer = self._ask("GET", self._target("metadata", path) + "/?list=true", (200, 404))
        for name in (answer.told.get("data") or {}).get("keys") or ():
            if name.endswith("/"):
                yield from self._below(path + name)
            elif base.is_reference(base.SCHEME + path + name):
                yield base.SCHEME + path + name

    def _target(self, part: str, path: str) -> str:
        return "/v1/{0}/{1}/{2}".format(quote(self.mount), part, quote("{0}/{1}".format(self.top, path).rstrip("/")))

    def _ask(self, method: str, path: str, good: tuple[int, ...], body: Mapping[str, t.Any] | None = None) -> Answer:
        """An answer of one of the statuses that are good here. A role whose token ended logs in once more."""
        fresh = not self._token
        answer = self._sent(method, path, body)
        if answer.status == 403 and self.role and not fresh:
            self._token = ""
            answer = self._sent(method, path, body)
        # a path without a secrets engine is answered as one without a secret is, but for its words
        missing = answer.status == 404 and words(answer)
        if answer.status not in good or missing:
            raise self.rest.refused(answer, words(answer) or str(answer.told.get("warnings") or ""))
        if answer.status == 404 and answer.told.get("warnings"):
            raise self.rest.refused(answer, "{0}; mount must be a KV engine of version 2".format(answer.told["warnings"]))
        return answer

    def _sent(self, method: str, path: str, body: Mapping[str, t.Any] | None) -> Answer:
        if not self._token:
            self._token = self._logged_in()
        return self.rest.request(method, path, {**self.headers, "X-Vault-Token": self._token}, body)

    def _logged_in(self) -> str:
        answer = self.rest.request("POST", self.login, self.headers, self.role)
        token = (answer.told.get("auth") or {}).get("client_token")
        if answer.status != 200 or not token:
            raise self.rest.refused(answer, "the role can't log in at {0}: {1}".format(self.login, words(answer)))
        return str(token)

    def _refuse_deleted(self, told: t.Any, name: str) -> None:
        """Raise BackupError custody_deleted where what is told of a secret is only the version that there was."""
        version = told.get("metadata") if isinstance(told, Mapping) else None
        if isinstance(version, Mapping):
            raise BackupError("custody_deleted", custodian=self.name, label=name, detail="version {0}, {1}".format(
                version.get("version"), "destroyed" if version.get("destroyed") else "since {0}".format(version.get("deletion_time"))))
