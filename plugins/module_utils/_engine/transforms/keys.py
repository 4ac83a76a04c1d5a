# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What opens a copy: a word of its own, so that who only hands keys on carries none of what encrypts."""

from __future__ import annotations

from typing import NamedTuple, Tuple


class Keys(NamedTuple):
    """What opens a copy. `password` may be empty when there are recipients; `recipients` are armoured public keys."""

    password: str
    recipients: Tuple[str, ...] = ()
    private_keys: Tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Keys(password={0}, recipients={1})".format("given" if self.password else "none", len(self.recipients))
