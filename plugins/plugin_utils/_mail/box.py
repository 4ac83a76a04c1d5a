# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The support mailbox, by IMAP over TLS (the standard library). It is opened to be looked at (EXAMINE, PEEK): nothing is marked as read. What was taken is
moved by its UID, one mail at a time: MOVE (RFC 6851), else COPY and EXPUNGE of that UID alone (UIDPLUS); never the EXPUNGE that takes what others deleted.

Whatever the server answers is bounded before it is read; errors hold neither password nor token.
"""

from __future__ import annotations

import base64
import contextlib
import imaplib
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...module_utils._engine import addresses
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.value_forms import seen
from .. import _tokens

OPTIONS: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 993},
    "security": {"type": "str", "default": "tls", "choices": ["tls", "starttls"]},
    "ca_file": {"type": "path"},
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
    "token": {"type": "str", "no_log": True},
    "oauth": {"type": "dict", "options": _tokens.OPTIONS},
    "folder": {"type": "str", "default": "INBOX"},
    "taken": {"type": "str", "default": "Atendidos"},
    "set_aside": {"type": "str", "default": "Revisar"},
    "most": {"type": "int", "default": 100},
    "largest_mib": {"type": "int", "default": 25},
}
_FOLDERS = ("folder", "taken", "set_aside")
_SECRETS = ("password", "token", "oauth")
_TIMEOUT, _TRIES, _PAUSE = 60, 4, 2.0
_LARGEST_HEADERS = 256 * 1024 + 1
# A name of a folder, as IMAP writes it without the encoding of other letters (RFC 3501, 5.1.3).
_FOLDER = re.compile(r"[\x20-\x25\x27-\x7e]{1,120}")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,15})\b")
_UID = re.compile(rb"\bUID (\d{1,10})\b")


class Waiting(NamedTuple):
    """A mail that lies in the mailbox."""

    uid: int
    size: int


def check(options: Mapping[str, Any], where: str) -> None:
    """Raises BackupError invalid_input on settings that can't work."""
    secrets = [name for name in _SECRETS if options.get(name)]
    if len(secrets) != 1:
        raise BackupError("invalid_input", where=where + ".password", value="(hidden)", problem="is given beside another secret" if secrets else "is missing",
                          mend="Give one of the three: password, or for OAuth2 oauth or token.")
    if options.get("oauth"):
        _tokens.check(options["oauth"], where + ".oauth")
    for name in ("username", *(each for each in secrets if each != "oauth")):
        if not str(options[name]).isprintable():
            raise BackupError("invalid_input", where="{0}.{1}".format(where, name), value="(hidden)", problem="is not one line of printable characters",
                              mend="Write it as the mail server knows it.")
    for name in _FOLDERS:
        if not _FOLDER.fullmatch(options[name]):
            raise BackupError("invalid_input", where="{0}.{1}".format(where, name), value=options[name], problem="is no name of a folder that we can write",
                              mend="Use letters without accents, as in Atendidos; INBOX.Atendidos where the server puts all below INBOX.")
    if len({options[name].casefold() for name in _FOLDERS}) < len(_FOLDERS):
        raise BackupError("invalid_input", where=where + ".set_aside", value=options["set_aside"], problem="is the name of two folders",
                          mend="Give each folder its own name.")
    for name in ("most", "largest_mib"):
        if not 1 <= options[name] <= 1000:
            raise BackupError("invalid_input", where="{0}.{1}".format(where, name), value=options[name], problem="is not between 1 and 1000",
                              mend="Leave it out for what is usual.")


