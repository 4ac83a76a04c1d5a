# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A newcomer's month: each row of what was tried at first, typed as the guide prints it. `make month`; one row needs those before it."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import sqlite3
import subprocess

from institution import SERVERS, TOP, Institution, quoted


def section(title: str) -> str:
    """The first block of lines to type that the guide has after these words."""
    found = (TOP / "docs/guia-operador.md").read_text("utf-8").partition(title)[2]
    return found.partition("```sh\n")[2].partition("\n```")[0]


# ansible-playbook, as the guide types it; what INV and LLAVE are it says at its head
PLAY = "ansible-playbook playbooks/{}.yml INV LLAVE"


def test_own_inventory(month: Institution) -> None:
    """example -> own inventory: nine systems on six hosts"""
    month.at(0, "09:00")
    told = month.typed(quoted(
        "respaldo", "nuevo", "--sin-preguntas", "--institucion", "Municipalidad de Ejemplo", "--jefe", "Rosa Huamán Ccori <rosa@example.org>",
        "--egcr", "Ana Quispe Núñez <ana@example.org>", "--llave-publica", str(month.key("ana@example.org")), "--directorio", str(month.inventory),
        "--archivo-de-vault", str(month.place / "vault.pass"), "--medio", str(month.media), "--estado", str(month.state),
        "--conf", str(month.place / "nuevo.conf"), *month.systems()), RESPALDO_CONF="")
    assert "10 sistemas, con la bitácora, en 6 servidores" in told.out, told.all
    (month.place / "nuevo.conf").rename(month.place / "respaldo.conf")
    # the only thing that is not as an institution has it: its servers are this machine
    month.replaced("hosts.yml", "        ansible_user: root\n",
                   '        ansible_connection: local\n        ansible_python_interpreter: "{{ ansible_playbook_python }}"\n')
    assert {path.stem for path in (month.inventory / "host_vars").iterdir()} == {*SERVERS, "controlador"}


def test_plan(month: Institution) -> None:
    """plan.yml"""
    month.at(0, "09:10")
    told = month.typed("respaldo plan").out
    systems = ("SIGA", "Catálogos Electrónicos", "Mesa de Partes", "Encuestas", "Portal", "Herramientas", "Logística", "RRHH", "Bitácora de respaldos")
    assert all(re.search(rf"^{name} +\S", told, re.MULTILINE) for name in systems) and "corresponde" in told, told


def test_site_check(month: Institution) -> None:
    """site.yml --check"""
    month.at(0, "19:50")
    month.mark()
    told = month.typed("respaldo copiar --simular").out
    assert told.count("Se copiaría  ") == 10 and "SIGA" in told, told
    assert not month.entries("copy_made") and not list(month.media.rglob("SHA256SUMS"))


def test_site(month: Institution) -> None:
    """site.yml"""
    month.at(0, "20:00")
    month.mark()
    told = month.typed("respaldo copiar")
    assert told.out.count("Copiado  ") == 10 and "terminó bien" in told.err, told.all
    assert re.search(rf"^Copiado  {month.label('SIGA', 0)}  \S+ \S+  T2  local  \d+ s$", told.out, re.MULTILINE), told.out
    made = month.entries("copy_made")
    assert len(made) == 10 and all(row["trust_level"] == "T2" for row in made)
    shown = month.typed(f"respaldo bitacora --desde {month.day(0)}").out
    assert "La cadena está íntegra" in shown and month.label("MesadePartes", 0) in shown, shown


def test_days_nights_and_weekends(month: Institution) -> None:
    """second day, night window, weekend"""
    month.at(1, "10:00")
    month.mark()
    told = month.typed("respaldo copiar").out
    assert month.label("SIGA", 1) in told and "Logistica" not in told, told
    month.at(1, "20:00")
    told = month.typed("respaldo copiar").out
    assert {row["system"] for row in month.entries("copy_made", kind="file_server")} == {"Logística", "RRHH"}, told
    (month.place / "logistica/acta.txt").write_text("acta\n", "utf-8")
    month.at(5, "11:00")      # a Saturday
    month.mark()
    month.typed("respaldo copiar")
    assert {row["system"] for row in month.entries("copy_made", kind="file_server")} == {"Logística", "RRHH"}


