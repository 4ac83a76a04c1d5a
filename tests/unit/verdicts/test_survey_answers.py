# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a text of a survey, or of -e, means: yes, no, a number, nothing; and never yes because it is a text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.perucompras.respaldo.plugins.filter.answer import answer
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _answers

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("given", "means"), [
    *[(text, True) for text in ("sí", "Si", " SÍ ", "s", "verdadero", "yes", "true", "True", "on", "1", 1, 1.0, True, "si\u0301")],
    *[(text, False) for text in ("no", "No", " NO\n", "n", "falso", "false", "off", "0", 0, 0.0, False)],
    *[(text, None) for text in ("", " ", "\n\t", None)],
])
def test_yes_no_and_nothing(given, means):
    for default in (True, False):
        assert answer(given, "restore_overwrite", default) is (default if means is None else means)


@pytest.mark.parametrize("given", ["quizás", "sí, claro", "2", "-1", "null", "ninguno", 2, [], ["sí"], {"a": 1}, "sí no", "０"])
def test_what_is_neither_is_refused_by_name(given):
    with pytest.raises(AnsibleFilterError, match="RSP101.*restore_overwrite.*sí o no"):
        answer(given, "restore_overwrite", False)


@pytest.mark.parametrize(("given", "means"), [("30", 30), (" 7 ", 7), ("0", 0), ("-1", -1), (12, 12), (3.0, 3), ("", 5), (" ", 5), (None, 5)])
def test_numbers_as_texts(given, means):
    assert answer(given, "report_days", 5) == means


@pytest.mark.parametrize("given", ["treinta", "1.5", "1,000", 1.5, True, "7 días", "1e3", [7], "9" * 13])
def test_what_is_no_number_is_refused(given):
    with pytest.raises(AnsibleFilterError, match="RSP101.*report_days"):
        answer(given, "report_days", 5)


def test_lists_and_tables_are_only_looked_at_for_blank():
    assert answer(" ", "x", {}) == {} and answer(None, "x", ["html"]) == ["html"] and answer({"a": "b"}, "x", {}) == {"a": "b"}


@pytest.mark.parametrize("given", ["password=SECRETO", ["SECRETO"], "[1]", "SECRETO" * 9, 7])
def test_what_is_no_table_is_refused_and_not_shown(given):
    assert answer('{"share": "a"}', "x", {}) == {"share": "a"}
    with pytest.raises(AnsibleFilterError, match="RSP101.*restore_source") as caught:
        answer(given, "restore_source", {})
    assert "SECRETO" not in str(caught.value)


def test_the_arguments_of_an_action():
    spec = {"flag": {"type": "bool"}, "count": {"type": "int"}, "names": {"type": "list", "elements": "str"}, "paths": {"type": "list", "elements": "str"},
            "rows": {"type": "list", "elements": "dict"}, "table": {"type": "dict"}, "text": {"type": "str"}}
    assert _answers.arguments({name: " " for name in spec}, spec) == {"names": [], "paths": [], "text": ""}
    assert _answers.arguments({"flag": "sí", "count": " 3", "names": "A, B\n", "paths": "actas, 2026/\ncontratos/\n", "table": {"a": " "},
                               "text": " dos palabras ", "rows": []}, spec, ("paths",)) == {
        "flag": True, "count": 3, "names": ["A", "B"], "paths": ["actas, 2026/", "contratos/"], "table": {"a": " "}, "text": " dos palabras ", "rows": []}
    assert _answers.arguments({"names": ["A, B", "", None, " C "]}, spec)["names"] == ["A, B", "C"]
    for name in ("flag", "count"):
        with pytest.raises(BackupError, match=name):
            _answers.arguments({name: "quizás"}, spec)


PLAY = """
- hosts: localhost
  gather_facts: false
  roles:
    - role: perucompras.respaldo.restore
"""


@pytest.mark.slow
@pytest.mark.parametrize(("given", "says"), [
    ({"restore_overwrite": "quizás"}, "RSP101: restore_overwrite: 'quizás'"), ({"restore_damaged": "no sé"}, "RSP101: restore_damaged: 'no sé'"),
    # understood, and so the next thing is asked for
    ({"restore_overwrite": "Sí", "restore_damaged": "no", "restore_partial": " ", "restore_special": ""}, "restore_target"),
])
def test_a_role_refuses_an_odd_answer_before_it_does_anything(tmp_path, given, says):
    (tmp_path / "play.yml").write_text(PLAY)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", str(tmp_path / "play.yml"), "-e",
         json.dumps({"restore_system": "SIGA", "restore_kind": "database", "backup_systems": [], "restore_target": "", **given}, ensure_ascii=False)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "RESPALDO_BITACORA": str(tmp_path / "b.sqlite"),
             "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120)
    assert done.returncode and says in done.stdout, done.stdout
    assert "Locate the copy" in done.stdout if says == "restore_target" else "Locate the copy" not in done.stdout, done.stdout


def test_a_reason_of_blanks_is_not_taken_for_nothing_asked():
    spec = {"emergency_reason": {"type": "str"}, "ticket": {"type": "str"}}
    assert _answers.arguments({"emergency_reason": "  ", "ticket": "  "}, spec) == {"emergency_reason": "  ", "ticket": ""}
