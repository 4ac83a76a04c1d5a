# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mail as bytes, which anybody may have written, becomes a bounded structure of which the rest of the intake reads. Never raises, whatever the bytes are.

What can't be read says why in `odd`; a person looks at it then. The body of a message within the message is not read: whoever sent it may have written it.
"""

from __future__ import annotations

import codecs
import email.header
import email.message
import email.parser
import email.policy
import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from ...module_utils._engine.value_forms import seen
from . import signatures
from .plain import text_of

MOST_RECIPIENTS = 100
_LARGEST_HEADERS = 256 * 1024
_MOST_HEADERS, _LONGEST_VALUE = 1000, 20_000
_MOST_PARTS, _DEEPEST, _MOST_ATTACHED = 500, 50, 20
_LARGEST_TEXT = 200_000      # bytes of one text: an answer has a few lines
_LONGEST_NAME = 120

_REPORTED = ("message/delivery-status", "message/global-delivery-status", "message/rfc822", "text/rfc822-headers")

# What is decoded; a codec that is none of these may run long, or make something else than text of a mail.
_CHARSETS = {"ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1250", "cp1251", "cp1252", "cp1254", "cp1257", "cp437", "cp850", "mac-roman", "koi8-r",
             "gb2312", "gbk", "gb18030", "big5", "shift_jis", "iso2022_jp", "euc_jp", "euc_kr", "iso8859-1", "iso8859-2", "iso8859-9", "iso8859-15"}
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9-]{1,63})+)")
# One address as its owner's program writes it: a name that is no address, and the address. All else is for a person: two readers may read it in two ways.
_SENDER = re.compile(r'\s*(?:(?:"(?:[^"\\\x00-\x1f]|\\.)*"|[^<>",;:@()\\]*)\s*<([^<>\s]+)>|([^<>\s"(),;:]+))\s*')
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")


class Attached(NamedTuple):
    """A file that came with a mail: it is kept in the mail itself; this tells which bytes they were. `signers` as the file tells them, unproved."""

    name: str
    size: int
    sha256: str
    signed: bool
    signers: tuple[str, ...]


class Mail(NamedTuple):
    """What a mail says. Nothing of it is believed yet."""

    sha256: str
    size: int
    odd: str = ""                              # why it can't be read, in Spanish
    headers: tuple[tuple[str, str], ...] = ()  # names in small letters, values unfolded, from the top
    sender: str = ""                           # the one address of From; "" when there is not exactly one
    recipients: tuple[str, ...] = ()           # of To and Cc
    many: bool = False                         # whether there are more recipients than were read
    subject: str = ""
    message_id: str = ""
    answers: tuple[str, ...] = ()              # In-Reply-To, References
    texts: tuple[str, ...] = ()                # the plain text, and that of the HTML beside it
    attached: tuple[Attached, ...] = ()
    type: str = ""                             # of the content
    report: str = ""                           # of a report (RFC 3464), what the servers say: for the identities of our letters in it

    def values(self, name: str) -> list[str]:
        """The values of a header field, from the top."""
        return [value for each, value in self.headers if each == name]

    def first(self, name: str) -> str:
        return next(iter(self.values(name)), "")


def read(raw: bytes) -> Mail:
    """A mail's structure."""
    bare = Mail(hashlib.sha256(raw).hexdigest(), len(raw))
    if not raw.strip(b"\0\r\n\t "):
        return bare._replace(odd="está vacío")
    end = re.search(rb"\r?\n\r?\n", raw[:_LARGEST_HEADERS])
    if end is None and len(raw) > _LARGEST_HEADERS:
        return bare._replace(odd="su cabecera es demasiado grande")
    try:
        return _read(bare, raw)
    except RecursionError:
        return bare._replace(odd="tiene partes dentro de partes, demasiadas")
    except Exception as error:      # whatever the library does not foresee: an entry, never a mail that is read for ever
        return bare._replace(odd="no se puede leer ({0})".format(type(error).__name__))


