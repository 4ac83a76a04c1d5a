# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the guide and the README as they are written: each is of a known sort, and what its sort asks holds.

A play is there, it knows each variable by its roles' specifications, and the value is one that these take; ours among the programs know their options;
files that stand for the repository's are there. Those that only read are run as they are printed, in one prepared house. No command passes unclassified.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from ansible.parsing.splitter import parse_kv

from plugins.plugin_utils._command import typed
from plugins.plugin_utils._command.verbs import VERBS

ROOT = Path(__file__).resolve().parents[2]
GUIDE, README = ROOT / "docs" / "guia-operador.md", ROOT / "README.md"
CHAIN = ROOT / "plugins" / "plugin_utils" / "_bitacora" / "chain.py"

# Programs of others, of which only the form is ours to prove.
OTHERS = ("az", "cat", "createdb", "export", "find", "gpg", "mount", "pip", "pg_restore", "restic", "rclone", "sha256sum", "sqlite3", "systemctl", "zstd",
          "7zz", "7z.exe", "git", "psql", "tar", "ssh-keygen", "apt-get", "ln", "cd", "mkdir", "su")
OURS = ("ansible", "ansible-doc", "ansible-galaxy", "ansible-playbook", "ansible-vault", "bash", "cp", "make", "python3", "respaldo")
_FLAGS = {"--check": 0, "--diff": 0, "-v": 0, "-vvv": 0, "INV": 0, "LLAVE": 0, "-e": 1, "-i": 1, "-l": 1, "--vault-id": 1, "--vault-password-file": 1}
# What a reader puts there: a word in capitals, or an address of the example's institution.
_PLACEHOLDER = re.compile("[A-ZÁÉÍÓÚÑ_]{3,}|…")


class Command(NamedTuple):
    where: str
    text: str
    words: list[str]

    @property
    def program(self) -> str:
        return Path(self.words[0]).name


def commands(page: Path) -> list[Command]:
    """The commands of a page: in its blocks the lines that begin one, and in its text what stands in code and begins as one."""
    found, block, language, waiting = [], False, "", ""
    for number, line in enumerate(page.read_text("utf-8").split("\n"), 1):
        where, stripped = f"{page.name}:{number}", line.strip()
        if stripped.startswith("```"):
            block, language, waiting = not block, stripped[3:], ""
        elif block:
            begins = stripped.startswith("$ ") or (not stripped.startswith(("#", '"', "'")) and (_begins(stripped) or (language == "sh" and stripped != "")))
            if waiting or begins:
                waiting += " " + stripped.removeprefix("$ ").removesuffix("\\")
                if not stripped.endswith("\\") and _closed(waiting):
                    found.append(_command(where, waiting))
                    waiting = ""
        else:
            spans = [re.sub(r"^[\d*/,\- ]{9,} cd /srv/respaldo && \.venv/bin/", "", text) for text in re.findall("`([^`]+)`", line)]     # of a crontab
            found += [_command(where, text) for text in spans if _begins(text)]
    return found


def _closed(text: str) -> bool:
    """Whether no quote is open, so that the command ends with its line."""
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True


def _begins(text: str) -> bool:
    return bool(re.match(r"(?:" + "|".join(map(re.escape, (*OURS, *OTHERS))) + r") [-\w'\"./…]", text) or re.match(r"[a-z_]+\.yml .*-e ", text))


def _command(where: str, text: str) -> Command:
    text = text.strip()
    if re.match(r"[a-z_]+\.yml ", text):
        text = "ansible-playbook playbooks/" + text
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split, lexer.commenters = True, "#" if "  #" in text else ""
    try:
        return Command(where, text, list(lexer))
    except ValueError:
        return Command(where, text, text.split())


ALL = [*commands(GUIDE), *commands(README)]
PLAYS = [each for each in ALL if each.program == "ansible-playbook"]


def test_commands_are_found():
    assert len(PLAYS) > 40 and len(ALL) > 80
    assert {"hold.yml", "restore.yml", "custody.yml", "site.yml"} <= {Path(each.words[1]).name for each in PLAYS}


@pytest.mark.parametrize("each", ALL, ids=lambda each: f"{each.where} {each.text[:50]}")
def test_no_command_passes_unclassified(each):
    assert each.program in OURS or each.program in OTHERS, f"{each.where}: say in OURS what is to be proved of {each.program!r}, or that it is another's"


