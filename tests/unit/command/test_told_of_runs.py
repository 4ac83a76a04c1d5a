# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of `respaldo` came to, as people are told of it: of the worst day, of a report, of an inventory that can't be read."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plugins.plugin_utils._command import configured, main, recovering, running, typed
from plugins.plugin_utils._command.heard import Heard
from plugins.plugin_utils._command.typed import Mistake

TOP = Path(__file__).resolve().parents[3]


def test_recovering_takes_one_way_to_open_and_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(recovering, "_run", lambda words, *_more: ran.append(words) or (3, "", ""))
    why = ["--motivo", "Incendio", "--documento", "Acta 3"]
    for words in (["recuperar"], ["recuperar", "--medio", "/m", *why], ["recuperar", "--medio", "/m", "--llave", "a", "--custodia", "c", *why],
                  ["recuperar", "--medio", "/m", "--llave", "a", "--motivo", "Incendio"]):
        with pytest.raises(Mistake):
            recovering.lay_out(typed.read(words).variables, str(tmp_path), False)
    assert not ran
    variables = typed.read(["recuperar", "--medio", "/m/", "--custodia", "/c", "--contrasena", "/v", *why]).variables
    assert recovering.lay_out(variables, str(tmp_path), True) == 3
    assert variables == {"recover_mounted": ["/m"], "recover_reason": "Incendio", "recover_authority": "Acta 3"}, "what is the module's is no variable"
    (words,) = ran
    assert json.loads(words[words.index("-a") + 1]) == {"medium": {"name": "m", "path": "/m"}, "custody": "/c"}
    assert words[-3:] == ["--vault-password-file", "/v", "--check"]
    # of services the file is read by Ansible: what is secret in it is no word of a command
    services = tmp_path / "los custodios.yml"
    services.write_text("- {name: boveda, type: hashicorp_vault, token: s.secreto}\n")
    assert recovering.lay_out(typed.read(["recuperar", "--medio", "/m", "--custodia", str(services), *why]).variables, str(tmp_path), False) == 3
    told = json.loads(ran[-1][ran[-1].index("-a") + 1])["custody"]
    assert "secreto" not in str(ran) and told == "{{ lookup('ansible.builtin.file', \"%s\") | from_yaml }}" % services


@pytest.mark.parametrize("path, name", [
    ("/mnt/Respaldo Órgano ñ 1/", "Respaldo Organo n 1"), ("/", "medio"), ("/mnt/«ñ»", "n"), ("/mnt/.oculto", "oculto"), ("/mnt/日本", "medio"),
    ("/mnt/" + "ñ" * 100, "n" * 64)])
def test_a_medium_is_named_by_where_it_is_mounted_whatever_that_is_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str, name: str) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(recovering, "_run", lambda words, *_more: ran.append(words) or (2, "", ""))
    words = ["recuperar", "--medio", path, "--llave", "k", "--motivo", "Incendio", "--documento", "Acta 3", "--reloj-comprobado", "--bitacora-en-servidor"]
    assert recovering.lay_out(typed.read(words).variables, str(tmp_path), False) == 2
    given = json.loads(ran[0][ran[0].index("-a") + 1])
    assert given["medium"] == {"name": name, "path": os.path.abspath(path)} and given["clock_confirmed"] is given["bitacora_on_server"] is True


ANSWERS = (
    ('localhost | FAILED! => {\n    "error": {"code": "RSP794", "message_es": "No es un medio", "remedy_es": "Móntelo."},\n    "failed": true\n}\n',
     "Falló   RSP794: No es un medio\n    Móntelo.\n"),
    ('localhost | CHANGED => {"kit": "M_1", "bitacora": "B_1", "entries": 5, "head_n": 5, "sealed_n": 4, "placed": ["/srv/i"], "unplaced": ["/x"], '
     '"vouched": {"kit": "bitacora", "bitacora": "seal"}}\n',
     "Maletín: M_1 (lo prueba la bitácora)\nBitácora: B_1 (lo prueban los sellos)\n"
     "La cadena está íntegra: 5 asientos, último n=5, con sello hasta el n.º 4\nEn su lugar: /srv/i\nQuedó aparte: /x\n"),
    ('localhost | CHANGED => {"kit": "M_1", "bitacora": "B_1", "entries": 0, "placed": ["/srv/i"]}\n',
     "Maletín: M_1\nBitácora: B_1\nIría a su lugar: /srv/i\n"),
    ('[ERROR]: Task failed: x\nOrigin: y\n\nlocalhost | FAILED! => {"failed": true, "msg": "No"}\n', "Falló   No\n"),
    ("usage: ansible [-h]\n", "usage: ansible [-h]\n"),
    ("localhost | FAILED! => {]}\n", "localhost | FAILED! => {]}\n"),
)


