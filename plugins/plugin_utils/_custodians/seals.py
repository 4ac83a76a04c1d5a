# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals: a record encrypted by OpenPGP to the public keys of those who keep passwords (numeral 5.2), by the controller's gpg.

Who can open a seal stands in it in clear, as the key ids of its recipients; so a seal for other people than today's is known without opening it.
"""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from collections.abc import Iterator, Sequence

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.processes import pipeline, programs
from ...module_utils._engine.transforms.encrypt import Gpg, Keys

_PUBLIC_KEY_ENCRYPTED_SESSION_KEY = 1
_ARMOUR = re.compile(r"-----BEGIN PGP MESSAGE-----\r?\n(?:[^\r\n]+: [^\r\n]*\r?\n)*\r?\n(?P<body>[A-Za-z0-9+/=\s]*?)\r?\n"
                     r"(?:=(?P<sum>[A-Za-z0-9+/]{4})\r?\n)?-----END PGP MESSAGE-----")


class Recipients(t.NamedTuple):
    """Armoured public keys; `subkeys` has, for each, the ids of all its keys in capitals."""

    keys: tuple[str, ...]
    subkeys: tuple[frozenset[str], ...]


def recipients(keys: Sequence[str], what: str) -> Recipients:
    """What is known of armoured public keys, which `what` is to be sealed to.

    Raises BackupError custody_unsealed: no gpg on the controller, or a text that is no key.
    """
    wanted = tuple(dict.fromkeys(keys))
    try:
        with programs.private_directory(programs.memory()) as home, Gpg(Keys("", wanted), home) as gpg:
            return Recipients(wanted, tuple(gpg.key_ids()))
    except BackupError as error:
        raise _unsealed(what, error) from error


def seal(text: str, reference: str, to: Recipients) -> str:
    """The text for all the recipients, armoured. It goes to gpg by a pipe. Raises BackupError custody_unsealed."""
    left = [text.encode()]
    sealed: list[bytes] = []
    try:
        with programs.private_directory(programs.memory()) as home, Gpg(Keys("", to.keys), home) as gpg:
            stage = gpg.encryptor()
            pipeline.run([stage._replace(argv=[*stage.argv, "--armor"])], sealed.append, reader=lambda _size: left.pop() if left else b"")
    except BackupError as error:
        raise _unsealed(reference, error) from error
    return b"".join(sealed).decode("ascii")


def is_for(armoured: str, to: Recipients) -> bool:
    """Whether a seal opens with a key of each of the recipients, and of nobody else."""
    found = opened_by(armoured)
    return bool(found) and all(found & keys for keys in to.subkeys) and found <= frozenset().union(*to.subkeys)


def opened_by(armoured: str) -> frozenset[str]:
    """The ids of the keys that open a seal, in capitals; empty for what is no seal (RFC 4880, sections 4.2, 5.1 and 6.2)."""
    found = _ARMOUR.search(armoured)
    try:
        data = base64.b64decode("".join(found["body"].split()), validate=True) if found else b""
        if found and found["sum"] and int.from_bytes(base64.b64decode(found["sum"], validate=True), "big") != _crc24(data):
            return frozenset()
    except binascii.Error:
        return frozenset()
    return frozenset(_session_keys(data))


def _crc24(data: bytes) -> int:
    """The check sum of armour (RFC 4880, section 6.1)."""
    crc = 0xB704CE
    for byte in data:
        crc ^= byte << 16
        for _bit in range(8):
            crc = crc << 1 ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc & 0xFFFFFF


def _session_keys(data: bytes) -> Iterator[str]:
    at = 0
    while at + 2 < len(data) and data[at] & 0x80:
        first = data[at]
        if first & 0x40:
            tag, length, head = first & 0x3F, data[at + 1], 2
            if 192 <= length < 224:
                length, head = ((length - 192) << 8) + data[at + 2] + 192, 3
            elif length >= 224:
                return
        else:
            tag, size = first >> 2 & 0x0F, {0: 1, 1: 2, 2: 4}.get(first & 3, 0)
            length, head = int.from_bytes(data[at + 1:at + 1 + size], "big"), 1 + size
        if tag != _PUBLIC_KEY_ENCRYPTED_SESSION_KEY:
            return
        packet = data[at + head:at + head + length]
        if packet[:1] == b"\x03":
            yield packet[1:9].hex().upper()
        at += head + length


def _unsealed(reference: str, error: BackupError) -> BackupError:
    return BackupError("custody_unsealed", label=reference, detail=error.message)
