# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that the institution itself keeps in a custodian's service, its databases' passwords above all (numeral 5.2): read, and never written.

They are no records of ours: a record's password belongs to one copy and was made here. Asked for once in a run (shared.py).
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ...module_utils._engine.errors import BackupError
from . import base, custody, shared

# What a secret with several fields is asked for, when nothing else is said.
FIELD = "password"


def read(loader: t.Any, custodians: t.Any, custodian: str, name: str, field: str = "") -> str:
    """The text of a secret, as the custodian of this name has it now; "" as custodian is the only one of a service.

    Raises BackupError: invalid_input for options or names that are none; secret_missing, secret_unusable; what the service says (8xx).
    """
    found = _chosen(loader, custodians, custodian)
    words = [found.TYPE, found.location, found.identity(), name]
    told = shared.once(words, lambda: found.secret(name))
    if told is None:
        raise BackupError("secret_missing", secret=name, custodian=found.name, location=found.location)
    return _text(told, found.name, name, field)


def _chosen(loader: t.Any, custodians: t.Any, wanted: str) -> base.Custodian:
    if not custodians:
        raise BackupError("invalid_input", where="backup_custodians", value=None, problem="is empty, and a secret is asked of a custodian",
                          mend="Declare the custodian in backup_custodians, or give the lookup custodians=.")
    every = custody.opened(loader, custodians)
    if wanted:
        named = [each for each in every if each.name == wanted]
    else:
        named = [each for each in every if each.TYPE != "vault_file"]
        if len(named) != 1:
            raise BackupError("invalid_input", where="custodian", value=None, problem="is not said, and {0} could be meant".format(len(named)),
                              mend="Give custodian=, the name of one of: {0}.".format(", ".join(each.name for each in every)))
    if not named:
        raise BackupError("invalid_input", where="custodian", value=wanted, problem="is not the name of a custodian",
                          mend="Custodians of the inventory: {0}.".format(", ".join(each.name for each in every)))
    return named[0]


def _text(told: t.Any, custodian: str, name: str, field: str) -> str:
    """One text of what a service keeps: a text as it is, or a field of a table. Nothing of it is told in an error but the names of its fields."""
    if isinstance(told, Mapping):
        wanted = field or (FIELD if FIELD in told or len(told) != 1 else next(iter(told)))
        if wanted not in told:
            raise BackupError("secret_unusable", secret=name, custodian=custodian,
                              detail="it has no field {0}; its fields: {1}".format(wanted, ", ".join(sorted(map(str, told)))[:300] or "none"))
        told = told[wanted]
    elif field:
        raise BackupError("secret_unusable", secret=name, custodian=custodian, detail="it is one text, without fields, and {0} was asked for".format(field))
    if isinstance(told, int) and not isinstance(told, bool):
        told = str(told)
    if not isinstance(told, str) or not told.strip():
        raise BackupError("secret_unusable", secret=name, custodian=custodian, detail="it is empty" if told in ("", None) or isinstance(told, str)
                          else "it is no text")
    return told
