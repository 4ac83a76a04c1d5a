# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed Message-IDs: how an answer is known to belong to a letter of ours, to its request, and to the person whom it was written to.

A ticket's number can be guessed, and a subject is copied by anybody. So each letter carries in its Message-ID what it was about, and a code over that and
over its addressee which only the holder of the key can make. An answer refers to it by itself (In-Reply-To, References), in every mail program. Somebody
who got a letter for another person, or for another request, can't use its identity for his own. Letters and digits are small: some servers change them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import NamedTuple, Optional

SHORTEST_KEY = 32

_PREFIX = "solicitud"
_CODE_BYTES = 20       # 160 bits of the HMAC: nobody guesses them, and the line stays short
_LONGEST = 900         # characters of a Message-ID: a line of a mail ends at 998
_MOST = 100            # identities of one answer that are looked at, the newest
_MOST_CHARACTERS = 100_000

_WORD = re.compile("[a-z][a-z0-9_]{0,31}")
_NONCE = re.compile("[a-z0-9]{8,64}")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9-]+(\.[a-z0-9-]+)*")
_IDENTITY = re.compile(r"<" + _PREFIX + r"\.([a-z2-7]+)\.([a-z0-9_]+)\.([a-z0-9]+)\.([a-z2-7]+)@([a-z0-9.-]+)>")
_ANY = re.compile(r"<[^<>\s@]+@[^<>\s@]+>")


class Mark(NamedTuple):
    """What a signed Message-ID says: the request's ticket, and which letter it was."""

    ticket: str
    letter: str


def mark(key: bytes, domain: str, ticket: str, letter: str, addressee: str, nonce: str) -> str:
    """The Message-ID of a letter. `letter` is one word of its kind; `nonce` is new for each mail (secrets.token_hex(8)).

    Raises ValueError on a key that is too short, and on parts that have not their form: that is a mistake of the caller's code.
    """
    _checked_key(key)
    for name, value, form in (("letter", letter, _WORD), ("nonce", nonce, _NONCE), ("domain", domain.lower(), _DOMAIN)):
        if not form.fullmatch(value):
            raise ValueError("{0} of a Message-ID has not its form: {1!r}".format(name, value))
    if not ticket or not _address(addressee):
        raise ValueError("a Message-ID is signed for a ticket and an addressee")
    coded = _coded(ticket.encode())
    found = "<{0}.{1}.{2}.{3}.{4}@{5}>".format(_PREFIX, coded, letter, nonce, _code(key, domain.lower(), coded, letter, nonce, addressee), domain.lower())
    if len(found) > _LONGEST:
        raise ValueError("the Message-ID of ticket {0!r} would be too long".format(ticket))
    return found


def read(key: bytes, message_id: str, addressee: str) -> Optional[Mark]:
    """What a Message-ID says, when it is one of ours that was made for this addressee; None for any other. Never raises on what a mail holds."""
    _checked_key(key)
    written = message_id.strip().lower() if len(message_id) <= _LONGEST else ""
    found = _IDENTITY.fullmatch(written)
    if not found or not _address(addressee):
        return None
    coded, letter, nonce, code, domain = found.groups()
    if not hmac.compare_digest(code, _code(key, domain, coded, letter, nonce, addressee)):
        return None
    ticket = _decoded(coded)
    return Mark(ticket, letter) if ticket else None


def referred(key: bytes, values: Iterable[str], addressee: str) -> list[Mark]:
    """Which of our letters to this addressee an answer refers to, each once. `values` are its In-Reply-To and its References, in that order: the last
    identity of each is the newest and comes first.
    """
    found: dict[Mark, None] = {}
    for value in values:
        for each in list(_ANY.findall(value[-_MOST_CHARACTERS:]))[-_MOST:][::-1]:
            said = read(key, each, addressee)
            if said:
                found[said] = None
    return list(found)


def _checked_key(key: bytes) -> None:
    if len(key) < SHORTEST_KEY:
        raise ValueError("the key of Message-IDs has fewer than {0} bytes".format(SHORTEST_KEY))


def _address(addressee: str) -> str:
    return addressee.strip().casefold()


def _code(key: bytes, domain: str, coded: str, letter: str, nonce: str, addressee: str) -> str:
    # each part with its length before it: no two sets of parts make the same bytes
    parts = (b"1", domain.encode(), coded.encode(), letter.encode(), nonce.encode(), _address(addressee).encode("utf-8", "surrogatepass"))
    signed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return _coded(hmac.new(key, signed, hashlib.sha256).digest()[:_CODE_BYTES])


def _coded(value: bytes) -> str:
    return base64.b32encode(value).decode("ascii").rstrip("=").lower()


def _decoded(coded: str) -> str:
    """The text; "" where it is none. Only what was signed comes here."""
    try:
        return base64.b32decode(coded.upper() + "=" * (-len(coded) % 8)).decode()
    except ValueError:
        return ""
