# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake of Microsoft Graph v1.0 for mailboxes, with the token endpoint of the identity platform; see README.md for what of the description it holds to."""

from __future__ import annotations

import itertools
import json
import re
import secrets
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import assertion
from served import Served

TENANT, CLIENT, SECRET, USER = "00000000-0000-0000-0000-0000000000aa", "00000000-0000-0000-0000-0000000000cc", "llave+de&la=aplicación", "ana@example.org"
_FOLDER = {"id", "displayName", "parentFolderId", "childFolderCount", "unreadItemCount", "totalItemCount", "isHidden"}
_MESSAGE = {
    "id", "changeKey", "categories", "createdDateTime", "lastModifiedDateTime", "receivedDateTime", "sentDateTime", "hasAttachments", "internetMessageId",
    "subject", "bodyPreview", "importance", "parentFolderId", "conversationId", "conversationIndex", "isDeliveryReceiptRequested", "isReadReceiptRequested",
    "isRead", "isDraft", "webLink", "inferenceClassification", "body", "sender", "from", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "flag",
    "uniqueBody", "internetMessageHeaders"}
_PAGES = {"$select", "$top", "$skip", "$count"}
_EXTENDED = re.compile(r"singleValueExtendedProperties\(\$filter=id eq '(Integer 0x[0-9A-F]{4})'\)")


