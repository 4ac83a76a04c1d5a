# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exception that nobody foresaw shows where it came from with -vvv, never without, and nothing of what it says."""

import json

import pytest
from ansible.module_utils import basic
from ansible.utils.display import Display
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._tasks import base
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._actions import foreseen
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import answers, asking

SECRET = "Zq9-plantado"


def breaks(*_given):
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        raise ValueError("inner " + SECRET) from error


def failed_module(monkeypatch, capsys, verbosity):
    """A module of Ansible's, whose work breaks. Gives its answer."""
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": {
        "label": "SIGA_20261122", "kind": "database", "system": "SIGA", "record": {}, "password": SECRET, "_ansible_verbosity": verbosity}}).encode())
    monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
    module = basic.AnsibleModule(argument_spec={"label": {}, "kind": {}, "system": {}, "record": {"type": "dict"}, "medium": {"type": "dict"},
                                                "password": {"no_log": True}})
    with pytest.raises(SystemExit):
        base.run(module, breaks, lambda error: "copy_failed")
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("verbosity", [0, 2, 3, 4])
def test_a_module_tells_where_it_broke_only_when_asked(monkeypatch, capsys, verbosity):
    answer = failed_module(monkeypatch, capsys, verbosity)
    assert answer["error"]["code"] == "RSP304" and SECRET not in json.dumps(answer)
    assert ("traceback" in answer) == (verbosity >= 3)
    if verbosity >= 3:
        assert "in breaks" in answer["traceback"] and "KeyError" in answer["traceback"] and answer["traceback"].endswith("ValueError")


@pytest.mark.parametrize("verbosity, shown", [(0, False), (2, False), (3, True)])
def test_the_controller_shows_it_only_when_asked(monkeypatch, capfd, verbosity, shown):
    monkeypatch.setattr(Display(), "verbosity", verbosity)
    with pytest.raises(BackupError, match="RSP304|unexpected"), foreseen():
        breaks()
    told = "".join(capfd.readouterr())
    assert ("in breaks" in told) == shown and SECRET not in told
    asked = answers.Asked("backup_verify", "bd1", {}, {}, False, 0.0)
    sent = {"error": {"code": "RSP304"}, "traceback": "Traceback\n  in breaks\x1b[2J https://ana:Zq9-plantado@x/?sig=Zq9-plantado " + "y" * 10 ** 6}
    asking.show_frames(asked, sent)
    told = "".join(capfd.readouterr())
    assert ("in breaks" in told) == shown and SECRET not in told and "\x1b[2J" not in told and len(told) < 30000
    of_another = {"error": {"code": "RSP202"}, "traceback": "in breaks"}
    for other in (of_another, {"error": 7, "traceback": "in breaks"}, {"error": {"code": "RSP304"}, "traceback": 7}, 5):
        asking.show_frames(asked, other)
    assert "in breaks" not in "".join(capfd.readouterr())
