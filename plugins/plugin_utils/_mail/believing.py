# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a mail is from the address that its From tells, by what the institution's own servers wrote above it. Pure; no DNS is asked.

From proves nothing, and so does every line that came with the mail. A server writes its lines on top of what it got: so the header is read from the top, and
no further than the Received of the server that let the mail in. A line of the same words below it is the sender's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .reading import Mail

# Received: from … by HOST … with PROTOCOL (RFC 5321, 3848: the A says that the sender gave his password)
_BY = re.compile(r"(?:^|\s)by\s+([A-Za-z0-9.-]{1,253})(?=[\s;]|$)")
_WITH = re.compile(r"(?:^|\s)with\s+([A-Za-z0-9]{1,40})(?=[\s;]|$)")
_AUTHENTICATED = ("ESMTPA", "ESMTPSA", "UTF8SMTPA", "UTF8SMTPSA")
_RESULTS = "authentication-results"
_METHOD = re.compile(r"([a-z][a-z0-9-]*)(?:/[0-9]+)?\s*=\s*([a-z]+)(?=\s|$)")
_PROPERTY = re.compile(r"([a-z]+\.[a-z-]+)\s*=\s*(?:\"([^\"]*)\"|([^\s;]+))")


class Servers(NamedTuple):
    """The servers of the institution. `authserv_ids` sign their Authentication-Results so; `submission` let in who gave a password; `hops` only pass on
    what those gave them (a mailbox server's LMTP), and let in nobody. `below` is for servers that write their results below their own Received.
    """

    authserv_ids: tuple[str, ...] = ()
    submission: tuple[str, ...] = ()
    hops: tuple[str, ...] = ()
    below: bool = False


class Belief(NamedTuple):
    """Whether the sender is believed; by what, or why not, in Spanish."""

    yes: bool
    why: str


class _Result(NamedTuple):
    method: str
    value: str
    properties: dict[str, str]


def believed(mail: Mail, servers: Servers) -> Belief:
    """Whether a mail is from the address that its From tells."""
    if not mail.sender:
        return Belief(False, "su From no tiene exactamente una dirección")
    above, received, below = _split(mail.headers, servers.hops)
    if _is_submitted(received, servers.submission):
        return Belief(True, "lo recibió con contraseña {0}".format(_by(received)))
    if not received:
        # every server writes that it got a mail (RFC 5321, 4.4): what stands in one that no server got is the sender's own
        return Belief(False, "ningún servidor dice que lo recibió")
    said = [value for name, value in (below if servers.below else above) if name == _RESULTS]
    if not said:
        return Belief(False, "ningún servidor propio dice si es de quien dice ser")
    identity, results = _parsed(said[0])
    if not identity:
        # RFC 8601 asks for the name of who says so; Exchange Online leaves it out, and anybody may write the same
        return Belief(False, "lo que dice de su origen no nombra al servidor que lo escribió, como en Exchange Online")
    if identity not in {each.lower() for each in servers.authserv_ids}:
        return Belief(False, "lo que dice de su origen no es de un servidor propio")
    return _of_results(mail.sender.rpartition("@")[2], identity, results)


def _split(headers: Sequence[tuple[str, str]], hops: Sequence[str]) -> tuple[list[tuple[str, str]], str, list[tuple[str, str]]]:
    """What stands above the Received of the server that let the mail in, that Received, and what stands below it until the next one."""
    above: list[tuple[str, str]] = []
    below: list[tuple[str, str]] = []
    received = ""
    for name, value in headers:
        if name == "received":
            if received:
                break
            if _by(value) not in {each.lower() for each in hops}:
                received = value
                continue
        (below if received else above).append((name, value))
    return above, received, below


def _by(received: str) -> str:
    found = _BY.search(_uncommented(received))
    return found[1].lower() if found else ""


def _is_submitted(received: str, hosts: Sequence[str]) -> bool:
    told = _uncommented(received)
    protocols, by = _WITH.findall(told), _BY.findall(told)
    return (len(by) == 1 and by[0].lower() in {each.lower() for each in hosts} and len(protocols) == 1 and protocols[0].upper() in _AUTHENTICATED)


def _of_results(domain: str, identity: str, results: Sequence[_Result]) -> Belief:
    dmarc = [each for each in results if each.method == "dmarc"]
    if dmarc:
        if all(each.value == "pass" and each.properties.get("header.from", "").lower() == domain for each in dmarc):
            return Belief(True, "DMARC, según {0}".format(identity))
        return Belief(False, "no pasa DMARC, según {0}".format(identity))
    for each in results:
        told = each.properties
        if each.method == "dkim" and each.value == "pass" and (told.get("header.d") or told.get("header.i", "").rpartition("@")[2]).lower() == domain:
            return Belief(True, "DKIM de {0}, según {1}".format(domain, identity))
        if each.method == "spf" and each.value == "pass" and told.get("smtp.mailfrom", "").rpartition("@")[2].lower() == domain:
            return Belief(True, "SPF de {0}, según {1}".format(domain, identity))
    return Belief(False, "ni DMARC, ni DKIM o SPF del dominio de su From, según {0}".format(identity))


def _parsed(value: str) -> tuple[str, list[_Result]]:
    """The identity and the results of a field (RFC 8601), comments left out."""
    pieces = list(_pieces(_uncommented(value)))
    first = pieces[0].split() if pieces else []
    identity = first[0].lower() if 1 <= len(first) <= 2 and "=" not in first[0] else ""
    results = []
    for piece in pieces[1:]:
        found = _METHOD.match(piece.strip().lower())
        if found:
            rest = piece.strip()[found.end():]
            properties: dict[str, str] = {}
            for each in _PROPERTY.finditer(rest):
                # one that stands twice says nothing
                name = each[1].lower()
                properties[name] = "" if name in properties else (each[2] if each[2] is not None else each[3])
            results.append(_Result(found[1], found[2], properties))
    return identity, results


def _pieces(value: str) -> Iterator[str]:
    """What stands between semicolons that are in no quotes."""
    piece, quoted, escaped = "", False, False
    for letter in value:
        if letter == ";" and not quoted:
            yield piece
            piece = ""
            continue
        if letter == '"' and not escaped:
            quoted = not quoted
        escaped = letter == "\\" and not escaped and quoted
        piece += letter
    yield piece


def _uncommented(value: str) -> str:
    """Without comments, which nest; what is quoted is no comment. An unclosed one takes all that follows: it says nothing then."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in value:
        if escaped:
            escaped = False
        elif letter == "\\" and (quoted or depth):
            escaped = True
        elif letter == '"' and not depth:
            quoted = not quoted
        elif letter == "(" and not quoted:
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
            kept.append(" ")
            continue
        if not depth:
            kept.append(letter)
    return "".join(kept)
