# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custodian `azure_key_vault`: one secret a record in an Azure Key Vault, by its REST interface (version 7.4) and the controller's identity.

A name there holds letters, digits and dashes only, and does not tell upper case from lower. So it is `PREFIX-READABLE-DIGEST`: the
reference with every run of other signs as one dash, cut so that all fits in 127, and the first 20 hexadecimal digits of the SHA-256 of the whole
reference. The reference itself stands in the secret's tag `referencia`, by which records are listed, and in the record.

The service has no request that makes a secret only if there is none, so it is looked up just before; labels are never given twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
import typing as t
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from ...module_utils._engine.errors import BackupError
from . import base
from .rest import LONGEST_LISTING, Answer, Rest, words

# Domain of the vaults of each public cloud; azure-cli-core has the same table, and a test compares them.
SUFFIXES = {"AzureCloud": "vault.azure.net", "AzureChinaCloud": "vault.azure.cn", "AzureUSGovernment": "vault.usgovcloudapi.net"}

_VERSION = "api-version=7.4"
_TAG, _KEY_TAG = "referencia", "clave"
_PREFIX = "respaldo"
_SECRET = re.compile(r"[0-9A-Za-z-]{1,127}")
_LONGEST_NAME, _DIGEST = 127, 20
_EARLY = 120      # seconds before a token's end at which a new one is asked for
_PROBE = base.SCHEME + "prueba/de-acceso"


