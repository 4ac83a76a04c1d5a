# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions with the server of a mailbox, over TLS whose certificate is checked, and with a throw-away one by its standard input and output.

What passes by itself is tried again; a refused account never is: servers lock accounts that try too often.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import imaplib
import socket
import ssl
import subprocess
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence

from ..errors import BackupError
from ..processes import programs
from . import imap_patience
from .imap_bounded import Bounded, shaken
from .mailbox_tokens import Tokens

_WAITS = (1.0, 4.0)           # seconds before the second and the third attempt
_SHOWN = 200
FULL = (errno.ENOSPC, errno.EDQUOT)
_MECHANISMS = {"OAUTHBEARER": b"\1", "XOAUTH2": b""}      # and what answers the challenge in which a server tells why it refuses, before it does


class Place(NamedTuple):
    """Where a mailbox lies and who may read it."""

    host: str
    user: str
    password: str
    port: int = 993
    ca_certs: str = ""        # PEM to trust in place of the system's, as text or a file of this server
    timeout: float = 300.0    # seconds of silence
    tokens: Optional[Tokens] = None      # what the account shows in place of a password

    @property
    def where(self) -> str:
        return "{0}:{1}".format(self.host, self.port)


class _Secure(Bounded):
    """IMAP over TLS from the first byte; a server that falls silent is given up in every Python (imaplib has a timeout since 3.9)."""

    def __init__(self, place: Place, context: ssl.SSLContext) -> None:
        self._place, self._context, self.where, self.silence = place, context, place.where, place.timeout
        super().__init__(place.host, place.port)

    def hidden(self, words: str) -> str:
        """What the server said, without the password."""
        return hidden(words, self._place)

    def _create_socket(self, timeout: Optional[float] = None) -> Any:
        return shaken(socket.create_connection((self._place.host, self._place.port), self._place.timeout), self._context, self._place.host, self._place.timeout)


class Piped(imaplib.IMAP4_stream):
    """A server that a program is, on its standard input and output, without a shell."""

    def __init__(self, argv: Sequence[str], environment: Dict[str, str], account: Optional[programs.Account]) -> None:
        self._argv, self._environment, self._account = list(argv), environment, account
        super().__init__(argv[0])

    def open(self, host: Optional[str] = None, port: Optional[int] = None, timeout: Optional[float] = None) -> None:
        self.host, self.port, self.sock = "", 0, None      # type: ignore[assignment]
        self.process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self._environment, cwd="/",
                                        close_fds=True, preexec_fn=self._account.become if self._account else None)
        self.writefile, self.readfile = self.process.stdin, self.process.stdout      # type: ignore[assignment]


def signed_in(place: Place) -> Bounded:
    """A session that may read the mailbox. Raises BackupError: imap_unreachable, imap_login_refused, invalid_input for certificates that are none."""
    context = _context(place)
    waits, waited = iter(_WAITS), imap_patience.Waited(place.where)
    while True:
        try:
            return _once(place, context)
        except BackupError as error:
            words = str(error.details.get("detail", ""))
            asked = imap_patience.to_wait(words)
            wait = next(waits, None) if asked is None else 0.0
            if error.fault.name != "imap_unreachable" or wait is None:
                raise
            time.sleep(wait)
        if asked is not None:
            waited.more(asked, words)


def _context(place: Place) -> ssl.SSLContext:
    own = programs.lines_of(place.ca_certs, "source.ca_certs") if place.ca_certs else None
    try:
        return ssl.create_default_context(cadata=own)
    except ssl.SSLError as error:
        raise BackupError("invalid_input", where="source.ca_certs", value=place.ca_certs[:40], problem="holds no certificates",
                          mend="Give them as PEM, or the path of a file of this server.") from error


def _once(place: Place, context: ssl.SSLContext) -> Bounded:
    try:
        session = _Secure(place, context)
    except (OSError, imaplib.IMAP4.error) as error:
        raise unreachable(place, error) from error
    try:
        _identify(session, place)
        return session
    except BaseException:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            session.shutdown()
        raise


def _identify(session: imaplib.IMAP4, place: Place) -> None:
    try:
        if place.tokens:
            _show_token(session, place, place.tokens.value())
        elif "AUTH=PLAIN" in session.capabilities or not place.password.isascii():
            session.authenticate("PLAIN", lambda _told: "\0{0}\0{1}".format(place.user, place.password).encode("utf-8"))
        else:
            session.login(place.user, place.password)
    except (imaplib.IMAP4.abort, OSError) as error:
        raise unreachable(place, error) from error
    except imaplib.IMAP4.error as error:
        words = said(error, place)
        if imap_patience.to_wait(words) is not None:
            raise unreachable(place, error) from error
        raise BackupError("imap_login_refused", server=place.where, account=place.user, detail=words) from None


def _show_token(session: imaplib.IMAP4, place: Place, token: str) -> None:
    """OAUTHBEARER (RFC 7628) where the server has it, else XOAUTH2, which is Microsoft's and Google's."""
    mechanism = next((each for each in _MECHANISMS if "AUTH=" + each in session.capabilities), "XOAUTH2")
    answers = iter((_bearer(place, mechanism, token).encode("utf-8"),))
    session.authenticate(mechanism, lambda _told: next(answers, _MECHANISMS[mechanism]))


def _bearer(place: Place, mechanism: str, token: str) -> str:
    if mechanism == "OAUTHBEARER":
        user = place.user.replace("=", "=3D").replace(",", "=2C")
        return "n,a={0},\1host={1}\1port={2}\1auth=Bearer {3}\1\1".format(user, place.host, place.port, token)
    return "user={0}\1auth=Bearer {1}\1\1".format(place.user, token)


def said(error: BaseException, place: Place) -> str:
    """The words of an error, on one line, short, and without the password, whatever a server echoes."""
    first = error.args[0] if error.args else ""
    words = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(error)
    return hidden("".join(each if each.isprintable() else " " for each in words), place)[:_SHOWN] or type(error).__name__


def hidden(words: str, place: Place) -> str:
    """Words of others without the password or token. What is to be short is cut afterwards: the half of a password would not be found."""
    for each in _forms_of(place):
        words = words.replace(each, "***")
    return words


def _forms_of(place: Place) -> List[str]:
    """The password as it went to the server and may come back: as it is, quoted, in base64, and in the words of Python for bytes."""
    if place.tokens:
        token = place.tokens.held
        return [base64.b64encode(_bearer(place, each, token).encode("utf-8")).decode("ascii") for each in _MECHANISMS if token] + place.tokens.secrets()
    if not place.password:
        return []
    plain = place.password.encode("utf-8")
    return [base64.b64encode(b"\0" + place.user.encode("utf-8") + b"\0" + plain).decode("ascii"), place.password,
            place.password.replace("\\", "\\\\").replace('"', '\\"'), repr(plain)[2:-1]]


def unreachable(place: Place, error: BaseException) -> BackupError:
    return BackupError("imap_unreachable", server=place.where, detail=said(error, place))


@contextlib.contextmanager
def session_with(place: Place) -> Iterator[Bounded]:
    """A session that is ended, whatever happens; what breaks it is imap_unreachable. Raises OSError for what fails beside it, on this server."""
    session = signed_in(place)
    try:
        yield session
    except imaplib.IMAP4.error as error:
        raise unreachable(place, error) from error
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            session.logout()