def test_first_warning(month: Institution) -> None:
    """first warn.yml"""
    month.at(5, "12:00")
    port = month.inbox.port
    month.edit("group_vars/all/avisos.yml", backup_warn_mail={
        "host": "127.0.0.1", "port": port, "sender": "respaldo@example.org", "to": ["oti@example.org"], "by_role": True})
    told = month.typed("respaldo avisar", status=2).out
    assert "RSP906" in told and "security: none" in told, told
    month.replaced("group_vars/all/avisos.yml", "  by_role: true\n", "  by_role: true\n  security: none\n")
    month.typed("respaldo avisar")
    assert month.inbox.texts()


def test_a_night_that_failed(month: Institution) -> None:
    """night failure (PostgreSQL stopped)"""
    month.at(6, "20:00")
    month.mark()
    month.postgres.stop(signal.SIGINT)
    try:
        told = month.typed("respaldo copiar", status=2)
    finally:
        month.postgres.start()
    assert re.search(r"^Falló   bd1.example.org  .*RSP202.*\n    \S", told.out, re.MULTILINE), told.out
    assert {row["system"] for row in month.entries("copy_made")} >= {"Logística", "RRHH"}
    month.at(6, "23:00")
    month.inbox.forget()
    month.typed("respaldo avisar")
    mail = "\n".join(month.inbox.texts())
    assert "SIGA" in mail and "Ana Quispe" in mail and "RSP202" in mail and "PostgreSQL" in mail, mail
    assert "Qué hacer" in mail, mail
    month.at(7, "06:00")
    assert month.label("SIGA", 7) in month.typed("respaldo copiar").out
    month.inbox.forget()
    month.typed("respaldo avisar")
    assert re.search("resuelto", "\n".join(month.inbox.texts()), re.IGNORECASE)


def test_one_database_of_two(month: Institution) -> None:
    """restore one database of two"""
    month.at(7, "10:00")
    month.mark()
    told = month.typed("respaldo restaurar 'Catálogos Electrónicos' --destino auditoria_restaurada", status=2).out
    assert "restore_part (--parte): " in told and re.search(r"Indique una de estas: (auditoria, catalogos|catalogos, auditoria)\.", told), told
    told = month.typed("respaldo restaurar 'Catálogos Electrónicos' --parte auditoria --destino auditoria_restaurada --ticket 2026-0117", status=2).out
    assert "RSP763" in told, told      # a ticket is a request, and that one is of nobody
    told = month.typed("respaldo restaurar 'Catálogos Electrónicos' --parte auditoria --destino auditoria_restaurada").out
    assert re.search(rf"^Restaurado  {month.label('CatalogosElectronicos', 7)}", told, re.MULTILINE), told
    assert month.postgres.sql("SELECT count(*), min(asunto) FROM expediente", "auditoria_restaurada") == "200|auditoria 1\n"
    assert month.entries("restored", system="Catálogos Electrónicos")


def test_one_table(month: Institution) -> None:
    """restore of one table"""
    month.at(7, "10:15")
    month.postgres.sql("DELETE FROM expediente WHERE numero > 100", "siga")
    month.typed("respaldo restaurar SIGA --tipo base-de-datos --destino siga_restaurada")
    socket = f"PGHOST={month.postgres.directory} PGPORT={month.postgres.port} PGUSER=postgres"
    for line in section("**Una sola tabla.**").splitlines():
        month.typed(f"export {socket}; {line}")
    assert month.postgres.sql("SELECT count(*) FROM expediente_restaurada", "siga") == "200\n"


