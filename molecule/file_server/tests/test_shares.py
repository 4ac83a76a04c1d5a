# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of two offices, used by their people through Samba; then changed, refused, reported and withdrawn. In the order of the tests."""

from __future__ import annotations

import subprocess
import time

import pytest
from conftest import PASSWORD, PROJECT

LOGISTICA, JURIDICA = "/srv/compartidos/logistica", "/srv/compartidos/asesoría jurídica"
DENIED = "NT_STATUS_ACCESS_DENIED"


@pytest.fixture(scope="module", autouse=True)
def sent(files1):
    """A file that people send."""
    files1.check_output("echo 'términos de referencia' > /tmp/envío.txt && chmod 0644 /tmp/envío.txt")


def test_both_are_assigned_and_recorded_once(entries):
    """The second run of converge, for Molecule's idempotence, left no entry."""
    found = entries(type="path_assigned")
    assert [(row["system"], row["path"], row["office"], row["responsible"]) for row in found] == [
        ("Logística", LOGISTICA, "Oficina de Logística", "Carmen Soto Rivas"),
        ("Asesoría Jurídica", JURIDICA, "Oficina de Asesoría Jurídica", "Carmen Soto Rivas")]
    assert found[0]["document"] == "Memorando 012-2026-OTI" and found[0]["numeral"] == "5.2" and found[0]["host"] == "files1"
    first, second = [row["run"] for row in entries(type="run_started", playbook="converge.yml")][:2]
    assert {row["run"] for row in found} == {first} and not [row for row in entries(run=second) if "path" in row]


def test_a_limit_that_can_not_be_set_is_told(entries):
    assert "Sin cuota de 50 GiB: / (overlay) no admite límites por carpeta." in entries(type="path_assigned", system="Asesoría Jurídica")[0]["warnings_es"]


def test_rights_of_the_directories(files1):
    assert files1.check_output("stat -c '%%a %%U %%G' %s", LOGISTICA) == "2770 root of-logistica"
    shown = files1.check_output("getfacl -p -c %s", LOGISTICA).split()
    assert shown == ["user::rwx", "group::rwx", "group:of-logistica-lectura:r-x", "mask::rwx", "other::---", "default:user::rwx", "default:group::rwx",
                     "default:group:of-logistica-lectura:r-x", "default:mask::rwx", "default:other::---"]


# -- people -------------------------------------------------------------------------------------------------------------
def test_a_member_writes_and_the_second_member_goes_on(files1, client):
    client("aquispe", "Logística", 'mkdir "Año 2026"; put envío.txt "Año 2026/señal.txt"')
    client("lrojas", "Logística", 'get "Año 2026/señal.txt" /tmp/leído.txt; put envío.txt "Año 2026/señal.txt"; put envío.txt "Año 2026/otro.txt"')
    client("aquispe", "Logística", 'rename "Año 2026/otro.txt" "Año 2026/renombrado.txt"')
    assert files1.check_output("cat /tmp/leído.txt") == "términos de referencia"
    place = LOGISTICA + "/Año 2026"
    assert files1.check_output("stat -c '%%G %%a' %s", place) == "of-logistica 2770"
    for name in ("señal.txt", "renombrado.txt"):
        rights = files1.check_output("getfacl -p -c %s", place + "/" + name).split()
        assert "group:of-logistica:rwx" in rights or "group::rwx" in rights
        assert {"group:of-logistica-lectura:r-x", "other::---"} <= set(rights)
        assert files1.check_output("stat -c %%G %s", place + "/" + name) == "of-logistica"


def test_a_reader_reads_and_does_not_write(client):
    assert "términos de referencia" in client("vdiaz", "Logística", 'get "Año 2026/señal.txt" -')
    for command in ("put envío.txt nuevo.txt", 'put envío.txt "Año 2026/señal.txt"', 'rm "Año 2026/señal.txt"', "mkdir nueva", 'rename "Año 2026" otra'):
        assert DENIED in client("vdiaz", "Logística", command, status=None), command
    assert "señal.txt" in client("vdiaz", "Logística", 'ls "Año 2026/*"')


@pytest.mark.parametrize(("who", "share"), [("rhuaman", "Logística"), ("aquispe", "Asesoría Jurídica"), (None, "Logística"), (None, "Asesoría Jurídica")])
def test_another_office_and_guests_are_refused(client, who, share):
    assert DENIED in client(who, share, "ls", status=1)