def test_what_bash_runs_is_what_make_programa_writes():
    assert {Path(each.words[1]).name for each in ALL if each.program == "bash"} == {"instalar.sh"}
    assert "install_program.sh \"$made/instalar.sh\"" in (ROOT / "tools" / "program.sh").read_text("utf-8")
    assert "\n\t@tools/program.sh\n" in (ROOT / "Makefile").read_text("utf-8")


@functools.cache
def entries(specification: Path) -> list[dict[str, Any]]:
    """The entry points of a role; many playbooks have the same roles."""
    return list(yaml.safe_load(specification.read_text("utf-8"))["argument_specs"].values())


@functools.lru_cache(maxsize=None)
def known(playbook: Path) -> dict[str, Any]:
    """name -> specification of what a playbook and its roles take; nothing is told of those that only their templates name."""
    pages, todo = [], [playbook]
    while todo:
        path = todo.pop()
        pages.append(path)
        text = path.read_text("utf-8")
        todo += [path.parent / (name + ".yml") for name in re.findall(r"import_playbook: (?:perucompras\.respaldo\.)?(\w+)", text)]
    roles = {name for page in pages for name in re.findall(r"perucompras\.respaldo\.(\w+)", page.read_text("utf-8"))} | {"common"}
    found: dict[str, Any] = {}
    for name in roles:
        pages += [path for part in ("defaults", "tasks") for path in (ROOT / "roles" / name / part).glob("*.yml")]
        specification = ROOT / "roles" / name / "meta" / "argument_specs.yml"
        if specification.exists():
            for entry in entries(specification):
                found.update(entry.get("options", {}))
    for page in pages:
        for code in re.findall(r"\{\{(.*?)\}\}|(?:when|that|hosts): (.*)", page.read_text("utf-8")):
            for name in re.findall(r"\b(?:backup|[a-z]+)_\w+\b", " ".join(code)):
                found.setdefault(name, {})
    return found


def given(each: Command) -> dict[str, Any]:
    """The variables of a play's -e, as Ansible reads them."""
    found: dict[str, Any] = {}
    words = iter(each.words)
    for word in words:
        if word == "-e":
            value = next(words)
            if value.startswith("@"):
                continue      # a file of the reader's own: nothing of it is printed
            if value.startswith("{"):
                found.update(json.loads(value))
            else:
                pairs = parse_kv(value)
                assert "_raw_params" not in pairs, f"{each.where}: the shell takes the quotes away, so that {value!r} ends at its first blank: -e 'name=\"…\"'"
                found.update(pairs)
    return found


@pytest.mark.parametrize("each", PLAYS, ids=lambda each: f"{each.where} {each.text[17:70]}")
def test_a_play_is_there_and_takes_what_it_is_given(each):
    name = each.words[1]
    playbook = ROOT / ("playbooks/" + name.rpartition(".")[2] + ".yml" if name.startswith("perucompras.respaldo.") else name)
    assert playbook.is_file(), f"{each.where}: {name} is not there"
    words = iter(each.words[2:])
    for word in words:
        assert word in _FLAGS or word in ("&&", ";", "...", "…"), f"{each.where}: {word!r} is no option that the guide's commands have"
        for _each in range(_FLAGS.get(word, 0)):
            next(words)
    options = known(playbook)
    for variable, value in given(each).items():
        assert variable in options, f"{each.where}: {playbook.name} takes no {variable}"
        told, wanted = options[variable], options[variable].get("type", "")
        shown = isinstance(value, str) and _PLACEHOLDER.fullmatch(value)
        assert shown or value in told.get("choices", [value]), f"{each.where}: {variable} is one of {told['choices']}"
        assert wanted != "dict" or isinstance(value, dict), f"{each.where}: {variable} is a table"
        assert wanted != "int" or str(value).isdigit(), f"{each.where}: {variable} is a number"
        assert wanted != "bool" or str(value).lower() in ("true", "false"), f"{each.where}: {variable} is true or false"


def test_a_mistyped_variable_would_be_found():
    options = known(ROOT / "playbooks" / "restore.yml")
    assert {"restore_host", "restore_label", "backup_media"} <= set(options) and not {"restore_lable", "backup_olny", "hold_system"} & set(options)


@pytest.mark.parametrize("each", [each for each in PLAYS if each.where.startswith(GUIDE.name) and "INV" in each.words],
                         ids=lambda each: f"{each.where} {each.text[17:60]}")