def test_a_file_a_repository_and_sqlite(month: Institution) -> None:
    """restore a file / repo / SQLite"""
    month.at(7, "10:30")
    (month.place / "logistica/contrato.txt").unlink()
    told = month.typed("respaldo restaurar 'Logística' --rutas contrato.txt").out
    label = re.search(r"^Restaurado  (\S+)", told, re.MULTILINE)
    assert label, told
    assert (month.place / "logistica" / f"_restaurado_{label[1]}" / "contrato.txt").read_text("utf-8") == "contrato de logistica\n"
    for host in ("app1", "git1"):
        month.replaced(f"host_vars/{host}.example.org.yml", "backup_assigned_paths:\n", f"backup_assigned_paths:\n  - {month.place}/vuelta\n")
    (month.place / "vuelta").mkdir()
    month.typed(f"respaldo restaurar Portal --destino {month.place}/vuelta/portal.git")
    back = subprocess.run(["git", "-C", str(month.place / "vuelta/portal.git"), "log", "--format=%s", "main"], capture_output=True, text=True, check=True)
    assert back.stdout == "primera\n"
    month.typed(f"respaldo restaurar Encuestas --destino {month.place}/vuelta/encuestas.db")
    with contextlib.closing(sqlite3.connect(month.place / "vuelta/encuestas.db")) as base:
        assert base.execute("SELECT * FROM respuesta").fetchall() == [(1, "sí")]


def test_emergency(month: Institution) -> None:
    """emergency, one and all"""
    month.at(8, "11:00")
    month.mark()
    month.typed("respaldo copiar SIGA 'Mesa de Partes' --motivo 'aviso de ransomware'")
    assert {row["system"] for row in month.entries("copy_made")} == {"SIGA", "Mesa de Partes"}
    month.at(8, "12:00")
    month.mark()
    told = month.typed("respaldo copiar --motivo 'aviso de ransomware'").out
    made = month.entries("copy_made")
    assert len(made) == 10 and all("aviso de ransomware" in row["reason_text"] for row in made), told


def test_transfer(month: Institution) -> None:
    """transfer.yml"""
    month.at(9, "06:30")
    month.replaced("group_vars/all/medios.yml", "    create: true\n",
                   f"    create: true\n  - name: segundo\n    type: local\n    path: {month.place}/segundo\n    create: true\n    default: false\n"
                   "backup_repository: segundo\n")
    month.mark()
    told = month.typed("respaldo trasladar --simular").out
    assert "Se trasladaría  " in told and not month.entries("copy_transferred"), told
    told = month.typed("respaldo trasladar").out
    moved = month.entries("copy_transferred")
    assert len(moved) >= 20 and told.count("Trasladado  ") == len(moved), told
    for row in [row for row in moved if row["kind"] != "file_server"][:3]:      # a repository of restic has no directory of a copy
        there, = (month.place / "segundo" / row["kind"]).rglob(row["label"])
        here, = (month.media / row["kind"]).rglob(row["label"])
        assert (there / "SHA256SUMS").read_bytes() == (here / "SHA256SUMS").read_bytes()


def test_prune_and_hold(month: Institution) -> None:
    """prune --check, prune, hold"""
    month.at(9, "07:00")
    month.mark()
    held = month.label("SIGA", 0)
    told = month.typed(f"{PLAY.format('hold')} -e hold_system=SIGA -e hold_kind=database -e hold_label={held} -e 'hold_reason=\"Oficio 117 del OCI\"'").out
    number = month.entries("copy_held")
    assert number and str(number[0]["n"]) in told, told
    month.replaced("policy.yml", "    numeral: 7.2.1\n", "    numeral: 7.2.1\n    retention: {points: 3}\n")
    told = month.typed("respaldo retirar --simular").out
    assert "Se retiraría  " in told, told
    told = month.typed("respaldo retirar").out
    gone = {row["label"] for row in month.entries("copy_pruned")}
    assert gone and held not in gone and list(month.media.rglob(held)), told


def test_drill(month: Institution) -> None:
    """drill.yml"""
    month.at(10, "01:00")
    month.mark()
    told = month.typed("respaldo probar").out
    proved = month.entries("copy_verified")
    systems = {row["system"] for row in proved}
    assert {"SIGA", "Catálogos Electrónicos", "Mesa de Partes", "Logística"} <= systems, told
    # whole restores prove as much: what came back in the row before is not due; of Logística only a file did
    assert ("Encuestas" in systems) != ("Encuestas" in month.earlier("restored")), told
    assert all(row["trust_level"] in ("T3", "T4") for row in proved), told


def test_verify_and_reconcile(month: Institution) -> None:
    """verify, reconcile"""
    month.at(10, "03:30")
    month.mark()
    month.typed("respaldo verificar")
    assert month.entries("copy_verified")
    month.typed("respaldo conciliar")


