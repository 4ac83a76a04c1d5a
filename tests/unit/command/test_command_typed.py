# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is typed behind `respaldo`, what its configuration may say, what is completed, and what of a run is told."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from plugins.plugin_utils._command import completing, configured, helping, recovering, running, typed
from plugins.plugin_utils._command.configured import Unusable
from plugins.plugin_utils._command.heard import Heard
from plugins.plugin_utils._command.typed import Mistake
from plugins.plugin_utils._command.verbs import VERBS

TOP = Path(__file__).resolve().parents[3]


def mistake(*words: str) -> str:
    with pytest.raises(Mistake) as told:
        typed.read(words)
    return str(told.value)


def roles_of(playbook: str) -> set[str]:
    """The roles of a playbook of ours, with those that it includes."""
    text = (TOP / f"playbooks/{playbook}.yml").read_text("utf-8")
    return {name for name in (path.name for path in (TOP / "roles").iterdir()) if f"perucompras.respaldo.{name}\n" in text}


def test_every_option_is_a_variable_that_its_playbook_reads() -> None:
    for name, verb in VERBS.items():
        if not verb.playbook:
            continue      # its options are answers to questions of its own
        assert (TOP / f"playbooks/{verb.playbook}.yml").is_file(), name
        known = {"backup_only", "backup_emergency_reason", "restore_host"} | (set(recovering.MODULE) if name == "recuperar" else set())
        for role in roles_of(verb.playbook):
            known |= set(yaml.safe_load((TOP / f"roles/{role}/meta/argument_specs.yml").read_text("utf-8"))["argument_specs"]["main"]["options"])
        asked = {option.variable for option in verb.options if option.variable} | ({verb.systems} if verb.systems else set())
        assert asked <= known, (name, asked - known)


def test_a_line_is_read_whole() -> None:
    found = typed.read(["restaurar", "Mesa de Partes", "--antes-de", "2026-11-20", "--rutas", "/a b", "--rutas=/c", "--tipo", "base-de-datos", "--sobrescribir",
                        "--simular"])
    assert found.systems == ["Mesa de Partes"] and found.kind == "database"
    assert found.variables == {"restore_lost_at": "2026-11-20", "restore_paths": ["/a b", "/c"], "restore_overwrite": True}
    assert found.common["simular"] is True and not found.common["detalle"]
    assert typed.read(["copiar", "--", "--raro"]).systems == ["--raro"]
    assert typed.read(["bitacora", "--tipo", "codigo-fuente", "--limite", "5"]).variables == {"bitacora_kind": "source_code", "bitacora_limit": 5}


@pytest.mark.parametrize("words, told", [
    (("restaurr", "SIGA"), "¿Quiso decir restaurar?"),
    ((), "no es un verbo"),
    (("plan", "--simlar"), "¿Quiso decir --simular?"),
    (("plan", "-s"), "todas empiezan con dos guiones"),
    (("restaurar",), "necesita el nombre de un sistema. Un nombre con espacios va entre comillas"),
    (("restaurar", "Mesa", "de", "Partes"), "se escribieron 3"),
    (("restaurar", "SIGA", "--tipo", "base"), "no es ninguno de estos: base-de-datos, codigo-fuente, servidor-de-archivos, buzon"),
    (("restaurar", "SIGA", "--destino"), "--destino necesita un valor"),
    (("restaurar", "SIGA", "--destino", "--simular"), "--destino necesita un valor"),
    (("restaurar", "SIGA", "--destino", "/a", "--destino", "/b"), "está dos veces"),
    (("restaurar", "SIGA", "--ticket", "  "), "--ticket está vacío"),
    (("restaurar", "SIGA", "--simular=no"), "--simular no lleva valor"),
    (("bitacora", "SIGA"), "no lleva nombres de sistemas"),
    (("bitacora", "--desde", "ayer"), "AAAA-MM-DD"),
    (("bitacora", "--desde", "2026-02-30"), "no es un día"),
    (("restaurar", "SIGA", "--antes-de", "ayer"), 'o "2026-11-28 17:30" en hora local'),
    (("restaurar", "SIGA", "--antes-de", "2026-11-28T17:30:00Z"), "no es un día, ni un día con su hora"),
    (("bitacora", "--limite", "0"), "no es un número entero mayor que 0"),
    (("copiar", " "), "vacío"),
])
def test_a_mistake_says_what_to_type(words: tuple[str, ...], told: str) -> None:
    assert told in mistake(*words)