@pytest.mark.parametrize(("printed", "told"), ANSWERS)
def test_what_recovering_came_to_is_told_in_spanish(printed: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It was the JSON that `ansible` prints, in English first, on the day when there is the least time to read."""
    recovering._tell(printed, "")
    assert capsys.readouterr().out == told


def test_what_a_medium_names_does_not_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON hides what a terminal would obey; what is told in its place must not bring it back."""
    recovering._tell('localhost | CHANGED => {"kit": "M_1", "placed": ["/a\\u001b[2J\\rb"], "vouched": {"kit": "seal"}}', "[WARNING]: x\x1b[2Jy\n")
    said = capsys.readouterr()
    assert "/a [2J b" in said.out and "\x1b" not in said.out + said.err and "\r" not in said.out


def test_how_far_recovering_is_told_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    code = ("import sys; print('bitácora: 40 %'); print('[ERROR]: e'); print('localhost | FAILED! => {'); print('}'); "
            "print('[WARNING]: x', file=sys.stderr); sys.exit(2)")
    done = recovering._run([sys.executable, "-c", code], {**os.environ, "PYTHONIOENCODING": "utf-8"}, "/")
    assert done == (2, "[ERROR]: e\nlocalhost | FAILED! => {\n}\n", "[WARNING]: x\n") and capsys.readouterr().out == "bitácora: 40 %\n"


def test_warnings_of_recovering_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    recovering._tell(ANSWERS[0][0], "[WARNING]: una cosa\nlarga\n[WARNING]: otra\n[ERROR]: Task failed: x\nOrigin: y\n")
    assert capsys.readouterr().err == "Aviso: una cosa larga\nAviso: otra\n"


def test_what_nobody_vouches_for_is_laid_out_and_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(recovering, "_run", lambda words, *_more: ran.append(words) or (0, "", ""))
    words = ["recuperar", "--medio", "/m", "--llave", "k", "--motivo", "Incendio", "--documento", "Acta 3"]
    assert recovering.lay_out(typed.read([*words, "--sello", "ab cd", "--huella-maletin", "e"]).variables, str(tmp_path), False) == 0
    given = json.loads(ran[0][ran[0].index("-a") + 1])
    assert (given["seal_key"], given["kit_sha256"], given["private_key_file"]) == ("ab cd", "e", os.path.abspath("k")), "of these only one is a path"
    accepted = typed.read([*words, "--sin-prueba", "Simulacro"]).variables
    assert recovering.lay_out(accepted, str(tmp_path), False) == 71
    assert "ansible-playbook playbooks/recover.yml" in capsys.readouterr().err and recovering.lay_out(
        typed.read([*words, "--sin-prueba", "Simulacro"]).variables, str(tmp_path), True) == 0


@pytest.mark.parametrize(("shown", "told"), (
    ("  1. RSP201: x\nNo está listo: 1 cosa por corregir; se comprobó 1 servidor, 1 sistema.", "  1. RSP201: x\nNo está listo: 1 cosa"),
    ("[WARNING]: x", "Falló   a  RSP101: x: falta\n[WARNING]: x")))
def test_what_failed_before_a_report_is_told_by_the_report_or_else_by_itself(shown: str, told: str) -> None:
    held: list[str] = []
    listener = Heard(held.append)
    listener.event({"event": "runner_on_failed", "event_data": {"host": "a", "res": {"error": {"code": "RSP101", "message_es": "x: falta"}}}})
    listener.event({"event": "verbose", "stdout": shown})
    assert main._shown(typed.read(["comprobar"]), listener, held).startswith(told)


def test_an_inventory_that_ansible_cannot_read_is_told_by_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A verb that only shows printed thirty lines of Ansible's warnings, which name neither."""
    bad = tmp_path / "hosts.yml"
    bad.write_text("all:\n  hosts:\n\tbd1: {}\n")

    def start(_run: object, _configuration: object, listener: Heard, *_more: object) -> int:
        listener.event({"event": "verbose", "stdout": "[WARNING]: Unable to parse as an inventory source"})
        return 71

    monkeypatch.setattr(main.running, "start", start)
    monkeypatch.setattr(main.completing, "remember", lambda *_given: None)
    configuration = configured.Configuration(str(bad), "", "", "", tmp_path, "x")
    assert main._do(typed.read(["plan"]), configuration, str(TOP / "collections")) == 71
    said = capsys.readouterr()
    assert "tabulador" in said.out and f"Dónde: {bad}:3" in said.out and "WARNING" not in said.out
    assert "terminó con el estado 71 (vea respaldo --help)" in said.err


def test_a_terminals_returns_are_not_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import ansible_runner

    def run(event_handler: Callable[[dict[str, object]], bool], **_more: object) -> object:
        event_handler({"event": "verbose", "stdout": "\x1b[0;32mdía\r\nuno\x1b[0m\r"})
        return argparse.Namespace(rc=0)

    monkeypatch.setattr(ansible_runner, "run", run)
    tmp_path.chmod(0o755)
    configuration = configured.Configuration("i", "", "", "", tmp_path, "x")
    assert running.start(running.Run(Path("p.yml"), [], {}, "c"), configuration, Heard(lambda _line: None), tmp_path / "l.log", True) == 0
    assert (tmp_path / "l.log").read_text("utf-8") == capsys.readouterr().out == "día\nuno\n"