def test_custody_and_a_new_person(month: Institution) -> None:
    """custody; new EGCR"""
    month.at(11, "08:30")
    month.mark()
    month.typed("respaldo custodiar")
    envelope = sorted((month.state / "custodia/database/SIGA").glob("*.yml.asc"))[-1]
    assert month.opens("ana@example.org", envelope)
    # as the guide has it: who is replaced gets `until` and stays, and the new one a key
    shutil.copy(month.key("eva@example.org"), month.inventory / "llaves/eva.asc")
    key = f"          public_key_file: {month.inventory}/llaves/egcr.asc\n"
    month.replaced("group_vars/all/personas.yml", key,
                   f'{key}          until: "{month.day(10)}"\n        - name: "Eva Ruiz Díaz"\n          email: "eva@example.org"\n'
                   f'          from: "{month.day(11)}"\n          public_key_file: "{month.inventory}/llaves/eva.asc"\n')
    month.typed("respaldo custodiar")
    assert month.opens("eva@example.org", envelope) and not month.opens("ana@example.org", envelope)


def test_anchor(month: Institution) -> None:
    """anchor.yml"""
    month.at(12, "07:30")
    told = month.typed(PLAY.format("anchor"), status=2)
    assert "backup_anchor_mail" in told.all, told.all
    month.edit("group_vars/all/avisos.yml", backup_anchor_mail={
        "host": "127.0.0.1", "port": month.inbox.port, "sender": "respaldo@example.org", "to": ["oci@example.org"], "security": "none"})
    month.inbox.forget()
    month.typed(PLAY.format("anchor"))
    mail = month.place / "correo.eml"
    mail.write_bytes(month.inbox.messages[0])
    chain = TOP / "plugins/plugin_utils/_bitacora/chain.py"
    month.typed(f"python3 {chain} {month.bitacora} --anchor {mail}")
    # who cuts its end, and all that would show it here, is found by the mail
    cut = month.place / "cortada.sqlite"
    shutil.copy(month.bitacora, cut)
    with contextlib.closing(sqlite3.connect(cut)) as base, base:
        for name, in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            base.execute(f'DROP TRIGGER "{name}"')
        base.execute("DELETE FROM entries WHERE n > 20")
    month.typed(f"python3 {chain} {cut} --anchor {mail}", status=1)


def test_excuse_and_compliance(month: Institution) -> None:
    """excuse -> compliance"""
    month.at(14, "20:00")
    month.typed("respaldo copiar")
    month.mark()
    told = month.typed(f"{PLAY.format('excuse')} -e excuse_system=SIGA -e excuse_kind=database -e excuse_from={month.day(10)} -e excuse_until={month.day(13)} "
                       "-e 'excuse_reason=\"Corte de energía\"' -e 'excuse_requester=\"Ana Quispe Núñez\"'").out
    assert str(month.entries("excuse")[0]["n"]) in told, told
    told = month.typed(f"respaldo cumplimiento --desde {month.day(0)[:7]} --hasta {month.day(14)[:7]} --json {month.place}/meses.json").out
    assert "SIGA" in told and "ustificad" in told, told


def test_report_and_evidence(month: Institution) -> None:
    """compliance, report, evidence"""
    month.at(14, "21:00")
    month.typed("respaldo restaurar SIGA --tipo base-de-datos --destino siga_restaurada --simular")
    month.edit("group_vars/all/informes.yml", report_directory=f"{month.place}/informes")
    told = month.typed("respaldo informe").out
    board, = (month.place / "informes").glob("tablero_*.html")
    page = board.read_text("utf-8")
    assert f"Archivo  {board}" in told and "no tiene fin" not in page, told
    assert "<p>Ninguna.</p>" in page.partition('<h2 id="abiertas">')[2].partition("</section>")[0]      # a restore that was only simulated is not going on
    told = month.typed(f"{PLAY.format('evidence')} -e evidence_since={month.day(0)[:7]} -e evidence_until={month.day(14)[:7]} "
                       f"-e evidence_dest={month.place}/evidencia.zip")
    assert f"{month.place}/evidencia.zip" in told.out
    month.typed("unzip -q evidencia.zip -d evidencia && cd evidencia && sha256sum --quiet --check SHA256SUMS && python3 verificador/chain.py bitacora.sqlite",
                where=month.place)


