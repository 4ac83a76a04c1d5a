# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A share of many small files, and what a day does to it. The same numbers give the same bytes, names and changes."""

from __future__ import annotations

import os
import random
from pathlib import Path

IN_A_DIRECTORY = 100
WORDS = ("Informe", "Oficio", "Memorando", "Orden de compra", "Acta", "Expediente", "Cotización", "Contrato", "Términos de referencia", "Año")


def path_of(number: int) -> str:
    """Where the file of a number lies, below the share."""
    directory = number // IN_A_DIRECTORY
    return f"oficina-{directory % 20:02d}/{2015 + directory // 20 % 11}/{directory:06d}/{WORDS[number % len(WORDS)]} N° {number:07d}.docx"


def content(seed: int) -> bytes:
    """Bytes that don't compress, as those of documents: half of the files below 2 KB, a tenth of up to 16 KB, 3 KB in the middle of all."""
    chance = random.Random(seed)
    sort = chance.random()
    return chance.randbytes(chance.randint(200, 2000) if sort < 0.5 else chance.randint(2000, 5000) if sort < 0.9 else chance.randint(5000, 16000))


def write(path: str, seed: int) -> int:
    data = content(seed)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
    return len(data)


class Share:
    """Files numbered from 0, those of `living`; each day some of them change, come, go and move."""

    def __init__(self, top: Path, count: int) -> None:
        self.top, self.next = str(top), 0
        self.living: list[int] = []
        self.places: dict[int, str] = {}
        self.day = 0
        self.add(count)

    def add(self, count: int) -> int:
        written = 0
        for number in range(self.next, self.next + count):
            path = os.path.join(self.top, path_of(number))
            if number % IN_A_DIRECTORY == 0 or number == self.next:
                os.makedirs(os.path.dirname(path), exist_ok=True)
            written += write(path, number)
            self.living.append(number)
        self.next += count
        return written

    def place(self, number: int) -> str:
        return self.places.get(number) or os.path.join(self.top, path_of(number))

    def live(self, fraction: float) -> tuple[int, int]:
        """A day: of the changed files 7 of 10 have new bytes, 2 are new, 1 is gone or moved by turns. Gives the files touched and the bytes written."""
        self.day += 1
        chance = random.Random(self.day)
        touched = round(len(self.living) * fraction)
        chosen = chance.sample(range(len(self.living)), touched - touched // 5)
        written = self.add(touched // 5)
        gone = []
        for place, index in enumerate(chosen):
            number = self.living[index]
            if place % 16 == 7:
                os.unlink(self.place(number))
                gone.append(index)
            elif place % 16 == 15:
                new = self.place(number) + f" ({self.day})"
                os.rename(self.place(number), new)
                self.places[number] = new
            else:
                written += write(self.place(number), number + self.day * 10**9)
        for index in sorted(gone, reverse=True):
            self.living[index] = self.living[-1]
            self.living.pop()
        return touched, written