class AzureKeyVault(base.Custodian):
    TYPE = "azure_key_vault"

    def __init__(self, options: Mapping[str, t.Any]) -> None:
        super().__init__(options)
        self.auth = dict(options.get("auth") or {})
        for name in ("ca_certs", "proxy"):    # the login service is reached as the vault is, unless it is told otherwise
            if str(options.get(name) or "").startswith(("/", "http")):
                self.auth.setdefault(name, options[name])
        suffix = SUFFIXES.get(str(self.auth.get("cloud_environment") or "AzureCloud"), SUFFIXES["AzureCloud"])
        self.scope = "https://{0}/.default".format(suffix)
        self.prefix = str(options.get("prefix") or _PREFIX)
        self.rest = Rest(self.name, str(options.get("vault_uri") or "https://{0}.{1}".format(options.get("vault_name"), suffix)), options)
        self._token, self._until = "", 0.0

    @property
    def location(self) -> str:
        return self.rest.url

    def prove(self) -> None:
        self._ask("GET", "/secrets/" + self.secret_name(_PROBE), (200, 404))

    def get(self, reference: str) -> base.Record | None:
        name = self.secret_name(reference)
        found = self._ask("GET", "/secrets/" + name, (200, 404))
        if found.status == 200:
            return base.read(found.told.get("value"), reference, self.name)
        self._refuse_deleted(name, reference)
        return None

    def identity(self) -> str:
        return base.digest(self.auth)

    def secret(self, name: str) -> Mapping[str, t.Any] | str | None:
        if not _SECRET.fullmatch(name):
            raise BackupError("invalid_input", where="secret", value=name, problem="can't be the name of a secret of a Key Vault",
                              mend="Letters, digits and dashes only, as siga-respaldo.")
        found = self._ask("GET", "/secrets/" + name, (200, 404))
        if found.status == 200:
            text = str(found.told.get("value") or "")
            with contextlib.suppress(ValueError):
                if text.lstrip().startswith("{"):
                    return dict(json.loads(text))
            return text
        self._refuse_deleted(name, name)
        return None

    def put(self, record: base.Record) -> bool:
        name = self.secret_name(record.reference)
        if self._ask("GET", "/secrets/" + name, (200, 404)).status == 200:
            return False
        body = {"value": record.text(), "contentType": "application/json", "tags": {_TAG: record.reference, _KEY_TAG: record.key_id}}
        if self._ask("PUT", "/secrets/" + name, (200, 409), body).status == 409:
            raise self._deleted(name, record.reference, "its name is taken until it is recovered or purged")
        return True

    def list(self) -> Iterator[str]:
        with self.rest.within(LONGEST_LISTING):
            found = [*self._listed()]
        return iter(found)

    def _listed(self) -> Iterator[str]:
        page = "/secrets?maxresults=25&" + _VERSION
        while page:
            told = self._ask("GET", page, (200,)).told
            for row in told.get("value") or ():
                reference = str((row.get("tags") or {}).get(_TAG) or "")
                if base.is_reference(reference) and str(row.get("id", "")).rpartition("/")[2].lower() == self.secret_name(reference).lower():
                    yield reference
            page = self._next(str(told.get("nextLink") or ""))

    def stat(self, reference: str) -> base.Stat | None:
        created = []
        page = "/secrets/{0}/versions?maxresults=25&{1}".format(self.secret_name(reference), _VERSION)
        with self.rest.within(LONGEST_LISTING):
            while page:
                answer = self._ask("GET", page, (200, 404))
                created += [row.get("attributes", {}).get("created", 0) for row in answer.told.get("value") or ()]
                page = self._next(str(answer.told.get("nextLink") or ""))
        return base.Stat(_stamp(min(created)), len(created)) if created else None

    def secret_name(self, reference: str) -> str:
        """The secret's name for a reference; see the rule at the top of this file."""
        room = _LONGEST_NAME - _DIGEST - len(self.prefix) - 2
        readable = re.sub(r"[^0-9A-Za-z]+", "-", base.inner(reference)).strip("-")[:room]
        return "{0}-{1}-{2}".format(self.prefix, readable, hashlib.sha256(reference.encode()).hexdigest()[:_DIGEST])

    def _ask(self, method: str, path: str, good: tuple[int, ...], body: Mapping[str, t.Any] | None = None) -> Answer:
        """An answer of one of the statuses that are good here. A token that is not taken is renewed once."""
        target = path if "?" in path else "{0}?{1}".format(path, _VERSION)
        answer = self.rest.request(method, target, {"Authorization": "Bearer " + self._bearer()}, body)
        if answer.status == 401:
            self._until = 0.0
            answer = self.rest.request(method, target, {"Authorization": "Bearer " + self._bearer()}, body)
        if answer.status in good:
            return answer
        wanted = re.search(r'authorization="?([^",\s]+)', answer.headers.get("www-authenticate", ""))
        raise self.rest.refused(answer, words(answer) + ("; it takes identities of {0}".format(wanted[1]) if answer.status == 401 and wanted else ""))

    def _bearer(self) -> str:
        if time.time() + _EARLY > self._until:
            from .._azure.identity import bearer  # only a play with such a custodian pays for it

            try:
                token = bearer(self.auth, self.scope)
            except BackupError as error:
                if error.fault.name == "invalid_input":
                    raise
                unreachable = error.fault.name == "identity_unreachable"
                raise BackupError("custodian_unreachable" if unreachable else "custodian_refused", custodian=self.name, location=self.rest.url,
                                  detail="{0}: {1}".format(error.code, error.message)) from error
            self._token, self._until = token.text, float(token.expires)
        return self._token

    def _next(self, link: str) -> str:
        """The path of the next page. Another address than the vault's is not asked: it would get the token."""
        if not link:
            return ""
        here, there = urlsplit(self.rest.url), urlsplit(link)
        if (there.scheme, there.netloc.lower().removesuffix(":443")) != (here.scheme, here.netloc.lower().removesuffix(":443")):
            raise BackupError("custodian_refused", custodian=self.name, location=self.rest.url, detail="its list goes on at another address")
        return "{0}?{1}".format(there.path, there.query)

    def _refuse_deleted(self, name: str, label: str) -> None:
        """Raise BackupError custody_deleted where a secret of this name can still be recovered."""
        deleted = self._ask("GET", "/deletedsecrets/" + name, (200, 403, 404))
        if deleted.status == 200:
            since, until = _stamp(deleted.told.get("deletedDate")), _stamp(deleted.told.get("scheduledPurgeDate"))
            raise self._deleted(name, label, "since {0}, purged on {1}".format(since, until))

    def _deleted(self, name: str, label: str, detail: str) -> BackupError:
        return BackupError("custody_deleted", custodian=self.name, label=label, detail="{0}, {1}".format(name, detail))


def _stamp(seconds: t.Any) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if isinstance(seconds, (int, float)) else "?"
