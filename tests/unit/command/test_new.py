# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`respaldo nuevo`: what it writes for nine systems, what it asks at a terminal, and what it refuses, with nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from plugins.module_utils._engine.policy import policy
from plugins.plugin_utils._command import answering, describing, new, typed, writing
from plugins.plugin_utils._command.configured import Unusable
from plugins.plugin_utils._command.typed import Mistake

TOP = Path(__file__).resolve().parents[3]
NINE = (
    "tipo=postgresql; nombre=SIGA; servidor=bd1.example.org; bases=siga; criticidad=alta; organo=Oficina de Administración",
    "tipo=postgresql; nombre=Catálogos Electrónicos; servidor=bd1.example.org; bases=catalogos,auditoria; criticidad=alta",
    "tipo=mariadb; nombre=Trámite; servidor=bd2.example.org; bases=tramite; usuario=respaldo; contrasena={0}/clave",
    "tipo=sqlite; nombre=Encuestas; servidor=app1.example.org; ruta=/srv/encuestas/e.db; criticidad=baja",
    "tipo=git; nombre=SIGA; servidor=git1.example.org; ruta=/srv/git/siga.git",
    "tipo=git; nombre=PORTAL; ruta=https://git.example.org/oti/portal.git",
    "tipo=git; nombre=Herramientas; servidor=git1.example.org; ruta=/srv/git/tools.git; criticidad=baja",
    "tipo=directorio; nombre=Portal institucional; servidor=app1.example.org; ruta=/srv/portal; criticidad=baja",
    "tipo=carpeta; nombre=Logística; servidor=archivos1.example.org; ruta=/srv/compartido/logistica,/srv/compartido/almacen; organo=Oficina de Logística",
)


def words(place: Path, *more: str, systems: tuple[str, ...] = ("tipo=sqlite; nombre=Mesa; ruta=/srv/mesa.db",), leave: str = "") -> list[str]:
    said = {"--institucion": 'Municipalidad "El Olivar": sede #1', "--jefe": "Rosa Huamán Ccori <rosa@example.org>", "--directorio": f"{place}/inventario",
            "--archivo-de-vault": f"{place}/secretos/vault.pass", "--medio": f"{place}/copias", "--estado": f"{place}/estado",
            "--conf": f"{place}/respaldo.conf"}
    return ["nuevo", "--sin-preguntas", *(word for name, value in said.items() if name != leave for word in (name, value)),
            *(word for each in systems for word in ("--sistema", each.format(place))), *more]


def make(place: Path, *more: str, **how: object) -> int:
    return new.make(typed.read(words(place, *more, **how)), TOP, {"HOME": str(place)})      # type: ignore[arg-type]


def loaded(path: Path) -> dict[str, object]:
    return dict(yaml.safe_load(path.read_text("utf-8")))


def left(place: Path) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "clave").write_text("Clave9 de bd2\n", "utf-8")
    (tmp_path / "clave").chmod(0o600)
    return tmp_path