def test_a_hidden_folder_is_not_listed(files1):
    listed = files1.check_output("smbclient --list localhost --user=rhuaman%%%s 2>/dev/null", PASSWORD)
    assert "Logística" in listed and "Jurídica" not in listed


def test_a_link_to_outside_leads_nowhere(files1, client):
    """Samba does not follow it either, so nobody reads what the copy would not hold."""
    files1.check_output("ln -s /etc/passwd %s && ln -s /etc %s", LOGISTICA + "/fichero", LOGISTICA + "/carpeta")
    assert "root:" not in client("aquispe", "Logística", "get fichero -", status=None)
    assert "passwd" not in client("aquispe", "Logística", "ls carpeta/*", status=None)
    files1.check_output("rm %s %s", LOGISTICA + "/fichero", LOGISTICA + "/carpeta")


def test_a_deleted_file_waits_where_there_is_a_bin(files1, client):
    client("aquispe", "Logística", 'put envío.txt borrado.txt; rm borrado.txt')
    client("rhuaman", "Asesoría Jurídica", "put envío.txt borrado.txt; rm borrado.txt")
    binned = LOGISTICA + "/.papelera/aquispe/borrado.txt"
    assert files1.file(binned).exists and files1.check_output("find %s -mindepth 1", JURIDICA) == ""
    assert DENIED in client("lrojas", "Logística", "get .papelera/aquispe/borrado.txt -", status=None)
    files1.check_output("systemd-tmpfiles --clean /etc/tmpfiles.d/respaldo-Log_edstica.conf")
    assert files1.file(binned).exists
    time.sleep(2)
    files1.check_output("sed 's/30d/1s/' /etc/tmpfiles.d/respaldo-Log_edstica.conf > /tmp/pronto.conf && systemd-tmpfiles --clean /tmp/pronto.conf")
    assert not files1.file(binned).exists and files1.file(LOGISTICA + "/Año 2026/señal.txt").exists


# -- changes ------------------------------------------------------------------------------------------------------------
def test_check_mode_changes_nothing_and_tells_all(snapshot, run, folders, entries):
    before, known = snapshot(), len(entries())
    more = {"name": "Imagen", "path": "/srv/compartidos/imagen", "office": "Oficina de Comunicaciones", "group": "of-imagen", "recycle_days": 7}
    given = folders(logistica={"recycle_days": 10, "readers": "of-otros", "readers_members": []}, juridica={"state": "withdrawn"}, more=[more])
    done = run("shared_folder.yml", given, "--check", "--diff")
    assert snapshot() == before
    simulated = [(row["type"], row["system"]) for row in entries()[known:] if row.get("simulated") and "path" in row]
    assert simulated == [("path_changed", "Logística"), ("path_withdrawn", "Asesoría Jurídica"), ("path_assigned", "Imagen")]
    for line in ('-    valid users = +"of-logistica", +"of-logistica-lectura"', '+    valid users = +"of-logistica", +"of-otros"', "+[Imagen]",
                 "-[Asesoría Jurídica]"):
        assert line in done.stdout, line