def test_help_tells_each_verb_and_option() -> None:
    for name, verb in VERBS.items():
        assert name in helping.general()
        text = helping.of_verb(name)
        assert all(f"--{option.name}" in text for option in verb.options) and (f"playbooks/{verb.playbook}.yml" if verb.playbook else "ningún playbook") in text
        assert max(map(len, text.splitlines())) <= 100
        assert max(len(line) for line in helping.of_verb(name, 70).splitlines() if " " in line.strip()) <= 70
    assert max(map(len, helping.general(80).splitlines())) <= 80 < max(map(len, helping.general(200).splitlines())) <= 100


def conf(tmp_path: Path, text: str) -> str:
    path = tmp_path / "respaldo.conf"
    path.write_text(text, "utf-8")
    path.chmod(0o644)
    return str(path)


def unusable(asked: str | None = None, inventory: str | None = None, own: Path | None = None) -> str:
    with pytest.raises(Unusable) as told:
        configured.find(asked, inventory, {"HOME": "/nonexistent"}, own)
    return str(told.value)


def test_the_configuration_is_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    inventory, secret = tmp_path / "hosts.yml", tmp_path / "vault.pass"
    inventory.write_text("all:\n")
    secret.write_text("x")
    path = conf(tmp_path, f"[respaldo]\ninventario = {inventory}\ncontrasena_de_vault = prod@{secret}\nbitacora = postgresql://b@h/b%20c\nregistros = /var/x\n")
    found = configured.find(path, None, {}, None)
    assert found[:4] == (str(inventory), f"prod@{secret}", "postgresql://b@h/b%20c", "") and found.logs == Path("/var/x") and found.told == path
    assert configured.find(None, None, {"RESPALDO_CONF": path}, None).inventory == str(inventory)
    assert configured.find(path, str(secret), {}, None).inventory == str(secret)


@pytest.mark.parametrize("text, told", [
    ("[respaldo]\ninventarioo = /srv/x\n", "¿Quiso decir «inventario»?"),
    ("[respaldo]\ninventario =\n", "«inventario» está vacía"),
    ("[respaldo]\ninventario = srv/x\n", "ruta absoluta"),
    ("[respaldo]\ninventario = /srv/no/such\n", "El inventario /srv/no/such no existe"),
    ("[respaldo]\nregistros = /var/log/x\n", "Escriba en"),
    ("inventario = /srv/x\n", "no se entiende"),
    ("[otro]\ninventario = /srv/x\n", "una sola sección, [respaldo]"),
    ("[respaldo]\ninventario = /etc/passwd\ncontrasena_de_vault = /no/such/file\n", "No se puede leer el archivo de la contraseña"),
])
def test_a_bad_configuration_says_what_to_write(tmp_path: Path, text: str, told: str) -> None:
    tmp_path.chmod(0o755)
    assert told in unusable(conf(tmp_path, text))