class Refused(Exception):
    def __init__(self, status: int, code: str, after: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.after = status, code, after


@dataclass
class Folder:
    name: str
    parent: str = ""
    hidden: bool = False
    search: bool = False
    listed: bool = True      # folders of another class than IPF.Note are in no list, whatever lies in them
    given: bool = True       # ... and whether they are told of by their identifier


@dataclass
class Mail:
    folder: str
    mime: bytes
    received: str | None = "2026-11-20T15:04:05Z"
    read: bool = False
    draft: bool = False
    flagged: bool = False
    categories: list[str] = field(default_factory=list)
    verb: int = 0
    version: int = 1


class FakeGraph(Served):
    """Listens on a port of the loopback with the certificate of a directory (cert.pem, key.pem). `folders` and `mails` by their identifiers."""

    def __init__(self, directory: Path) -> None:
        self.folders: dict[str, Folder] = {"AAinbox=": Folder("Bandeja de entrada")}
        self.mails: dict[str, Mail] = {}
        self.tokens: set[str] = set()
        self.asked: list[str] = []
        self.wrong: list[str] = []          # what no request may be like
        self.ends = "length"          # how an answer tells its end: length, chunked, or not at all (close)
        self.page_size, self.next_link, self.padding, self.lasts = 1000, "", 0, 3599
        self.counts_folders, self.others = True, 2      # whether lists of folders count themselves; calendars and contacts at the top
        self.certificate = ""                           # what the application is registered with, in place of a secret
        self.rendered: Callable[[str, bytes, int], bytes] = lambda _identifier, mime, _time: mime      # a mail as it is written the nth time
        self.readings: dict[str, int] = {}
        self.sessions: dict[str, set[int]] = {}         # by how many connections each was read
        self.at_once = self.most_at_once = 0            # requests about the mailbox: Microsoft lets an application make four
        self._shown: set[str] = set()
        self._counting = threading.Lock()
        self.before: Callable[[str], None] = lambda _target: None
        self._failures: list[list[Any]] = []
        self._numbers = itertools.count(1)
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version, wbufsize = "HTTP/1.1", 1 << 16

            def log_message(self, *_unused: object) -> None:
                """Silence."""

            def do_GET(self) -> None:
                with fake._counting:
                    fake.at_once += 1
                    fake.most_at_once = max(fake.most_at_once, fake.at_once)
                try:
                    fake._serve(self)
                finally:
                    with fake._counting:
                        fake.at_once -= 1

            def do_POST(self) -> None:
                fake._token(self)

        self.certificates = (directory / "cert.pem").read_text("ascii")
        super().__init__(Handler, directory / "cert.pem", directory / "key.pem")

    # -- what a test does -------------------------------------------------------------------------------------------

    def folder(self, name: str, parent: str = "", **more: Any) -> str:
        identifier = f"AAf{next(self._numbers)}-_="
        self.folders[identifier] = Folder(name, parent, **more)
        return identifier

    def put(self, mime: bytes, folder: str = "AAinbox=", **more: Any) -> str:
        identifier = f"AAk{next(self._numbers):05d}-_=="
        self.mails[identifier] = Mail(folder, mime, **more)
        return identifier

    def fail(self, pattern: str, status: int, code: str = "", times: int = 1, after: str = "") -> None:
        """Answer so to the next requests that match; status 0 cuts the connection in the middle of the answer."""
        self._failures.append([pattern, status, code, times, after])

    def expire(self) -> None:
        self.tokens.clear()

    # -- the identity platform --------------------------------------------------------------------------------------

    def _token(self, handler: Any) -> None:
        form = parse_qs(handler.rfile.read(int(handler.headers["Content-Length"])).decode("ascii"), strict_parsing=True)
        words = {name: values[0] for name, values in form.items()}
        self.asked.append("POST " + handler.path)
        if handler.path != f"/{TENANT}/oauth2/v2.0/token" or handler.headers["Content-Type"] != "application/x-www-form-urlencoded":
            return self._json(handler, 400, {"error": "invalid_request", "error_description": "AADSTS900144: the request is not well formed."})
        proof = {"client_assertion_type", "client_assertion"} if self.certificate else {"client_secret"}
        if set(words) != {"grant_type", "client_id", "scope"} | proof or words["grant_type"] != "client_credentials":
            return self._json(handler, 400, {"error": "unsupported_grant_type", "error_description": "AADSTS70003"})
        if not words["scope"].endswith("/.default"):
            return self._json(handler, 400, {"error": "invalid_scope", "error_description": "AADSTS70011"})
        if self.certificate:
            refusal = assertion.refusal(words, self.certificate, CLIENT, f"{self.url}/{TENANT}/oauth2/v2.0/token", self._shown)
            if refusal:
                return self._json(handler, 401, {"error": "invalid_client", "error_description": f"{refusal} {words.get('client_assertion')}\r\nTrace ID: x"})
        elif (words["client_id"], words["client_secret"]) != (CLIENT, SECRET):
            said = f"AADSTS7000215: Invalid client secret provided: {words['client_secret']}.\r\nTrace ID: x"
            return self._json(handler, 401, {"error": "invalid_client", "error_description": said})
        token = "eyJ." + secrets.token_urlsafe(24)
        self.tokens.add(token)
        return self._json(handler, 200, {"token_type": "Bearer", "expires_in": self.lasts, "ext_expires_in": self.lasts, "access_token": token})

    # -- Graph ------------------------------------------------------------------------------------------------------

    def _serve(self, handler: Any) -> None:
        self.asked.append(unquote(handler.path))
        try:
            self.before(unquote(handler.path))
            cut = self._fail(handler.path)
            if handler.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
                raise Refused(401, "InvalidAuthenticationToken")
            told = self._answer(handler)
        except Refused as refused:
            if refused.status == 400:
                self.wrong.append(f"{handler.path}: {refused.code}")
            return self._json(handler, refused.status, {"error": {"code": refused.code, "message": "De: ana, asunto SECRETO"}}, refused.after)
        if isinstance(told, bytes):
            return self._send(handler, 200, told, "text/plain", cut=cut)
        return self._json(handler, 200, {**told, "padding": "x" * self.padding} if self.padding else told, cut=cut)

    def _fail(self, target: str) -> bool:
        for row in self._failures:
            pattern, status, code, times, after = row
            if times and re.search(pattern, unquote(target)):
                row[3] -= 1
                if not status:
                    return True
                raise Refused(status, code, after)
        return False

    def _answer(self, handler: Any) -> Any:
        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        steps = [unquote(each) for each in parts.path.split("/")][1:]
        if 'IdType="ImmutableId"' not in handler.headers.get("Prefer", ""):
            raise Refused(400, "identifiers that change were asked for")
        if steps[:2] != ["v1.0", "users"] or len(steps) < 4:
            raise Refused(400, "BadRequest")
        if steps[2] != USER:
            raise Refused(404, "ErrorInvalidUser")
        rest = steps[3:]
        if rest == ["mailFolders"]:
            return self._folders(query, "")
        if rest[0] == "mailFolders" and len(rest) == 3 and rest[2] == "childFolders":
            return self._folders(query, self._known(rest[1]))
        if rest == ["messages"]:
            return self._messages(query, "")
        if rest == ["mailFolders", "msgfolderroot"]:
            _only(query, {"$select"})
            told = {"id": "AAroot=", "displayName": "Top of Information Store", "parentFolderId": "AAtop=", "isHidden": False, "unreadItemCount": 0,
                    "totalItemCount": 0, "childFolderCount": self.others + sum(not each.parent for each in self.folders.values())}
            return _selected(told, query, _FOLDER)
        if rest[0] == "mailFolders" and len(rest) == 2:
            _only(query, {"$select"})
            if rest[1] in self.folders and not self.folders[rest[1]].given:
                raise Refused(404, "ErrorItemNotFound")
            return _selected({"id": self._known(rest[1]), **self._told_folder(self._known(rest[1]))}, query, _FOLDER)
        if rest[0] == "mailFolders" and len(rest) == 3 and rest[2] == "messages":
            return self._messages(query, self._known(rest[1]))
        if rest[0] == "messages" and rest[1] not in self.mails:
            raise Refused(404, "ErrorItemNotFound")
        if rest[0] == "messages" and len(rest) == 2:
            _only(query, {"$select", "$expand"})
            return self._told(rest[1], query)
        if rest[0] == "messages" and len(rest) == 3 and rest[2] == "$value":
            _only(query, set())
            with self._counting:
                self.readings[rest[1]] = self.readings.get(rest[1], 0) + 1
                self.sessions.setdefault(rest[1], set()).add(handler.client_address[1])
            return self.rendered(rest[1], self.mails[rest[1]].mime, self.readings[rest[1]])
        raise Refused(400, "BadRequest")

    def _known(self, identifier: str) -> str:
        found = "AAinbox=" if identifier == "inbox" else identifier
        if found not in self.folders:
            raise Refused(404, "ErrorItemNotFound")
        return found

    def _folders(self, query: dict[str, str], parent: str) -> dict[str, Any]:
        _only(query, _PAGES | {"includeHiddenFolders"})
        hidden = query.get("includeHiddenFolders", "false") == "true"
        found = [identifier for identifier, each in self.folders.items() if each.parent == parent and each.listed and (hidden or not each.hidden)]
        return self._page(query, f"mailFolders/{parent}/childFolders" if parent else "mailFolders", found,
                          lambda each: self._told_folder(each, query))

    def _told_folder(self, identifier: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        each = self.folders[identifier]
        told = {"id": identifier, "displayName": each.name, "parentFolderId": each.parent or "AAroot=", "isHidden": each.hidden,
                "childFolderCount": sum(row.parent == identifier for row in self.folders.values()), "unreadItemCount": 0,
                "totalItemCount": sum(row.folder == identifier for row in self.mails.values())}
        more = {"@odata.type": "#microsoft.graph.mailSearchFolder"} if each.search else {}
        return {**(_selected(told, query, _FOLDER) if query is not None else told), **more}

    def _messages(self, query: dict[str, str], folder: str) -> dict[str, Any]:
        _only(query, _PAGES | {"$orderby", "$expand"})
        if query.get("$orderby", "receivedDateTime") not in _MESSAGE:
            raise Refused(400, "RequestBroker--ParseUri")
        if folder and self.folders[folder].search:
            raise Refused(400, "a folder that only searches was read")
        ordered = sorted(self.mails.items(), key=lambda row: (row[1].received or "", row[0]))
        found = [identifier for identifier, each in ordered if folder in ("", each.folder)]
        return self._page(query, f"mailFolders/{folder}/messages" if folder else "messages", found, lambda each: self._told(each, query))

    def _told(self, identifier: str, query: dict[str, str]) -> dict[str, Any]:
        each = self.mails[identifier]
        told = {"id": identifier, "changeKey": f"CQAAAB{identifier}{each.version}", "categories": each.categories, "receivedDateTime": each.received,
                "lastModifiedDateTime": "2026-11-21T00:00:00Z", "internetMessageId": f"<{identifier}@example.org>", "isRead": each.read,
                "isDraft": each.draft, "flag": {"flagStatus": "flagged" if each.flagged else "notFlagged"}, "parentFolderId": each.folder,
                "subject": "SECRETO"}
        found = _selected(told, query, _MESSAGE)
        if "$expand" in query:
            match = _EXTENDED.fullmatch(query["$expand"])
            if not match:
                raise Refused(400, "BadRequest")
            if each.verb:
                found["singleValueExtendedProperties"] = [{"id": match[1].replace("0x", "0x").lower().capitalize(), "value": str(each.verb)}]
        return found

    def _page(self, query: dict[str, str], below: str, found: list[str], told: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        top, skip = int(query.get("$top", "10")), int(query.get("$skip", "0"))
        if not 1 <= top <= 1000 or skip < 0:
            raise Refused(400, "ErrorInvalidUrlQuery")
        size = min(top, self.page_size)
        page: dict[str, Any] = {"@odata.context": f"{self.url}/v1.0/$metadata", "value": [told(each) for each in found[skip:skip + size]]}
        if query.get("$count") == "true" and (self.counts_folders or "essages" in below):
            page["@odata.count"] = len(found)
        if len(found) > skip + size:
            link = urlencode({**query, "$skip": str(skip + size)})
            page["@odata.nextLink"] = self.next_link or f"{self.url}/v1.0/users/{USER}/{below}?{link}"
        return page

    def _json(self, handler: Any, status: int, told: Any, after: str = "", cut: bool = False) -> None:
        self._send(handler, status, json.dumps(told).encode(), "application/json", after, cut)

    def _send(self, handler: Any, status: int, body: bytes, sort: str, after: str = "", cut: bool = False) -> None:
        handler.send_response(status)
        end = {"length": ("Content-Length", str(len(body))), "chunked": ("Transfer-Encoding", "chunked"), "close": ("Connection", "close")}[self.ends]
        for name, value in (("Content-Type", sort), end, *([("Retry-After", after)] if after else [])):
            handler.send_header(name, value)
        handler.end_headers()
        if cut:
            handler.wfile.write(body[:len(body) // 2])
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
            return
        handler.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if self.ends == "chunked" and body else body)


def _only(query: dict[str, str], known: set[str]) -> None:
    if set(query) - known:
        raise Refused(400, "unknown: " + ", ".join(sorted(set(query) - known)))
    if query.get("$count", "true") not in ("true", "false"):
        raise Refused(400, "ErrorInvalidUrlQueryFilter")


def _selected(told: dict[str, Any], query: dict[str, str], known: set[str]) -> dict[str, Any]:
    names = query["$select"].split(",") if "$select" in query else sorted(known)
    if set(names) - known:
        raise Refused(400, "RequestBroker--ParseUri: could not find a property named " + ", ".join(sorted(set(names) - known)))
    return {"@odata.etag": "W/x", **{name: told[name] for name in {*names, "id"} if name in told}}
