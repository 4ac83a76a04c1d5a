# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A taken server at the gate (S19): all that its root can try with its real key, by the stock clients. Each row is one of the guide's table.

The guide (docs/guia-operador.md, 6.5) shows these rows between two marks; test_the_guide_tells_what_was_tried compares them.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess

import pytest
from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.media.base import Slot
from _engine.restic import repositories
from _engine.restic.repositories import Repository
from _engine.sources.paths import Paths

GUIDE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "guia-operador.md"
BEGIN, END = "<!-- probado: tests/integration/media/test_taken_server.py -->", "<!-- fin de lo probado -->"
MARK = b"secreto-de-una-copia"
OWN, OTHERS = Slot("source_code", "SIGA", "SIGA_20261122"), Slot("database", "PORTAL", "PORTAL_20261122")
TOMORROW = "SIGA_20261123"


def asked(*requests, **kinds):
    """Words that are asked of the gate, one session each; all must be refused."""
    return lambda gate: [gate.ssh("bd1", request, **kinds) for request in requests]


def called(*words, options=(), program="ssh", **kinds):
    """The stock client with these options."""
    return lambda gate: [gate.ssh("bd1", *words, options=options, **kinds)] if program == "ssh" else [stock(gate, program, *words)]


def stock(gate, program, *words):
    known = gate.directory / "known_hosts"
    known.write_text(gate.server.known_hosts)
    way = ["-i", str(gate.directory / "bd1"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "UserKnownHostsFile={0}".format(known)]
    here = "{0}@127.0.0.1:".format(gate.server.user)
    arguments = [word.replace("HERE:", here).replace("MEDIUM", str(gate.path)) for word in words]
    if program == "rsync":
        argv = ["rsync", "-e", " ".join(["ssh", "-p", str(gate.server.port), *way]), *arguments]
    else:
        argv = [program, "-P", str(gate.server.port), *way, *arguments]
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)


def restic(*arguments, permitted=("LEGAL",), of="LEGAL"):
    """restic through the gate, with the repository's password, which a taken server may have kept."""
    def attempt(gate):
        for name in permitted:
            gate.permit("bd1", "repository", name)
        medium = gate.medium()
        program = repositories.on(medium, of).access()
        argv = ["restic", "-r", program.url, "--no-cache", *[word for option in program.options for word in ("-o", option)], *arguments]
        environment = dict(os.environ, RESTIC_PASSWORD="clave", RESTIC_PROGRESS_FPS="0.1")
        done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)
        medium.close()
        return [done]
    return attempt


def linked(gate):
    """A link in its own area, put there by other means, leads nowhere."""
    area = gate.path / OWN.shelf / ".{0}.partial".format(TOMORROW)
    area.mkdir()
    (area / "enlace").symlink_to(gate.path / OTHERS.shelf / OTHERS.label / "SHA256SUMS")
    try:
        done = [gate.ssh("bd1", "respaldo-1 read {0} {1} {2} enlace".format(OWN.kind, OWN.system, TOMORROW)),
                gate.ssh("bd1", "respaldo-1 write {0} {1} {2} enlace".format(OWN.kind, OWN.system, TOMORROW), stdin=None, input=b"x")]
    finally:
        (area / "enlace").unlink()
        area.rmdir()
    assert b"nofile" in done[0].stdout
    return done[1:]


def verbs(*names):
    return asked(*("respaldo-1 {0} {1}".format(name, " ".join(OWN)) for name in names))


def on(slot, *names, file=""):
    return asked(*("respaldo-1 {0} {1}{2}".format(name, " ".join(slot), " " + file if file else "") for name in names))


