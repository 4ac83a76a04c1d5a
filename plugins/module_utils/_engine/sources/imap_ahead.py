# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many mails the synchroniser may ask for beyond the one that it writes: a question for each costs both sides twice as much.

What it asked for lies in its memory until it is written, so it depends on how large the mails are that lie beside each other.
"""

from __future__ import annotations

import collections
from typing import Deque, List

NUMBERS = (20, 4)       # of mails ahead; where no number of these will do, none
_MOST_BYTES = 32 << 20  # of the mails that are asked for at once


class Ahead:
    """The sizes of a mailbox's mails, as they are listed; `number` is what is right for all of them."""

    def __init__(self) -> None:
        self._largest = [0] * len(NUMBERS)      # bytes of as many mails beside each other
        self.folder()

    def folder(self) -> None:
        """Those that come now lie in another folder."""
        self._beside: List[Deque[int]] = [collections.deque() for _each in NUMBERS]
        self._sums = [0] * len(NUMBERS)

    def see(self, size: int) -> None:
        for place, number in enumerate(NUMBERS):
            beside = self._beside[place]
            beside.append(size)
            self._sums[place] += size - (beside.popleft() if len(beside) > number + 1 else 0)
            self._largest[place] = max(self._largest[place], self._sums[place])

    @property
    def number(self) -> int:
        return next((number for number, largest in zip(NUMBERS, self._largest) if largest <= _MOST_BYTES), 0)
