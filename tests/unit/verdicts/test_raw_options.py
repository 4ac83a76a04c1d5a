# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of a role that is `raw`, which Ansible takes whatever it is: what it can't be is refused with code, name and mend, and never by a traceback."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.perucompras.respaldo.plugins.action import backup_forge_info
from ansible_collections.perucompras.respaldo.plugins.filter.answer import answer
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _inventory, _vaults
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import recovery
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import mails
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._semaphore import declaring

TOP = Path(__file__).resolve().parents[3]


class Odd:
    def __str__(self):
        return "rareza"


LONG = "9" * 100_000
# Nothing of this is a yes, a no or a number that can be; what may be a name is none that is there.
WRONG = [
    ["sí"], [], {}, {"a": 1}, [[]], {"sí": True}, ("a",), {"a"}, "quizás", "sí, claro", "null", "None", "~", "[]", "{}", "{{ 1 }}", "0x1f", "1e400", "１",
    "−1", "1_0", "\x00", "\ud800", "\u202e1", "í" * 300, LONG, b"1", 1.5, -0.5, float("nan"), float("inf"), 1j, Odd(), object(),
]


def raw_options():
    """(role, option) of each."""
    found = []
    for path in sorted((TOP / "roles").glob("*/meta/argument_specs.yml")):
        for entry in yaml.safe_load(path.read_text("utf-8"))["argument_specs"].values():
            found += [(path.parts[-3], name) for name, option in (entry.get("options") or {}).items() if option.get("type") == "raw"]
    return sorted(set(found))


def defaults():
    """What each option counts as when nothing is answered, where the filter reads it."""
    found = {}
    for path in [*TOP.glob("roles/*/tasks/*.yml"), *TOP.glob("roles/*/defaults/*.yml"), *TOP.glob("playbooks/*.yml")]:
        for name, default in re.findall(r"perucompras\.respaldo\.answer\('(\w+)', ([^()]+?)\)", path.read_text("utf-8")):
            found.setdefault(name, yaml.safe_load(default))
    return found


def forges(given):
    backup_forge_info._accepted(given, [{"name": "Gitea"}])


def names(given):
    _inventory.wanted_names(given, [{"name": "SIGA", "kind": "database"}], {})


# What reads the options that are neither yes or no, nor a number, nor a table.
READERS = {
    "azure_backup_vaults": (lambda given: recovery.checked(_vaults._readable(given)), "backup_vaults", "RSP101"),
    "schedule_semaphore": (declaring.check, "backup_semaphore", "RSP748"),
    "restore_mail_folders": (lambda given: mails.asked({"folders": given}, "mailbox", datetime.timezone.utc), "restore_mail_folders", "RSP101"),
    "check_only": (names, "only", "RSP101"), "common_forge_gone": (forges, "accept_gone", "RSP101"), "plan_forge_gone": (forges, "accept_gone", "RSP101"),
}
# One word of three, which Ansible's own check of the action reads.
CHOICES = {"find_deleted"}
DEFAULTS = defaults()


def test_each_raw_option_is_read_by_the_filter_or_a_reader_of_its_own():
    known = {name for _role, name in raw_options()}
    assert len(known) > 40 and not known - set(DEFAULTS) - set(READERS) and not set(READERS) - known


@pytest.mark.parametrize(("role", "option"), [pair for pair in raw_options() if pair[1] not in {**READERS, **dict.fromkeys(CHOICES)}], ids=str)
def test_what_it_can_not_be_is_refused_by_code_name_and_mend(role, option):
    default = DEFAULTS[option]
    assert isinstance(default, (bool, int, dict)), "another kind of default needs a reader of its own here"
    for given in (*WRONG, *([2, -1] if isinstance(default, bool) else [True, 7] if isinstance(default, dict) else [True, False])):
        if isinstance(default, dict) and (isinstance(given, dict) or given == "{}"):
            continue
        with pytest.raises(AnsibleFilterError) as caught:
            answer(given, option, default)
        said = str(caught.value)
        assert said.startswith(f"RSP101: {option}: ") and "En blanco vale lo que rige por defecto" in said, (given, said[:300])
        assert len(said) < 1000 and said.isprintable(), "whoever gives a whole file sees the message all the same"
    for blank in ("", " ", "\t\n", None):
        assert answer(blank, option, default) == default


@pytest.mark.parametrize("option", sorted(READERS))
def test_a_reader_of_its_own_refuses_by_code_and_name_or_takes_it_for_nothing(option):
    read, where, code = READERS[option]
    for given in WRONG:
        try:
            read(given)
        except BackupError as error:
            assert error.code == code and where in error.message and error.remedy and len(error.message) < 2000, (given, error.message)
        else:
            # a forge may have any name, and one that is none accepts nothing; of folders it is the copy that knows which it has (RSP134)
            names_things = option.endswith(("forge_gone", "mail_folders"))
            assert not given or names_things and isinstance(given, (str, list, tuple)), "taken in silence: {0!r}".format(given)