# What was tried, in the guide's words, and how.
ATTEMPTS = (
    ("Abrir una consola, con y sin terminal", lambda gate: [*called()(gate), *called(options=("-tt",))(gate)]),
    ("Ejecutar otra orden: `cat`, `sh -c`, `python3`, o añadirla tras una válida con `;`, `|`, `&&`, `$()` o un salto de línea",
     asked("cat /etc/passwd", "sh -c id", "python3 -c 1", "respaldo-1 free; id", "respaldo-1 free | id", "respaldo-1 free && id", "respaldo-1 free $(id)",
           "respaldo-1 free\nid")),
    ("`sftp`, `scp` (los dos protocolos) y `rsync`",
     lambda gate: [stock(gate, "sftp", "-b", "/dev/null", "HERE:"), stock(gate, "scp", "HERE:MEDIUM/x", "/dev/null"),
                   stock(gate, "scp", "-O", "HERE:MEDIUM/x", "/dev/null"), stock(gate, "rsync", "-r", "HERE:MEDIUM/", str(gate.directory / "robado"))]),
    ("Redirigir puertos hacia dentro y hacia fuera, y llegar a otras máquinas por el NAS",
     lambda gate: [*called(options=("-W", "127.0.0.1:{0}".format(gate.server.port)))(gate),
                   *called(options=("-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:22"))(gate)]),
    ("Leer una copia de otro servidor", lambda gate: [*on(OTHERS, "fetch", "read", file="SHA256SUMS")(gate)]),
    ("Leer su propia copia de ayer", on(OWN, "fetch", "read", file="SHA256SUMS")),
    ("Listar lo de otro servidor, o saber si existe",
     asked("respaldo-1 labels database PORTAL", "respaldo-1 stocked database PORTAL", "respaldo-1 check " + " ".join(OTHERS))),
    ("Sobrescribir una copia de otro, o hacer una con su nombre",
     lambda gate: [*on(OTHERS, "begin")(gate), *on(OTHERS, "write", file="SHA256SUMS")(gate),
                   *asked("respaldo-1 begin database PORTAL PORTAL_20261123")(gate)]),
    ("Sobrescribir su propia copia de ayer", lambda gate: [*on(OWN, "begin")(gate), *on(OWN, "write", file="SHA256SUMS")(gate)]),
    ("Borrar una copia de otro", on(OTHERS, "discard", "remove")),
    ("Borrar su propia copia de ayer", on(OWN, "discard", "remove", "prune")),
    ("Cambiar de nombre una copia, o publicar una él mismo", verbs("seal", "publish", "withdraw", "rename", "mv")),
    ("Bloquear los sistemas de otro servidor", asked("respaldo-1 lock database PORTAL 0", "respaldo-1 lock file_server .restic.ARCHIVO 0")),
    ("Nombres con `..`, `/`, comodines, opciones, caracteres de control o de otro alfabeto",
     asked(*("respaldo-1 begin source_code SIGA " + name for name in ("../PORTAL_20261122", "..", ".", "-rf", "SIGA_20261123/../x", "*", "SIGA_2026\t1123",
                                                                      "SIGA_20261123\r", "SIGA_２０２６１１２３", "PORTAL_20261123", "SIGA_hoy")),
           *("respaldo-1 write source_code SIGA {0} {1}".format(TOMORROW, name) for name in ("../x", "/etc/x", ".lock", "..", "a/b", "-x")))),
    ("Escribir en la carpeta de permisos o en la de otro tipo",
     asked("respaldo-1 write .respaldo permisos bd1 x", "respaldo-1 begin .respaldo permisos bd1", "respaldo-1 lock .respaldo permisos 0",
           "respaldo-1 begin mailbox SIGA SIGA_20261123")),
    ("Peticiones desmedidas, vacías o con palabras de más",
     asked("respaldo-1 " + "x" * 90000, "respaldo-1", "respaldo-1 free " + "y " * 500, "respaldo-1  free", "respaldo-2 free", "respaldo-1 free free",
           "respaldo-1 __init__")),
    ("Seguir un enlace que apareciera en su área", linked),
    ("Trabajar en su repositorio de restic sin permiso vigente del controlador", restic("snapshots", permitted=())),
    ("Leer o usar el repositorio de otro, con permiso para el propio", restic("snapshots", of="ARCHIVO")),
    ("En su repositorio y con permiso: `restic forget`", restic("forget", "--keep-last", "1", "--group-by", "")),
    ("En su repositorio y con permiso: `restic prune`", restic("prune")),
    ("En su repositorio y con permiso: quitar otra clave que la suya (`restic key remove`)", lambda gate: restic("key", "remove", gate.other_key)(gate)),
    ("En su repositorio y con permiso: cambiar las etiquetas de una copia (`restic tag`)", restic("tag", "--set", "otra")),
)


