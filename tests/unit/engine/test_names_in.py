# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases of a source, as people write them."""

from __future__ import annotations

import pytest

from plugins.module_utils._engine.errors import BackupError
from plugins.module_utils._engine.sources import databases


@pytest.mark.parametrize("written, names", [
    ("all", None), ("siga", ["siga"]), ("siga, rrhh", ["siga", "rrhh"]), ("siga\nrrhh\n", ["siga", "rrhh"]), (["siga", "siga"], ["siga"]),
    ("año fiscal", ["año fiscal"]), (["a,b"], ["a,b"]),
])
def test_databases_are_a_list_a_text_or_all(written, names):
    assert databases.names_of(written) == names


@pytest.mark.parametrize("written", ["", " , ", [], [""], 5, None, ["a\0"]])
def test_nothing_is_no_database(written):
    with pytest.raises(BackupError, match="source.databases"):
        databases.names_of(written)