def test_a_play_on_the_institution_s_inventory_can_open_it(each):
    """Without the key, an inventory with a vault is not read at all."""
    assert "LLAVE" in each.words and "-i" not in each.words


def test_every_play_is_in_the_guide():
    text = GUIDE.read_text("utf-8")
    assert not [path.name for path in (ROOT / "playbooks").glob("*.yml") if path.name not in text]


@pytest.mark.parametrize("each", [each for each in ALL if each.program in ("make", "cp", "python3", "ansible-doc", "ansible", "pip")],
                         ids=lambda each: f"{each.where} {each.text[:50]}")
def test_what_is_ours_among_the_others_is_there(each):
    if each.program == "make":
        targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
        words = each.words[3:] if each.words[1] == "-C" else each.words[1:]
        assert words and {word for word in words if "=" not in word} <= targets
    elif each.program == "cp":
        assert list(ROOT.glob("inventories/example/**/" + each.words[1])) or (ROOT / each.words[1]).exists()
    elif each.program == "python3":
        assert Path(each.words[1]).name == CHAIN.name
        options = subprocess.run([sys.executable, "-I", str(CHAIN), "--help"], capture_output=True, text=True, check=True).stdout
        assert all(word in options for word in each.words if word.startswith("--"))
    elif each.program == "ansible-doc":
        named = each.words[-1].rpartition(".")[2]
        assert (ROOT / "roles" / named).is_dir() if "role" in each.words else (ROOT / "plugins" / "modules" / (named + ".py")).is_file()
    elif each.program == "pip":
        assert (ROOT / each.words[-1]).is_file()
    elif "-m" in each.words and len(each.words) > each.words.index("-m") + 1:
        module = ROOT / "plugins" / "modules" / (each.words[each.words.index("-m") + 1].rpartition(".")[2] + ".py")
        documented = yaml.safe_load(re.search(r'DOCUMENTATION = r?"""(.*?)"""', module.read_text("utf-8"), re.DOTALL).group(1))
        arguments = json.loads(each.words[each.words.index("-a") + 1])
        fragments = "".join(path.read_text("utf-8") for path in (ROOT / "plugins" / "doc_fragments").glob("*.py"))
        assert not [name for name in arguments if name not in documented.get("options", {}) and not re.search(rf"^  {name}:", fragments, re.MULTILINE)]


@pytest.mark.parametrize("each", [each for each in ALL if each.program == "respaldo"], ids=lambda each: f"{each.where} {each.text[:50]}")
def test_respaldo_understands_what_is_printed_of_it(each):
    words = each.words[1:]
    assert words == ["--help"] or words[0] == "completar" or words[1:] == ["--help"] and words[0] in VERBS or typed.read(words).verb


# -- as they are printed, in one prepared house ---------------------------------------------------------------------------------------------------------

READ = ("plan.yml", "bitacora.yml", "compliance.yml", "evidence.yml", "report.yml")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """An inventory with one system, a vault, and a bitácora with a copy of it, made as a role makes one."""
    top = tmp_path_factory.mktemp("casa")
    (top / "vault.pass").write_text("clave de prueba\n", "utf-8")
    system = {"name": "SIGA", "kind": "database", "criticality": "baja", "office": "OTI", "source": {"type": "sqlite", "path": str(top / "siga.sqlite")}}
    inventory = {"all": {"hosts": {"localhost": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": [system]}},
                         "vars": {"backup_media": [{"name": "local", "path": str(top / "copias")}], "report_directory": str(top / "informes"),
                                  "backup_assigned_paths": [str(top)]}}}
    (top / "hosts.yml").write_text(yaml.safe_dump(inventory), "utf-8")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "true", "RESPALDO_BITACORA": str(top / "bitacora.sqlite"),
                   "PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]}

    def run(each):
        keys = {"INV": ["-i", str(top / "hosts.yml")], "LLAVE": ["--vault-password-file", str(top / "vault.pass")]}
        words = [piece for word in each.words for piece in keys.get(word, [word.replace("/srv/auditoria", str(top))])]
        return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("name", READ)
def test_what_only_reads_runs_as_it_is_printed(house, name):
    each = next(each for each in PLAYS if Path(each.words[1]).name == name and each.where.startswith(GUIDE.name))
    done = house(each)
    assert done.returncode == 0, f"{each.where}: {each.text}\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