@pytest.fixture(scope="module")
def taken(server, tmp_path_factory):
    """The gate with yesterday's copies of both servers, and a repository with two snapshots."""
    from media.conftest import Gate
    top = tmp_path_factory.mktemp("taken")
    (top / "medium").mkdir()
    gate = Gate(server, top / "medium")
    tree = top / "tree"
    tree.mkdir()
    (tree / "file").write_bytes(MARK * 1000)
    controller = gate.medium("")
    for who, slot in (("bd1", OWN), ("bd2", OTHERS)):
        medium = gate.medium(who)
        made = making.make(Order(slot, compression="none"), Paths([str(tree)]), [medium])
        publishing.publish(slot, made.digest, [controller])
        medium.close()
    gate.permit("bd1", "repository", "LEGAL")
    gate.permit("bd2", "repository", "ARCHIVO")
    for who, name in (("bd1", "LEGAL"), ("bd2", "ARCHIVO")):
        medium = gate.medium(who)
        with Repository(repositories.on(medium, name), "clave").restic as program:
            program.call(["init"])
            for text in ("uno", "dos", "tres"):
                (tree / "acta").write_text(text)
                program.call(["backup", str(tree)])
        medium.close()
        # the controller forgot one, so that there is something to prune
        place = repositories.on(controller, name)
        with Repository(place, "clave").restic as program:
            program.call(["forget", sorted(file for file in place.files() if file.startswith("snapshots/"))[0].partition("/")[2]])
    # a second key, as other holders have one: of its own, restic itself does not let go
    keys = gate.path / "file_server" / ".restic.LEGAL" / "repositorio" / "keys"
    former = set(os.listdir(keys))
    (top / "otra").write_text("otra clave")
    with Repository(repositories.on(controller, "LEGAL"), "clave").restic as program:
        program.call(["key", "add", "--new-password-file", str(top / "otra")])
    (gate.other_key,) = set(os.listdir(keys)) - former
    yield gate
    controller.close()
    server.accept()


def state_of(path):
    """Every name on the medium with its bytes, but what is nobody's copy: locks, sessions, permissions."""
    found = {}
    for directory, _directories, files in os.walk(path):
        for name in files:
            place = os.path.relpath(os.path.join(directory, name), path)
            if not place.startswith(".respaldo/") and name != ".lock" and "/locks/" not in place:
                with open(os.path.join(directory, name), "rb") as file:
                    found[place] = hashlib.sha256(file.read()).hexdigest()
    return found


@pytest.mark.parametrize(("what", "attempt"), ATTEMPTS, ids=[str(number) for number in range(len(ATTEMPTS))])
def test_what_a_taken_server_tries_is_refused(taken, what, attempt):
    """S19: with one account and one plain key for all servers each of these succeeded."""
    for permission in (taken.path / ".respaldo" / "permisos").glob("*/*"):
        permission.unlink()
    before = state_of(taken.path)
    for done in attempt(taken):
        # restic ends well when the tags of no snapshot could be changed
        assert done.returncode != 0 or b"403 Forbidden" in done.stderr, (what, done.args, done.stdout, done.stderr)
        assert MARK not in done.stdout and b"uid=" not in done.stdout and b"root:" not in done.stdout, (what, done.args, done.stdout)
    after = state_of(taken.path)
    assert {name: after.get(name) for name in before} == before, what
    added = set(after) - set(before)
    assert all(name.startswith("file_server/.restic.LEGAL/repositorio/") for name in added), (what, added)


def test_the_same_attempts_succeed_on_a_medium_as_it_was(taken):
    """The test can fail: by a key that opens a shell, as that of every server did, another's copy is read, renamed and removed."""
    spare = taken.path / "database" / "PORTAL" / "PORTAL_20261121"
    spare.mkdir()
    (spare / "SHA256SUMS").write_bytes(MARK)
    medium = taken.medium("")
    session = medium.open('cat -- "$1/SHA256SUMS" && mv -- "$1" "$1.x" && rm -r -- "$1.x"', str(spare))
    assert session.rest() == MARK and session.end()[0] == 0 and not spare.exists()
    medium.close()


def test_the_guide_tells_what_was_tried():
    text = GUIDE.read_text(encoding="utf-8")
    assert BEGIN in text and END in text
    rows = ["| {0} | rechazado |".format(what) for what, _attempt in ATTEMPTS]
    found = [line for line in text.split(BEGIN)[1].split(END)[0].splitlines() if line.startswith("| ") and not line.startswith("| Lo que se intentó")]
    assert found == rows, "the table between the marks must be:\n" + "\n".join(rows)
