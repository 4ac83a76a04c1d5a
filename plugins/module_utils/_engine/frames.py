# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an exception that nobody foresaw came from, for whoever mends it: files, lines and the kinds of the exceptions, never their words or values.

What an exception says may hold a password that it could not read; a line of our own code holds none.
"""

from __future__ import annotations

import traceback
from typing import List, Optional

LONGEST = 20000       # characters
_MOST = 5             # exceptions of which one led to the other


def frames_of(error: BaseException) -> str:
    """The frames of an exception and of those that led to it, the first of them first."""
    chain: List[BaseException] = []
    found: Optional[BaseException] = error
    while found is not None and found not in chain and len(chain) < _MOST:
        chain.append(found)
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    told = ["Traceback (most recent call last):\n{0}{1}".format("".join(traceback.format_tb(each.__traceback__)), type(each).__name__)
            for each in reversed(chain)]
    return "\n\n".join(told)[-LONGEST:]
