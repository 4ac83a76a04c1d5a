# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mailbox as people have them: most mails of 4 to 60 kB, some of MB, in twelve folders of unlike size, with flags and keywords. The same each time."""

from __future__ import annotations

import base64
import os
import random
from pathlib import Path

FOLDERS = ("INBOX", "Enviados", "Archivo.2023", "Archivo.2024", "Archivo.2025", "Licitaciones", "Contratos", "Personal", "Borradores", "Papelera",
           "Proveedores", "Circulares")
_SHARES = (30, 18, 9, 10, 11, 6, 5, 4, 1, 3, 2, 1)      # of the mails, in each of these
_KEYWORDS = ("$Forwarded", "$MDNSent", "Urgente", "Revisado")
_MARKS = ("", "S", "S", "S", "RS", "FS", "Sa", "RSab", "FSc", "Sd")      # of Maildir; small letters are keywords
_BEGUN = 1_600_000_000
LARGE = 5.0      # of a thousand mails


def lay(maildir: Path, mails: int, owner: os.stat_result, large: float = LARGE) -> int:
    """Lay mails where a server looks for them, in the form that it gives them itself; gives their bytes as a server counts them. `large`: how many of
    a thousand have 1 to 4 MB.
    """
    chance = random.Random(4711)
    block = base64.encodebytes(chance.randbytes(1 << 20))      # what attachments are made of: compresses little
    prose = b"".join(b"%s\n" % b" ".join(chance.choice(_WORDS) for _word in range(11)) for _line in range(8000))
    where = chance.choices(FOLDERS, _SHARES, k=mails)
    total = 0
    for name in FOLDERS:
        folder = maildir if name == "INBOX" else maildir / f".{name}"
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "dovecot-keywords").write_text("".join(f"{number} {word}\n" for number, word in enumerate(_KEYWORDS)), "ascii")
    for number, name in enumerate(where):
        folder = maildir if name == "INBOX" else maildir / f".{name}"
        raw = _mail(number, chance, prose, block, large / 1000)
        size = len(raw) + raw.count(b"\n")
        path = folder / "cur" / f"{_BEGUN + number}.M{number}P1.servidor,S={len(raw)},W={size}:2,{chance.choice(_MARKS)}"
        path.write_bytes(raw)
        os.utime(path, (_BEGUN + 3000 * number,) * 2)
        total += size
    for folder, _directories, files in os.walk(maildir):
        for each in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(each, owner.st_uid, owner.st_gid)
    return total


def _mail(number: int, chance: random.Random, prose: bytes, block: bytes, large: float) -> bytes:
    kind = chance.random()
    size = int(chance.triangular(4000, 60000, 7000) if kind < 0.98 - large else chance.uniform(1e5, 5e5) if kind < 1 - large else chance.uniform(1e6, 4e6))
    head = (f"Received: from pc.example.org by mx.example.org with ESMTPS id {number:08x}\nFrom: Persona {number % 97} <persona{number % 97}@example.org>\n"
            f"To: ana@example.org\nSubject: Asunto {number}\nMessage-ID: <{number}.{chance.getrandbits(64):x}@example.org>\n"
            f"Date: Mon, 1 Jan 2024 10:{number % 60:02d}:00 -0500\nMIME-Version: 1.0\n")
    if kind < 0.6:
        return (head + "Content-Type: text/plain; charset=utf-8\n\n").encode() + _slice(prose, size, chance)
    return (head + 'Content-Type: multipart/mixed; boundary="=b"\n\n--=b\nContent-Type: text/plain\n\n').encode() + _slice(prose, 1500, chance) \
        + b'\n--=b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n' + _slice(block, size, chance) + b"\n--=b--\n"


def _slice(of: bytes, size: int, chance: random.Random) -> bytes:
    first = of.index(b"\n", chance.randrange(len(of) // 2)) + 1
    found = of[first:first + size]
    while len(found) < size:
        found += of[:size - len(found)]
    return found[:found.rindex(b"\n") + 1]


_WORDS = [word.encode() for word in (
    "el la los de que en contrato oficina se remite informe por favor adjunto conforme numeral servicio orden compra entrega plazo bienes según acuerdo comité "
    "usuario sistema respaldo fecha órgano director área pago factura proveedor expediente trámite memorando atención cargo conocimiento reunión acta").split()]