def test_medium_full(month: Institution) -> None:
    """medium full"""
    month.at(15, "20:00")
    small = month.mounted("chico", "size=96k")
    month.replaced("group_vars/all/medios.yml", "  - name: local\n",
                   f"  - name: chico\n    type: local\n    path: {small}\n    default: false\n  - name: local\n")
    month.replaced("host_vars/app1.example.org.yml", "    criticality: baja\n", "    criticality: baja\n    media: [chico]\n")
    month.mark()
    month.typed("respaldo copiar Encuestas --motivo 'antes de llenarlo'")
    with contextlib.closing(sqlite3.connect(month.place / "encuestas.db")) as base, base:
        base.execute("INSERT INTO respuesta SELECT 2, hex(randomblob(200000))")
    before = sorted(small.rglob("*"))
    told = month.typed("respaldo copiar Encuestas --motivo 'no cabe'", status=2).out
    assert "RSP402" in told and sorted(small.rglob("*")) == before, told


def test_medium_gone(month: Institution) -> None:
    """share unmounted / read-only / renamed path"""
    month.at(15, "21:00")
    small = month.place / "chico"
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    assert "RSP401" in month.typed("respaldo copiar Encuestas --motivo 'solo lectura'", status=2).out
    month.unmount(small)
    assert "RSP409" in month.typed("respaldo copiar Encuestas --motivo 'sin montar'", status=2).out
    month.replaced("host_vars/app1.example.org.yml", "    media: [chico]\n", "")
    month.typed("respaldo copiar Encuestas --motivo 'ya está'")
    month.replaced("group_vars/all/medios.yml", f"path: {month.media}\n", f"path: {month.place}/renombrado\n")
    assert "RSP409" in month.typed("respaldo copiar Encuestas --motivo 'otra ruta'", status=2).out
    month.replaced("group_vars/all/medios.yml", f"path: {month.place}/renombrado\n", f"path: {month.media}\n")


def test_server_renamed(month: Institution) -> None:
    """server renamed"""
    month.at(16, "20:00")
    month.replaced("hosts.yml", "app1.example.org", "app9.example.org")
    (month.inventory / "host_vars/app1.example.org.yml").rename(month.inventory / "host_vars/app9.example.org.yml")
    month.mark()
    told = month.typed("respaldo copiar Encuestas --motivo 'cambió de nombre'", status=2).out
    assert "RSP120" in told and "moved_from" in told, told
    month.replaced("host_vars/app9.example.org.yml", "    criticality: baja\n", "    criticality: baja\n    moved_from: app1.example.org\n")
    month.typed("respaldo copiar Encuestas --motivo 'cambió de nombre'")
    assert month.entries("copy_made", host="app9.example.org")


def test_two_at_once(month: Institution) -> None:
    """two runs at once"""
    month.at(17, "20:00")
    month.mark()
    month.typed("respaldo copiar > uno & respaldo copiar > dos; wait", where=month.place)
    labels = [row["label"] for row in month.entries("copy_made")]
    assert labels and len(labels) == len(set(labels)) and {"SIGA", "RRHH"} <= {row["system"] for row in month.entries("copy_made")}


def test_cut_by_the_keyboard(month: Institution) -> None:
    """Ctrl-C"""
    month.at(17, "21:00")
    month.mark()
    month.cut("respaldo copiar --motivo 'se cortó'", lambda: bool(month.entries("copy_started")), status=99)
    month.typed("respaldo copiar SIGA --motivo 'otra vez'")
    assert "interrumpida" in month.typed(f"respaldo bitacora --desde {month.day(17)}").out


def test_a_bare_environment(month: Institution) -> None:
    """cron's bare environment"""
    month.at(18, "20:00")
    bare = f"env -i LD_PRELOAD=$LD_PRELOAD MONTH_SHIFT=$MONTH_SHIFT HOME=$HOME PATH=$PATH respaldo copiar --conf {month.place}/respaldo.conf"
    assert month.label("SIGA", 18) in month.typed(bare, where=month.place).out