def too_large(headers: bytes, size: int) -> Mail:
    """A mail of which only the header was read, since it is too large. Its digest is that of the header."""
    return read(headers[:_LARGEST_HEADERS])._replace(size=size, odd="es demasiado grande: {0} MiB".format(size // 2 ** 20))


def _read(bare: Mail, raw: bytes) -> Mail:
    message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(raw)
    headers = tuple((name.lower(), _unfolded(str(value))) for name, value in list(message.raw_items())[:_MOST_HEADERS])
    found = bare._replace(headers=headers, type=message.get_content_type())
    if not headers:
        return found._replace(odd="no tiene cabecera")
    recipients = _addresses(found.values("to") + found.values("cc"))
    found = found._replace(
        sender=_sender(found.values("from")), recipients=tuple(recipients[:MOST_RECIPIENTS]), many=len(recipients) > MOST_RECIPIENTS,
        subject=decoded(found.first("subject"))[:300], message_id=_message_id(found.values("message-id")),
        answers=tuple(_plain(each) for each in found.values("in-reply-to")[:5] + found.values("references")[:5]))
    for name in ("from", "message-id", "subject"):
        if len(found.values(name)) > 1:
            return found._replace(sender="", odd="tiene varias veces {0}".format(name))
    parts = _parts(message)
    if len(parts) > _MOST_PARTS:
        return found._replace(odd="tiene más de {0} partes".format(_MOST_PARTS))
    texts, attached = _contents(parts)
    reports = [each for each in parts if found.type == "multipart/report" and each.get_content_type() in _REPORTED]
    return found._replace(texts=texts, attached=attached, report="\n".join(str(each)[:20_000] for each in reports[:4]))


def decoded(value: str) -> str:
    """A header's words (RFC 2047), on one line, without what is not seen."""
    try:
        pieces = [_text(piece, charset or "ascii") if isinstance(piece, bytes) else piece for piece, charset in email.header.decode_header(value)]
    except Exception:      # base64 that is none, and whatever else it does not foresee
        pieces = [value]
    return " ".join(seen("".join(pieces)).split())


def _plain(value: str) -> str:
    """Identities, also where a program wrote them as words of RFC 2047, since they are long."""
    return decoded(value) if "=?" in value else value


def _unfolded(value: str) -> str:
    """A value on one line. 8-bit letters without a charset, which are surrogates here, become UTF-8 or Latin-1."""
    ours = value[:_LONGEST_VALUE] if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE // 2] + " " + value[-_LONGEST_VALUE // 2:]
    raw = ours.encode("utf-8", "surrogateescape")
    try:
        ours = raw.decode("utf-8")
    except ValueError:
        ours = raw.decode("latin-1")
    return " ".join(seen(ours).split())


def _sender(values: list[str]) -> str:
    found = _SENDER.fullmatch(values[0]) if len(values) == 1 and len(values[0]) < 1000 else None
    address = (found[1] or found[2]) if found else ""
    return address.lower() if _ADDRESS.fullmatch(address) and len(address) <= 254 else ""


def _addresses(values: list[str]) -> list[str]:
    """The addresses of lists of recipients, one more than are kept at most."""
    found: dict[str, None] = {}
    for value in values:
        for each in re.finditer(r"[^\s<>,;\"()]{1,64}@[^\s<>,;\"()]{1,255}", value):
            if _ADDRESS.fullmatch(each[0]):
                found[each[0].lower()] = None
            if len(found) > MOST_RECIPIENTS:
                return list(found)
    return list(found)


def _message_id(values: list[str]) -> str:
    found = _MESSAGE_ID.fullmatch(values[0]) if len(values) == 1 else None
    return found[0] if found else ""


def _parts(message: email.message.Message) -> list[email.message.Message]:
    """The leaves of a mail in their order; a message within it is one, and not gone into."""
    waiting = [(message, 0)]
    leaves: list[email.message.Message] = []
    while waiting and len(leaves) <= _MOST_PARTS:
        each, depth = waiting.pop()
        if depth > _DEEPEST:
            raise RecursionError
        # asked for so: get_payload would decode a text by whatever charset it tells
        if each.is_multipart() and each.get_content_maintype() != "message":
            waiting += [(row, depth + 1) for row in reversed(list(each.get_payload())) if isinstance(row, email.message.Message)]
        else:
            leaves.append(each)
    return leaves


def _contents(parts: list[email.message.Message]) -> tuple[tuple[str, ...], tuple[Attached, ...]]:
    plain, from_html = "", ""
    attached: list[Attached] = []
    for each in parts:
        kind, name = each.get_content_type(), _file_name(each)
        is_file = each.get_content_disposition() == "attachment" or bool(name) or kind not in ("text/plain", "text/html")
        if is_file:
            if len(attached) < _MOST_ATTACHED:
                attached.append(_attached(each, name or "(sin nombre)"))
        elif kind == "text/html":
            from_html = from_html or text_of(_text(_content(each)[:_LARGEST_TEXT], each.get_content_charset() or "")).strip()
        else:
            plain = plain or _text(_content(each)[:_LARGEST_TEXT], each.get_content_charset() or "").strip()
    return tuple(filter(None, (plain, from_html))), tuple(attached)


def _attached(part: email.message.Message, name: str) -> Attached:
    content = _content(part)
    signed, signers = signatures.of_pdf(content)
    return Attached(name, len(content), hashlib.sha256(content).hexdigest(), signed, signers)


def _content(part: email.message.Message) -> bytes:
    if part.is_multipart():
        return b"".join(str(each).encode("utf-8", "surrogateescape") for each in part.get_payload())
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _file_name(part: email.message.Message) -> str:
    """The name of a file for people to read, never to write to: without what is not seen, its last part."""
    try:
        told = part.get_filename()
    except Exception:      # RFC 2231 that is none
        told = "(nombre ilegible)"
    return decoded(str(told)).replace("\\", "/").rpartition("/")[2][-_LONGEST_NAME:] if told else ""


def _text(raw: bytes, charset: str) -> str:
    """Text of bytes, by the charset that is told when it is one of those known, else as UTF-8, else as what Windows writes."""
    for name in _known(charset):
        try:
            return raw.decode(name).replace("\0", "")
        except (ValueError, LookupError):
            continue
    return raw.decode("latin-1").replace("\0", "")


def _known(charset: str) -> Iterator[str]:
    try:
        name = codecs.lookup(charset).name if charset else ""
    except (LookupError, ValueError):
        name = ""
    # a text that says ASCII and holds more is UTF-8 or Windows'
    if name in _CHARSETS and name != "ascii":
        yield name
    yield from ("utf-8", "cp1252")