def test_no_line_of_a_broken_configuration_is_repeated(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert "s3creto" not in unusable(conf(tmp_path, "[respaldo]\ncontraseña s3creto\n"))


def test_a_configuration_that_others_may_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    path = conf(tmp_path, "[respaldo]\ninventario = /etc/passwd\n")
    os.chmod(path, 0o666)
    assert "lo pueden escribir otros" in unusable(path)
    os.chmod(path, 0o644)
    tmp_path.chmod(0o777)
    assert "lo pueden escribir otros" in unusable(path)


def test_the_inventory_of_this_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(configured, "SYSTEM_FILE", str(tmp_path / "no.conf"))
    assert "No se sabe qué inventario usar" in unusable()
    own = tmp_path / "own.yml"
    own.write_text("all:\n")
    assert configured.find(None, None, {}, own).inventory == str(own)
    tmp_path.chmod(0o755)
    (tmp_path / "hosts.yml").write_text("all:\n")
    (tmp_path / "hosts.yml").chmod(0o644)
    assert configured.find(None, None, {}, own).inventory == str(tmp_path / "hosts.yml")
    tmp_path.chmod(0o777)     # where anybody may have put it
    assert configured.find(None, None, {}, own).inventory == str(own)


def test_a_log_among_others_files_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(Unusable, match="no se escribe ahí"), running._opened(tmp_path / "x.log"):
        pass
    assert not (tmp_path / "x.log").exists()


def test_completion(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    path = completing._path(home)
    path = tmp_path / "sistemas.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(completing, "default_state", lambda _environment: tmp_path)
        assert completing.words(["plan", ""], home) == []
        completing.remember([{"system": "SIGA"}, {"system": "Mesa de Partes"}, {"system": 3}], home)
        assert json.loads(path.read_text("utf-8")) == ["Mesa de Partes", "SIGA"]
        assert completing.words(["re"], home) == ["restaurar", "retirar", "recuperar"]
        assert completing.words(["restaurar", "me"], home) == ["Mesa de Partes"]
        assert completing.words(["restaurar", "SIGA", "--tipo", ""], home) == ["base-de-datos", "codigo-fuente", "servidor-de-archivos", "buzon"]
        assert completing.words(["restaurar", "--so"], home) == ["--solicitante", "--sobrescribir"]
        assert completing.words(["nada", ""], home) == [] and completing.words([], home) == list(VERBS)
        path.write_text("{")
        assert completing.words(["plan", ""], home) == []


def heard(*events: dict) -> tuple[list[str], Heard]:
    lines: list[str] = []
    listener = Heard(lines.append)
    for event in events:
        assert listener.event(event) is False     # no file of an event is kept
    return lines, listener


def test_of_a_task_about_several_copies_each_failure_is_told_by_its_label() -> None:
    """The error of the task is that of the first, and a copy that failed beside it would be named by nothing."""
    def row(label: str, **more: str) -> dict[str, str]:
        return {"event": "transfer_failed" if more else "copy_transferred", "label": label, **more}

    full = {"error_code": "RSP402", "error_message_es": "El medio nas está lleno", "error_remedy_es": "Libere espacio."}
    damaged = {"error_code": "RSP501", "error_message_es": "Los bytes difieren"}
    found = {"failed": True, "error": {"code": "RSP402", "message_es": "El medio nas está lleno"}, "msg": "RSP402: ... (WEB_20261127 RSP402; ...)",
             "backup": [row("WEB_20261126"), row("WEB_20261127", **full), row("SIGA_20261128", **damaged)]}
    lines, listener = heard({"event": "runner_on_failed", "event_data": {"host": "bd1", "res": found}})
    assert lines == ["Trasladado  WEB_20261126", "Falló   bd1  WEB_20261127 RSP402: El medio nas está lleno", "    Libere espacio.",
                     "Falló   bd1  SIGA_20261128 RSP501: Los bytes difieren"]
    assert (listener.done, listener.failures) == (1, 2)
    # an error that is of none of them is told too
    apart = {**found, "error": {"code": "RSP706", "message_es": "No hubo respuesta"}}
    assert heard({"event": "runner_on_failed", "event_data": {"host": "bd1", "res": apart}})[0][-1] == "Falló   bd1  RSP706: No hubo respuesta"


def test_what_a_play_says_for_people_is_told_as_a_file_shows_it() -> None:
    """A terminal's carriage returns and colours are none of it; what `debug` says is."""
    said = {"event": "runner_on_ok", "event_data": {"host": "localhost", "task_action": "ansible.builtin.debug", "res": {"msg": ["/a.html", "/b.csv"]}}}
    other = {"event": "runner_on_ok", "event_data": {"host": "localhost", "task_action": "ansible.builtin.stat", "res": {"msg": "x"}}}
    listener = heard({"event": "verbose", "stdout": "\x1b[0;33mbd1: 1 sistema\x1b[0m\r\nSistema  Tipo\r"}, said, other)[1]
    assert listener.shown == ["bd1: 1 sistema\nSistema  Tipo", "/a.html", "/b.csv"]


def test_the_verdict_of_a_host_is_no_failure_of_its_own() -> None:
    error = {"event": "runner_on_failed", "event_data": {"host": "bd1", "res": {"error": {"code": "RSP201", "message_es": "No existe"}}}}
    bad = [{"label": "ROTO_20261129", "system": "ROTO", "code": "RSP201", "message_es": "No existe"}]
    verdict = {"event": "runner_on_failed", "event_data": {"host": "bd1", "res": {"bad": bad, "good": [], "msg": "Falló 1 de 3 en bd1:\nROTO"}}}
    lines, listener = heard(error, verdict)
    assert lines == ["Falló   bd1  RSP201: No existe"] and listener.failures == 1
    named = {**error["event_data"], "res": {**error["event_data"]["res"], "backup": {"event": "copy_failed", "label": "ROTO_20261129", "system": "ROTO"}}}
    other = {**named, "res": {**named["res"], "backup": {"event": "copy_failed", "system": "SIGA"}}}
    lines, listener = heard({**error, "event_data": named}, {**error, "event_data": other})
    assert lines == ["Falló   bd1  ROTO_20261129 RSP201: No existe", "Falló   bd1  SIGA RSP201: No existe"] and listener.failures == 2
    # what only the verdict knows is told: also which it was, and why
    assert heard(verdict)[0] == ["Falló   bd1  ROTO_20261129 RSP201: No existe"]
    other = {**verdict, "event_data": {**verdict["event_data"], "host": "bd2"}}
    assert heard(error, other)[1].failures == 2
    # a copy that was refused before it began, beside one that failed: its reason names the system already
    bad += [{"label": "", "system": "Encuestas", "code": "", "message_es": "Encuestas: RSP120: Es de otro servidor"}]
    assert heard(error, verdict)[0] == ["Falló   bd1  RSP201: No existe", "Falló   bd1  Encuestas: RSP120: Es de otro servidor"]


def test_a_medium_that_cannot_be_looked_at_is_told_once() -> None:
    """The task goes on, the play prints it and the verdict sums it up: one line, with its remedy, and what else the play shows."""
    row = {"event": "verification_failed", "medium": "nas", "error_code": "RSP409", "error_message_es": "El medio nas (/nas) está vacío",
           "error_remedy_es": "Móntelo."}
    looked = {"event": "runner_item_on_ok", "event_data": {"host": "bd1", "res": {"backup": [row]}}}
    shown = {"event": "verbose", "stdout": "nas (/nas): El medio nas (/nas) está vacío\nSIGA en local: 1 copia en el medio, 1 en la bitácora"}
    verdict = {"event": "runner_on_failed", "event_data": {"host": "bd1", "res": {"good": [], "msg": "Falló 1 de 1 en bd1:\nRSP409: …", "bad": [
        {"label": "", "system": "", "code": "RSP409", "message_es": "El medio nas (/nas) está vacío"}]}}}
    lines, listener = heard(shown, looked, verdict)
    assert (lines, listener.failures) == (["Falló   bd1  RSP409: El medio nas (/nas) está vacío", "    Móntelo."], 1)
    assert listener.told() == ["SIGA en local: 1 copia en el medio, 1 en la bitácora"]


def test_what_ansible_refused_is_told_in_spanish_with_the_option_that_gives_it() -> None:
    lines: list[str] = []
    listener = Heard(lines.append, {"find_person": "persona", "find_deleted": "borrados"})
    wrong = ["missing required arguments: find_person", "value of find_deleted must be one of: any, no, yes, got: quizás"]
    listener.event({"event": "runner_on_failed", "event_data": {"host": "localhost", "res": {
        "argument_errors": wrong, "msg": "Validation of arguments failed:\n" + "\n".join(wrong)}}})
    assert lines == ["Falló   localhost  Falta indicar find_person (--persona). find_deleted (--borrados) no tiene un valor válido. Valores: any, no, yes."]


def test_a_database_and_a_repository_of_one_name_are_two_lines() -> None:
    """Both have one label: the second line was taken for the first told again, and a copy that was made was not told."""
    def done(kind: str, **more: object) -> dict[str, object]:
        return {"event": "runner_on_ok", "event_data": {"host": "bd1", "res": {"backup": {
            "event": "copy_simulated", "label": "SIGA_20261128", "kind": kind, "medium": "nas", **more}}}}

    lines, listener = heard(done("database"), done("source_code"), done("database"), done("source_code"))
    assert lines == ["Se copiaría  SIGA_20261128  nas", "Se copiaría  SIGA_20261128 (Código fuente)  nas"] and listener.done == 2


def test_an_error_names_what_was_typed_here() -> None:
    lines: list[str] = []
    listener = Heard(lines.append, {"restore_part": "parte"})
    for message in ("restore_part: '' no es válido", "restore_parts: x"):
        listener.event({"event": "runner_on_failed", "event_data": {"host": "bd1", "res": {"error": {"code": "RSP101", "message_es": message}}}})
    assert lines == ["Falló   bd1  RSP101: restore_part (--parte): '' no es válido", "Falló   bd1  RSP101: restore_parts: x"]


def test_what_mends_several_failures_in_a_row_is_told_once() -> None:
    def failed(host: str, remedy: str) -> dict[str, object]:
        return {"event": "runner_on_failed", "event_data": {"host": host, "res": {"error": {"code": "RSP101", "message_es": "x: falta", "remedy_es": remedy}}}}

    told = heard(failed("a", "Una."), failed("b", "Una."), failed("c", "Otra."), failed("d", "Una."))[0]
    assert told == ["Falló   a  RSP101: x: falta", "    Una.", "Falló   b  RSP101: x: falta", "Falló   c  RSP101: x: falta", "    Otra.",
                    "Falló   d  RSP101: x: falta", "    Una."]


def test_a_report_says_where_it_is() -> None:
    event = {"event": "runner_on_ok", "event_data": {"host": "localhost", "task_action": "perucompras.respaldo.backup_report", "res": {
        "files": ["/var/lib/respaldo/informes/tablero_2026-11-28.html"]}}}
    lines, listener = heard(event, event, {**event, "event_data": {**event["event_data"], "task_action": "perucompras.respaldo.backup_evidence"}})   # type: ignore[dict-item]
    assert lines == ["Archivo  /var/lib/respaldo/informes/tablero_2026-11-28.html"] and listener.done == 1


def test_a_copy_is_one_line_with_its_warnings() -> None:
    row = {"event": "copy_made", "label": "SIGA_20261128", "size": 4613734, "trust_level": "T3", "medium": "nas-lima", "duration_ms": 12000,
           "warnings_es": ["una carpeta montada no está en la copia"]}
    event = {"event": "runner_on_ok", "event_data": {"host": "h", "res": {"backup": row}}}
    lines, listener = heard(event, event)
    assert lines[0] == "Copiado  SIGA_20261128  4,4 MiB  T3  nas-lima  12 s" and lines[1].strip() == "aviso: una carpeta montada no está en la copia"
    assert len(lines) == 2 and listener.done == 1


def test_the_rows_of_a_table_are_kept_for_machines() -> None:
    rows = [{"system": "SIGA", "due": "yes"}, "x"]
    found = {"plan": rows, "matrix": [{"system": "SIGA"}], "other": [{}], "entries": 7}
    listener = heard({"event": "runner_on_ok", "event_data": {"host": "bd1", "res": found}})[1]
    assert listener.rows == {"plan": [{"host": "bd1", "system": "SIGA", "due": "yes"}], "matrix": [{"host": "bd1", "system": "SIGA"}]}
    assert typed.read(["plan", "--json", "/tmp/plan.json"]).json == "/tmp/plan.json" and typed.read(["plan"]).json == ""
    assert typed.read(["comprobar", "--json", "/tmp/c.json"]).variables == {"check_json": "/tmp/c.json"}      # its role's own


def test_a_failure_is_one_line_with_its_remedy() -> None:
    error = {"code": "RSP402", "message": "full", "message_es": "El medio está lleno", "remedy_es": "Libere espacio."}
    event = {"event": "runner_on_failed", "event_data": {"host": "bd1", "res": {"error": error, "msg": "RSP402"}}}
    lines, listener = heard(event, event)
    assert lines == ["Falló   bd1  RSP402: El medio está lleno", "    Libere espacio."] and listener.failures == 1
    unreachable = {"event": "runner_on_unreachable", "event_data": {"host": "bd1", "res": {"msg": "no route", "unreachable": True}}}
    ignored = {"event": "runner_on_failed", "event_data": {"host": "h", "ignore_errors": True, "res": {"msg": "x"}}}
    lines = heard(unreachable, ignored)[0]
    assert lines[0] == "Falló   bd1  No hay conexión con el servidor: no route" and "ansible -m ping" in lines[1] and len(lines) == 2


def test_rows_of_a_loop_and_of_others_are_told_once_or_not() -> None:
    looped = {"event": "runner_on_failed", "event_data": {"host": "h", "res": {"msg": "One or more items failed", "results": [1]}}}
    rows = [{"event": "copy_not_due"}, "x", {"event": ["odd"]}]
    other = {"event": "runner_on_ok", "event_data": {"host": "h", "res": {"backup": rows, "plan": [{"system": "S"}]}}}
    lines, listener = heard(looped, other, {"event": "verbose", "stdout": "\x1b[0;32mtabla\x1b[0m"}, {"event": "playbook_on_start"})
    assert lines == [] and listener.shown == ["tabla"] and listener.plans == [{"system": "S", "host": "h"}]


def test_recovering_takes_one_way_to_open_and_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(recovering.subprocess, "run", lambda words, **_more: ran.append(words) or subprocess.CompletedProcess(words, 3, "", ""))
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


ANSWERS = (
    ('localhost | FAILED! => {\n    "error": {"code": "RSP794", "message_es": "No es un medio", "remedy_es": "Móntelo."},\n    "failed": true\n}\n',
     "Falló   RSP794: No es un medio\n    Móntelo.\n"),
    ('localhost | CHANGED => {"kit": "M_1", "bitacora": "B_1", "entries": 5, "head_n": 5, "sealed_n": 4, "placed": ["/srv/i"], "unplaced": ["/x"], '
     '"vouched": {"kit": "bitacora", "bitacora": "seal"}}\n',
     "Maletín: M_1 (lo prueba la bitácora)\nBitácora: B_1 (lo prueban los sellos)\n"
     "La cadena está íntegra: 5 asientos, último n=5, con sello hasta el n.º 4\nEn su lugar: /srv/i\nQuedó aparte: /x\n"),
    ('localhost | CHANGED => {"kit": "M_1", "bitacora": "B_1", "entries": 0, "placed": ["/srv/i"]}\n',
     "Maletín: M_1\nBitácora: B_1\nIría a su lugar: /srv/i\n"),
    ("usage: ansible [-h]\n", "usage: ansible [-h]\n"),
    ("localhost | FAILED! => {]}\n", "localhost | FAILED! => {]}\n"),
)


@pytest.mark.parametrize(("printed", "told"), ANSWERS)
def test_what_recovering_came_to_is_told_in_spanish(printed: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It was the JSON that `ansible` prints, in English first, on the day when there is the least time to read."""
    recovering._tell(printed, "")
    assert capsys.readouterr().out == told


def test_warnings_of_recovering_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    recovering._tell(ANSWERS[0][0], "[WARNING]: una cosa\nlarga\n[WARNING]: otra\n[ERROR]: Task failed: x\nOrigin: y\n")
    assert capsys.readouterr().err == "Aviso: una cosa larga\nAviso: otra\n"


def test_what_nobody_vouches_for_is_laid_out_and_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(recovering.subprocess, "run", lambda words, **_more: ran.append(words) or subprocess.CompletedProcess(words, 0, "", ""))
    words = ["recuperar", "--medio", "/m", "--llave", "k", "--motivo", "Incendio", "--documento", "Acta 3"]
    assert recovering.lay_out(typed.read([*words, "--sello", "ab cd", "--huella-maletin", "e"]).variables, str(tmp_path), False) == 0
    given = json.loads(ran[0][ran[0].index("-a") + 1])
    assert (given["seal_key"], given["kit_sha256"], given["private_key_file"]) == ("ab cd", "e", os.path.abspath("k")), "of these only one is a path"
    accepted = typed.read([*words, "--sin-prueba", "Simulacro"]).variables
    assert recovering.lay_out(accepted, str(tmp_path), False) == 71
    assert "ansible-playbook playbooks/recover.yml" in capsys.readouterr().err and recovering.lay_out(
        typed.read([*words, "--sin-prueba", "Simulacro"]).variables, str(tmp_path), True) == 0
