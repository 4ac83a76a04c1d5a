# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operating system accounts that nobody has: for programs that take what others wrote.

Each is a number without an entry in passwd, without a group, without a file anywhere. `nobody` would not do: other services
run as it, and one account's processes may read each other's memory and sockets. So no range here overlaps another.
"""

from __future__ import annotations

import grp
import os
import pwd
import secrets
from typing import Optional, Set

from ..errors import BackupError
from .programs import Account

# Given to nobody by Debian's policy (9.2.2: 60000-64999 globally allocated, none of these) and by systemd (UIDS-GIDS: 60578-61183 unused).
CLIENTS = range(60578, 60880)
PAIRS_OF_A_CONTAINER = range(60880, 61183, 2)      # where this process lives in a container with 65,536 accounts
# Above those of systemd's containers and of rootless ones, below what 31 bits hold; the project numbers of quotas.py are another kind of number.
PAIRS = range(2_000_000_000, 2_100_000_000, 2)
_ATTEMPTS = 400


def account() -> Account:
    """An account that nobody has and no process runs as. Raises invalid_input when this process is not root, or all are in use."""
    if os.geteuid() != 0:
        raise BackupError("invalid_input", where="the account of this task", value=str(os.geteuid()),
                          problem="can't take on an account without rights", mend="Let Ansible be root on that server: ansible_become: true in the inventory.")
    number = _free(CLIENTS, 1)
    if number is None:
        raise BackupError("invalid_input", where="the accounts of this server", value="{0}-{1}".format(CLIENTS[0], CLIENTS[-1]),
                          problem="are all in use", mend="Leave some of these numbers to nobody.")
    return Account("uid {0}".format(number), number, number, "/nonexistent", ())


def pair() -> Optional[int]:
    """A number that no account has and no process runs as, as the next one; None when none was found."""
    highest = 0
    with open("/proc/self/uid_map", encoding="ascii") as file:
        for line in file:
            begin, _outside, count = map(int, line.split())
            highest = max(highest, begin + count)
    return _free(PAIRS if highest > PAIRS.stop else PAIRS_OF_A_CONTAINER, 2)


def _free(numbers: range, together: int) -> Optional[int]:
    """One of the numbers, at random, that is nobody's with those that follow it; of a small range all are tried."""
    busy = _in_use()
    for first in secrets.SystemRandom().sample(numbers, min(_ATTEMPTS, len(numbers))):
        if not any(number in busy or _known(number) for number in range(first, first + together)):
            return first
    return None


def _known(number: int) -> bool:
    for look in (pwd.getpwuid, grp.getgrgid):
        try:
            look(number)
            return True
        except KeyError:
            continue
    return False


def _in_use() -> Set[int]:
    found = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                found.add(entry.stat(follow_symlinks=False).st_uid)
            except OSError:
                continue     # it ended meanwhile
    return found