def test_a_change_does_not_end_a_session(files1, run, folders, entries):
    """A client that is at work while the description changes goes on with its session."""
    session = subprocess.Popen(
        ["ssh", "-F", str(PROJECT / ".cache/lab/ssh_config"), "files1", "smbclient //localhost/Logística --user=lrojas%" + PASSWORD],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        session.stdin.write('cd "Año 2026"\nposix\nls\n')
        session.stdin.flush()
        time.sleep(1)
        held = "smbstatus --shares 2>/dev/null | awk '$1 == \"Logística\" {print $2, $3}'"
        before = files1.check_output(held)
        run("shared_folder.yml", folders(logistica={"description": "Compras y contratos", "document": "Memorando 020-2026-OTI"}))
        assert before and files1.check_output(held) == before
        told = session.communicate("put /etc/hostname durante.txt\nls\nquit\n", timeout=60)[0]
    finally:
        session.kill()
    assert "durante.txt" in told and session.returncode == 0
    changed = [row for row in entries(type="path_changed") if not row.get("simulated")]
    assert [(row["system"], row["note_es"]) for row in changed] == [("Logística", "recurso de Samba: documento, comment")]
    assert changed[0]["document"] == "Memorando 020-2026-OTI"
    listed = files1.check_output("smbclient --list localhost --user=lrojas%%%s 2>/dev/null", PASSWORD)
    assert "Compras y contratos" in listed


def test_rights_that_drifted_come_back(files1, run, folders, entries):
    files1.check_output("chmod 0777 %s && setfacl -m u:rhuaman:rwx %s && gpasswd -a rhuaman of-logistica", LOGISTICA, LOGISTICA)
    run("shared_folder.yml", folders())
    assert files1.check_output("stat -c %%a %s", LOGISTICA) == "2770" and "rhuaman" not in files1.check_output("getfacl -p -c %s", LOGISTICA)
    note = entries(type="path_changed")[-1]["note_es"]
    assert "integrantes de of-logistica: aquispe, lrojas" in note and "permisos de la carpeta" in note
    assert files1.check_output("getent group of-logistica").endswith(":aquispe,lrojas")


REFUSALS = {
    "another path": (dict(logistica={"path": "/srv/compartidos/otra"}), "RSP112"),
    "withdrawn by another path": (dict(logistica={"path": "/srv/compartidos/otra", "state": "withdrawn"}), "RSP112"),
    "a name that smb.conf has": (dict(more=[{"name": "Planos", "path": "/srv/compartidos/planos", "office": "x", "group": "of-planos"}]), "RSP113"),
    "a path in another's": (dict(more=[{"name": "Dentro", "path": LOGISTICA + "/dentro", "office": "x", "group": "of-dentro"}]), "RSP101"),
    "no such account": (dict(logistica={"members": ["nadie-aquí"]}), "RSP101"),
    "no parent": (dict(more=[{"name": "Lejos", "path": "/srv/no/está", "office": "x", "group": "of-lejos"}]), "RSP101"),
    "a link": (dict(more=[{"name": "Enlace", "path": "/srv/enlace", "office": "x", "group": "of-enlace"}]), "RSP110"),
    "a place of the system": (dict(more=[{"name": "Sistema", "path": "/etc/compartido", "office": "x", "group": "of-sistema"}]), "RSP101"),
}


@pytest.fixture(scope="module")
def in_the_way(files1):
    """A share of somebody else's in smb.conf, and a link where a folder would be."""
    files1.check_output("sed -i '1i [Planos]\\n   path = /srv/planos\\n' /etc/samba/smb.conf && ln -sfn /root /srv/enlace")
    yield
    files1.check_output("sed -i '1,3d' /etc/samba/smb.conf && rm /srv/enlace")


@pytest.mark.parametrize("case", REFUSALS)
def test_refused_and_nothing_touched(in_the_way, snapshot, run, folders, entries, case):
    changes, code = REFUSALS[case]
    before, known = snapshot(), len(entries())
    done = run("shared_folder.yml", folders(**changes), status=2)
    assert code in done.stdout and snapshot() == before
    last = entries()[known:]
    refused = [row for row in last if row["type"] == "path_refused"]
    assert [row["error_code"] for row in refused] == [code] or code in last[-1].get("note_es", last[-2].get("note_es", "")), last
    assert not [row for row in last if row["type"] in ("path_assigned", "path_changed", "path_withdrawn")]


def test_every_mistake_is_told_at_once(run, snapshot):
    before = snapshot()
    bad = [{"name": "A/B", "path": "relativa", "office": "x", "group": "of-x", "quota": 3}, {"name": "C", "path": "/srv/c", "office": "x"}]
    told = run("shared_folder.yml", bad, status=2).stdout
    for word in ("[0].name", "[0].path", "[0].quota", "[1].group"):
        assert "backup_shared_folders" + word in told
    assert snapshot() == before


@pytest.mark.parametrize(("what", "word"), [("mv {0} {0}-2025", "logistica-2025"), ("mv {0} {0}-2025 && ln -s /etc {0}", "es un enlace a /etc")])
def test_a_folder_that_is_not_itself_is_not_made_anew(files1, run, folders, entries, what, word):
    files1.check_output(what.format(LOGISTICA))
    try:
        run("shared_folder.yml", folders(), status=2)
        refused = entries(type="path_refused")[-1]
        assert refused["error_code"] == "RSP110" and word in refused["error_message_es"]
        assert not files1.file(LOGISTICA).exists or files1.file(LOGISTICA).is_symlink
    finally:
        files1.check_output("rm -f {0} && mv {0}-2025 {0}".format(LOGISTICA))


def test_an_assignment_without_an_entry_gets_one(run, folders, tmp_path):
    """A run that was killed after the share was in force: the next one, here with another bitácora, tells of it."""
    store = tmp_path / "bitacora.sqlite"
    run("shared_folder.yml", folders(), environment={"RESPALDO_BITACORA": str(store)})
    found = subprocess.run(["sqlite3", str(store), "SELECT sistema, resultado, ubicacion, observaciones FROM bitacora WHERE resultado LIKE 'Ruta%'"],
                           check=True, stdout=subprocess.PIPE, text=True).stdout
    assert "Logística|Ruta asignada|/srv/compartidos/logistica|ya estaba en vigor en el servidor, sin asiento" in found


# -- report -------------------------------------------------------------------------------------------------------------
def test_report_and_growth(files1, run, folders, entries):
    place = LOGISTICA + "/informe"
    files1.check_output("mkdir %s && truncate -s 3M %s && truncate -s 5M %s && touch -d '2001-02-03 12:00' %s && touch %s",
                        place, place + "/música.MP3", place + "/grande.bin", place + "/antiguo.txt", place + "/dos\nlíneas")
    first = run("shared_folder_report.yml", folders()).stdout
    for word in ("Logística (Oficina de Logística)", "primer informe", "1 mp3 (3,0 MiB)", "informe/música.MP3", "2001-02-03  informe/antiguo.txt",
                 "dos\\x0alíneas"):
        assert word in first, word
    one = entries(type="folder_reported", system="Logística")[0]
    assert one["size"] > 8 << 20 and one["objects"] >= 6 and one["path"] == LOGISTICA and one["office"] == "Oficina de Logística"
    files1.check_output("truncate -s 1M %s", place + "/nuevo.bin")
    run("shared_folder_report.yml", folders(), "--check")
    second = run("shared_folder_report.yml", folders()).stdout
    two = entries(type="folder_reported", system="Logística")[-1]
    assert two["size"] - two["previous_size"] == 1 << 20 and two["previous_size"] == one["size"]
    assert "+1,0 MiB y +1 archivos desde el" in second and "+1,0 MiB y +1 archivos" in two["note_es"]
    files1.check_output("rm -r %s", place)


# -- withdrawal ---------------------------------------------------------------------------------------------------------
def test_withdrawing_keeps_the_data_and_ends_the_access(files1, client, run, folders, entries, tree):
    before = tree(LOGISTICA)
    run("shared_folder.yml", folders(logistica={"state": "withdrawn"}))
    assert tree(LOGISTICA) == before
    assert "NT_STATUS_BAD_NETWORK_NAME" in client("aquispe", "Logística", "ls", status=1)
    client("rhuaman", "Asesoría Jurídica", "ls")
    assert entries(type="path_withdrawn")[-1]["path"] == LOGISTICA and not files1.file("/etc/tmpfiles.d/respaldo-Log_edstica.conf").exists
    again = run("shared_folder.yml", folders(logistica={"state": "withdrawn"}))
    assert "changed=0" in again.stdout and len(entries(type="path_withdrawn")) == 1 + len(entries(type="path_withdrawn", simulated=True))


def test_a_folder_taken_out_of_the_list_stays_and_is_told(run, folders, client):
    told = run("shared_folder.yml", folders(logistica={"state": "withdrawn"})[:1]).stdout
    assert "no están en el inventario" in told and "Asesoría Jurídica" in told
    client("rhuaman", "Asesoría Jurídica", "ls")


def test_what_was_withdrawn_can_be_assigned_elsewhere_and_back(files1, client, run, folders, entries, tree):
    other = "/srv/compartidos/logística nueva"
    run("shared_folder.yml", folders(logistica={"path": other}))
    client("aquispe", "Logística", "put envío.txt aquí.txt")
    assert files1.file(other + "/aquí.txt").exists
    run("shared_folder.yml", folders(logistica={"path": other, "state": "withdrawn"}))
    run("shared_folder.yml", folders())
    assert [row["path"] for row in entries(type="path_assigned", system="Logística")] == [LOGISTICA, other, LOGISTICA]
    assert "señal.txt" in client("lrojas", "Logística", 'ls "Año 2026/*"')