def test_an_inventory_of_nine_systems(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(place, "--cuenta", "operador", systems=NINE) == 0
    told = capsys.readouterr().out.splitlines()
    assert "(10 sistemas, con la bitácora, en 6 servidores; revisado, sin errores)" in told[0]
    assert [line.split("/")[-1] for line in told[-2:]] == ["respaldo.conf", "respaldo.conf"] and " plan --conf " in told[-2] and " copiar --conf " in told[-1]
    top = place / "inventario"
    hosts = loaded(top / "hosts.yml")["all"]["children"]      # type: ignore[index]
    assert set(hosts["servidores"]["hosts"]) == {"bd1.example.org", "bd2.example.org", "git1.example.org", "app1.example.org", "archivos1.example.org"}
    assert hosts["servidores"]["vars"] == {"ansible_user": "operador", "ansible_become": True} and set(hosts["respaldo"]["hosts"]) == {"controlador"}
    rules, people, media = (loaded(top / name) for name in ("policy.yml", "group_vars/all/personas.yml", "group_vars/all/medios.yml"))
    assert rules["institution"] == 'Municipalidad "El Olivar": sede #1' and people["backup_policy_file"] == str(top / "policy.yml")
    # plays of localhost, which no inventory of ours names, do not know inventory_dir
    assert not [path for path in top.rglob("*.yml") if "inventory_dir" in path.read_text("utf-8")]
    systems = [system for path in (top / "host_vars").iterdir() for system in loaded(path)["backup_systems"]]      # type: ignore[attr-defined]
    policy.validate({**rules, "actors": people["backup_actors"]}, systems, media["backup_media"])
    assert len(systems) == 10 and {system["source"]["type"] for system in systems} == {"postgresql", "mariadb", "sqlite", "git", "paths", "restic"}
    assert loaded(top / "host_vars/archivos1.example.org.yml")["backup_assigned_paths"] == ["/srv/compartido/almacen", "/srv/compartido/logistica"]
    # the kit of the worst day is there for whoever takes the marks away
    kit = yaml.safe_load((top / "host_vars/controlador.yml").read_text("utf-8").replace("\n#  ", "\n  "))["backup_systems"][-1]
    assert (kit["name"], kit["source"]["paths"][:2]) == ("Maletín de recuperación", [str(top), str(place / "secretos/vault.pass")])
    policy.validate({**rules, "actors": people["backup_actors"]}, [kit], media["backup_media"])
    # every file says in Spanish what it is for, and no secret stands in clear
    assert all("# " in path.read_text("utf-8") for path in top.rglob("*.yml") if path.name != "vault.yml")
    assert not [path for path in top.rglob("*") if path.is_file() and b"Clave9" in path.read_bytes()]
    password = place / "secretos/vault.pass"
    assert password.stat().st_mode & 0o777 == 0o600 and password.parent.stat().st_mode & 0o777 == 0o700
    opened = VaultLib([("x", VaultSecret(password.read_bytes().strip()))]).decrypt((top / "group_vars/all/vault.yml").read_text("utf-8"))
    secrets = yaml.safe_load(opened)
    assert secrets["vault_sistema_3"] == "Clave9 de bd2" and len(secrets["vault_letters_key"]) == 64
    assert loaded(top / "host_vars/bd2.example.org.yml")["backup_systems"][0]["source"]["password"] == "{{ vault_sistema_3 }}"      # type: ignore[index]


def test_nothing_is_overwritten(place: Path) -> None:
    make(place)
    before = {name: (place / name).read_bytes() for name in left(place)}
    for more, said in (((), "inventario ya existe"), (("--directorio", str(place / "otro")), "respaldo.conf ya existe")):
        with pytest.raises(Mistake, match=said):
            make(place, *more, leave="--directorio" if more else "")
    assert {name: (place / name).read_bytes() for name in left(place)} == before


def test_a_password_that_is_there_is_used(place: Path) -> None:
    (place / "secretos").mkdir(0o700)
    password = place / "secretos/vault.pass"
    password.write_text("la de siempre\n", "utf-8")
    password.chmod(0o644)
    with pytest.raises(Mistake, match="chmod 600"):
        make(place)
    password.chmod(0o700)      # Ansible would run it
    with pytest.raises(Mistake, match="es ejecutable"):
        make(place)
    password.chmod(0o600)
    make(place)
    assert password.read_text("utf-8") == "la de siempre\n"
    assert VaultLib([("x", VaultSecret(b"la de siempre"))]).decrypt((place / "inventario/group_vars/all/vault.yml").read_text("utf-8"))


@pytest.mark.parametrize("password", ["ab{#cd#}ef", "ab\u0085cd", "ab\x7fcd", "a\nb"])
def test_a_password_that_ansible_would_read_otherwise_is_refused(place: Path, password: str) -> None:
    (place / "clave").write_text(password, "utf-8")
    with pytest.raises(Mistake, match="leería como una plantilla"):
        make(place, systems=("tipo=mariadb; nombre=M; usuario=respaldo; contrasena={0}/clave",))
    assert left(place) == ["clave"]


def test_where_the_configuration_can_not_be_written_nothing_is(place: Path) -> None:
    (place / "de-todos").mkdir()
    (place / "de-todos").chmod(0o777)
    with pytest.raises(Unusable):
        make(place, "--conf", f"{place}/de-todos/c.conf", leave="--conf")
    assert left(place) == ["clave"]


@pytest.mark.parametrize("more, how, said", [
    ((), {"leave": "--institucion"}, "Falta --institucion"),
    ((), {"leave": "--jefe", "systems": ()}, "Falta --jefe, --sistema"),
    (("--zona", "America/Limma"), {}, "--zona: .* no es una zona horaria"),
    (("--egcr", "Ana <ana>"), {}, "--egcr: .*NOMBRE <CORREO>"),
    (("--institucion", "{{ lookup('pipe', 'id') }}"), {"leave": "--institucion"}, "--institucion: .* caracteres"),
    # what YAML takes for the end of a line, and what a terminal hides
    (("--institucion", "X\u2028evil:"), {"leave": "--institucion"}, "--institucion: .* caracteres"),
    (("--institucion", "X\x9b31m"), {"leave": "--institucion"}, "--institucion: .* caracteres"),
    ((), {"systems": ("tipo=git; nombre=M; servidor=all; ruta=/srv/a",)}, "no es el nombre de un servidor"),
    (("--directorio", "inventario"), {"leave": "--directorio"}, "ruta absoluta"),
    (("--archivo-de-vault", "{0}/inventario/vault.pass"), {"leave": "--archivo-de-vault"}, "dentro del inventario que protege"),
    (("--llave-publica", "{0}/clave"), {}, "no es una llave pública OpenPGP"),
    (("--cuenta", "root; id"), {}, "no es el nombre de una cuenta"),
    ((), {"systems": ("tipo=postgres; nombre=SIGA",)}, "¿Quiso decir «postgresql»?"),
    ((), {"systems": ("tipo=sqlite; nombre=M; rutas=/srv/m.db",)}, "¿Quiso decir «ruta»?"),
    ((), {"systems": ("tipo=sqlite; nombre=M",)}, "le falta ruta"),
    ((), {"systems": ("tipo=sqlite; nombre=M; ruta=m.db",)}, "ruta absoluta del servidor"),
    ((), {"systems": ("tipo=sqlite; nombre=M; ruta=/srv/m; criticidad=crítica",)}, "alta, media, baja"),
    ((), {"systems": ("tipo=mariadb; nombre=M; usuario=respaldo",)}, "tiene usuario y no contrasena"),
    ((), {"systems": ("tipo=mariadb; nombre=M; usuario=respaldo; contrasena=secreta",)}, "la ruta absoluta de un archivo"),
    ((), {"systems": ("tipo=mariadb; nombre=M; usuario=respaldo; contrasena=/nada/clave",)}, "No se puede leer la contraseña de «M»"),
    ((), {"systems": ("tipo=mariadb; nombre=M; puerto=99999",)}, "de 1 a 65535"),
    ((), {"systems": ("tipo=git; nombre=M; servidor=../../etc; ruta=/srv/a",)}, "no es el nombre de un servidor"),
    ((), {"systems": ("tipo=sqlite; nombre=M; ruta=/srv/m.db", "tipo=sqlite; nombre=m; servidor=otro; ruta=/srv/m.db")}, "no es un inventario válido.*RSP101"),
])
def test_a_mistake_is_told_and_nothing_is_written(place: Path, more: tuple[str, ...], how: dict[str, object], said: str) -> None:
    with pytest.raises(Mistake) as told:
        make(place, *(word.replace("{0}", str(place)) for word in more), **how)
    assert re.search(said, str(told.value).replace("\n", " ")) or said in str(told.value), told.value
    assert left(place) == ["clave"]


def test_an_inventory_is_there_whole_or_not_at_all(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = writing._filled

    def full(descriptor: int, text: str) -> None:
        if "backup_media" in text:
            os.close(descriptor)
            raise OSError(28, "No space left on device")
        whole(descriptor, text)

    monkeypatch.setattr(writing, "_filled", full)
    with pytest.raises(Unusable, match="No space left on device"):
        make(place)
    assert left(place) == ["clave"] and sorted(os.listdir(place)) == ["clave", "secretos"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_is_ended_while_it_writes_writes_all_of_it(place: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """An inventory without the only password that opens it is lost, and a password without its inventory opens nothing."""
    class Ended(Exception):
        pass

    def end(_number: int, _frame: object) -> None:
        raise Ended

    whole, synced = writing._filled, []
    monkeypatch.setattr(writing, "_filled", lambda descriptor, text: (whole(descriptor, text), os.kill(os.getpid(), number)))
    kept = writing._held_places.sync
    monkeypatch.setattr(writing._held_places, "sync", lambda held: (kept(held), synced.append(os.readlink(f"/proc/self/fd/{held}"))))
    before = signal.signal(number, end)
    try:
        with pytest.raises(Ended):
            make(place)
    finally:
        signal.signal(number, before)
    password = (place / "secretos/vault.pass").read_bytes().strip()
    assert VaultLib([("x", VaultSecret(password))]).decrypt((place / "inventario/group_vars/all/vault.yml").read_text("utf-8"))
    assert (place / "respaldo.conf").is_file() and not [name for name in os.listdir(place) if name.startswith(".")]
    # each new name is on stable storage: that of the inventory last, after all that lies in it
    assert synced[-1] == str(place) and len(synced) > 4 and {str(place / "secretos"), str(place)} < set(synced)


@pytest.mark.parametrize("given, read", [("--jefe 'Rosa Ccori <r@x.org>' --zona America/Lima", "--jefe|Rosa Ccori <r@x.org>|--zona|America/Lima|"), ("", "")])
def test_make_reads_its_options_as_a_shell_does(given: str, read: str) -> None:
    asked = ["bash", "-c", '. tools/common.sh; read_options; for word in "${options[@]}"; do printf "%s|" "$word"; done']
    done = subprocess.run(asked, cwd=TOP, env={**os.environ, "OPCIONES": given}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, read), done.stderr
    wrong = subprocess.run(asked, cwd=TOP, env={**os.environ, "OPCIONES": given + " --jefe 'Rosa"}, capture_output=True, text=True, check=False)
    assert wrong.returncode == 1 and "falta cerrar una comilla" in wrong.stderr and "Traceback" not in wrong.stderr and "Rosa" not in wrong.stderr


def test_not_where_others_may_write(place: Path) -> None:
    (place / "abierto").mkdir()
    (place / "abierto").chmod(0o777)
    with pytest.raises(Unusable, match="lo pueden escribir otros"):
        make(place, "--directorio", f"{place}/abierto/inventario", leave="--directorio")
    assert left(place) == ["clave"]


def test_at_a_terminal_each_answer_is_checked_while_it_is_given(place: Path) -> None:
    """A real terminal: the questions that no option answered, a wrong answer asked again, one system described, and the end."""
    given = [word for word in words(place, systems=(), leave="--institucion") if word != "--sin-preguntas"]
    child = pexpect.spawn(sys.executable, [str(TOP / "scripts/respaldo.py"), *given], timeout=120, encoding="utf-8", dimensions=(40, 500),
                          env={**os.environ, "HOME": str(place), "LC_ALL": "C.UTF-8"})
    for question, answer in (("Nombre de la instituci", "Municipalidad"), ("Zona horaria", "America/Limma"), ("no es una zona.*Zona horaria", ""),
                             ("EGCR", "Ana Quispe"), ("Archivo con la llave", ""), ("Cuenta con que", ""), ("Sistema 1: tipo", "postgre"),
                             ("Quiso decir .postgresql.*Sistema 1: tipo", "postgresql"), ("Nombre del sistema", "SIGA"), ("Servidor que", ""),
                             ("Bases de datos", "siga"), ("rgano", ""), ("Criticidad", "crítica"), ("no es ninguna de alta.*Criticidad", "alta"),
                             ("Usuario del motor", ""), ("Archivo que contiene", ""), ("n o directorio del socket", ""), ("Puerto", ""), ("Sistema 2", ""),
                             ("Contrase.a de ansible-vault; vac", "una clave larga"), ("Otra vez", "una clave larga")):
        child.expect(f"{question}.*: $")
        child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    assert "una clave larga" not in str(child.before) and (place / "secretos/vault.pass").read_text("utf-8") == "una clave larga\n"
    system = loaded(place / "inventario/host_vars/controlador.yml")["backup_systems"][1]      # type: ignore[index]
    assert system["name"] == "SIGA" and system["criticality"] == "alta" and system["source"] == {"type": "postgresql", "databases": ["siga"]}


def test_each_type_is_asked_for_what_it_needs() -> None:
    assert {kind: [field.name for field in describing.fields_of(kind) if field.default is None] for kind in describing.TYPES} == {
        **dict.fromkeys(("postgresql", "mariadb"), ["nombre"]), **dict.fromkeys(("sqlite", "git", "directorio", "carpeta"), ["nombre", "ruta"])}
    assert len(answering.QUESTIONS) + 1 == 10


@pytest.mark.parametrize(("more", "account"), ((";direccion=/run/otro; puerto=5433", "postgres"), (";direccion=bd1.example.org", ""), ("", "")))
def test_a_socket_elsewhere_is_entered_as_the_usual_one(more: str, account: str) -> None:
    """Who names the directory of the socket, and no account, is known there by the account of the system; root is nobody to PostgreSQL."""
    system = describing.described(describing.read(f"tipo=postgresql; nombre=SIGA; bases=siga{more}"), 1).system
    assert system["source"].get("run_as", "") == account
    assert "run_as" not in describing.described(describing.read("tipo=mariadb; nombre=T; bases=t; direccion=/run/otro"), 1).system["source"]