class Box:
    """A session with the mailbox; see `opened`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options, self.where = options, "{0}:{1}".format(options["host"], options["port"])
        self._validity = ""
        self._selected = False
        # one that was asked for lives for an hour, which is longer than a run
        self._token = str(options["token"] or "") or (_tokens.bearer(options["oauth"], "mailbox.oauth") if options.get("oauth") else "")
        self._capabilities: set[str] = set()
        self._session = self._signed_in()

    # -- to begin -------------------------------------------------------------------------------------------------

    def _signed_in(self) -> imaplib.IMAP4:
        """A session that is signed in. What a busy server refuses is asked again; a wrong password is not, since servers shut out who tries it often."""
        for tries in range(1, _TRIES + 1):
            session = None
            try:
                session = self._connected()
                self._sign_in(session)
                return session
            except (OSError, imaplib.IMAP4.error, ValueError) as error:
                _close(session)
                words, busy = self._words(error), _is_busy(error)
                if isinstance(error, imaplib.IMAP4.error) and not isinstance(error, imaplib.IMAP4.abort) and not busy:
                    raise BackupError("mailbox_login_refused", server=self.where, account=self._options["username"], detail=words) from None
                if tries == _TRIES or isinstance(error, ssl.SSLCertVerificationError):
                    raise BackupError("mailbox_unreachable", server=self.where, detail=words) from None
                time.sleep(_PAUSE * tries)
        raise AssertionError

    def _connected(self) -> imaplib.IMAP4:
        context = ssl.create_default_context(cafile=self._options["ca_file"] or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        host = addresses.bare(self._options["host"])
        if self._options["security"] == "tls":
            return imaplib.IMAP4_SSL(host, self._options["port"], ssl_context=context, timeout=_TIMEOUT)
        session = imaplib.IMAP4(host, self._options["port"], timeout=_TIMEOUT)
        try:
            session.starttls(context)
        except BaseException:
            _close(session)
            raise
        return session

    def _sign_in(self, session: imaplib.IMAP4) -> None:
        name = self._options["username"]
        if self._token:
            told = "user={0}\1auth=Bearer {1}\1\1".format(name, self._token).encode()
            # an empty answer to what the server says of a token that it refuses
            session.authenticate("XOAUTH2", lambda challenge: b"" if challenge else told)
        elif "AUTH=PLAIN" in session.capabilities:
            session.authenticate("PLAIN", lambda _challenge: "\0{0}\0{1}".format(name, self._options["password"]).encode())
        else:
            session.login(name, self._options["password"])
        self._capabilities = {each.upper() for each in _lines(session.capability()[1])[0].split()} if session.state == "AUTH" else set()

    def _words(self, error: Exception) -> str:
        text = str(error) or type(error).__name__
        for secret in (self._options["password"] or "", self._token, (self._options.get("oauth") or {}).get("client_secret") or ""):
            forms = (secret, base64.b64encode(secret.encode()).decode()) if secret else ()
            for each in forms:
                text = text.replace(each, "(hidden)")
        return " ".join(seen(text).split())[:300]

    # -- to look --------------------------------------------------------------------------------------------------

    def waiting(self) -> list[Waiting]:
        """What lies in the mailbox, the oldest first, at most `most`. Raises BackupError: mailbox_unreachable, mailbox_unusable."""
        count = self._open(readonly=True)
        if not count:
            return []
        found = []
        for line in self._asked("fetch", "1:{0}".format(min(count, self._options["most"])), "(UID RFC822.SIZE)"):
            told = line[0] if isinstance(line, tuple) else line
            uid, size = _UID.search(told or b""), _SIZE.search(told or b"")
            if uid and size:
                found.append(Waiting(int(uid[1]), int(size[1])))
        return found

    def fetch(self, waiting: Waiting) -> bytes | None:
        """A mail; None when another took it away meanwhile. One that is too large gives no more than the limit and a byte."""
        found = self._part(waiting.uid, "BODY.PEEK[]<0.{0}>".format(self.largest + 1))
        # one that another moved meanwhile is empty to some servers, though it has a size: it is not here any more
        return None if found == b"" and waiting.size else found

    def headers(self, waiting: Waiting) -> bytes | None:
        """The header of a mail that is too large."""
        return self._part(waiting.uid, "BODY.PEEK[HEADER]<0.{0}>".format(_LARGEST_HEADERS))

    @property
    def largest(self) -> int:
        return int(self._options["largest_mib"]) * 2 ** 20

    def _part(self, uid: int, what: str) -> bytes | None:
        for line in self._asked("uid", "FETCH", str(uid), "(UID {0})".format(what)):
            if isinstance(line, tuple) and len(line) == 2:
                return bytes(line[1])
            # an empty mail has no literal in some servers
            if isinstance(line, bytes) and re.search(rb'BODY\[[A-Z]*\](?:<0>)? (?:""|NIL)', line):
                return b""
        return None

    # -- to move --------------------------------------------------------------------------------------------------

    def move(self, uid: int, folder: str) -> None:
        """Move one mail. Raises BackupError: mailbox_unreachable, mailbox_unusable."""
        if not self._selected:
            self.prepare()
            self._open(readonly=False)
        if "MOVE" in self._capabilities:
            self._asked("uid", "MOVE", str(uid), _quoted(folder))
            return
        self._asked("uid", "COPY", str(uid), _quoted(folder))
        self._asked("uid", "STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)")
        self._asked("uid", "EXPUNGE", str(uid))

    def prepare(self) -> None:
        """That mails can be moved: the folders are there, made where they were not, and one mail can leave alone. Raises BackupError mailbox_unusable."""
        if not {"MOVE", "UIDPLUS"} & self._capabilities:
            raise BackupError("mailbox_unusable", server=self.where, detail="it knows neither MOVE nor UIDPLUS")
        for name in ("taken", "set_aside"):
            folder = self._options[name]
            if not any(_lines(self._asked("list", '""', _quoted(folder)))):
                self._asked("create", _quoted(folder))

    def _open(self, readonly: bool) -> int:
        told = self._asked("select", _quoted(self._options["folder"]), readonly)
        validity = b"".join(each for each in self._session.response("UIDVALIDITY")[1] or () if each).decode("ascii", "replace")
        if self._validity and validity != self._validity:
            raise BackupError("mailbox_unusable", server=self.where, detail="UIDVALIDITY changed meanwhile")
        self._validity, self._selected = validity, not readonly
        count = _lines(told)[0] if told else ""
        return int(count) if count.isdigit() else 0

    def _asked(self, command: str, *words: Any) -> list[Any]:
        try:
            status, told = getattr(self._session, command)(*words)
        except imaplib.IMAP4.abort as error:
            raise BackupError("mailbox_unreachable", server=self.where, detail=self._words(error)) from None
        except imaplib.IMAP4.error as error:
            raise self._unusable(command, self._words(error)) from None
        except (OSError, ValueError) as error:
            raise BackupError("mailbox_unreachable", server=self.where, detail=self._words(error)) from None
        if status != "OK":
            raise self._unusable(command, self._words(Exception(" ".join(_lines(told)))))
        return list(told or ())

    def _unusable(self, command: str, words: str) -> BackupError:
        return BackupError("mailbox_unusable", server=self.where, detail="{0}: {1}".format(command.upper(), words))

    def close(self) -> None:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self._session.logout()


@contextlib.contextmanager
def opened(options: Mapping[str, Any]) -> Iterator[Box]:
    """A session with the mailbox. Raises BackupError: mailbox_unreachable, mailbox_login_refused, mail_token_refused."""
    box = Box(options)
    try:
        yield box
    finally:
        box.close()


def _is_busy(error: Exception) -> bool:
    """Whether a refusal is one of the moment (RFC 5530; Exchange says "authenticated but not connected")."""
    told = str(error).upper()
    return any(each in told for each in ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "BUT NOT CONNECTED", "THROTTLED", "TRY AGAIN", "TEMPORARY"))


def _close(session: imaplib.IMAP4 | None) -> None:
    if session is not None:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            session.shutdown()


def _lines(told: Any) -> list[str]:
    return [each.decode("utf-8", "replace") if isinstance(each, bytes) else "" for each in told or ()] or [""]


def _quoted(folder: str) -> str:
    return '"{0}"'.format(folder.replace("\\", "\\\\").replace('"', '\\"'))
