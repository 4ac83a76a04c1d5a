# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`respaldo nuevo`: from nothing to an inventory of the institution's own. Asked, drawn, checked as a play would check it, and only then written; nothing
that is there is overwritten.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import re
import secrets
import shlex
import shutil
import sys
import zoneinfo
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.policy import policy
from .. import _held_places
from . import answering, configured, describing, drawing, telling, writing
from .answering import QUESTIONS
from .configured import Unusable
from .describing import Described
from .typed import UNFIT, Mistake, Typed

_LARGEST_PASSWORD = 4096


def make(given: Typed, collection: Path, environment: Mapping[str, str]) -> int:
    """Asks what was not typed, writes the inventory, and says what to type next. Raises Mistake, Unusable."""
    asking = sys.stdin.isatty() and not given.variables.get("quiet")
    answers, told = _answers(given.variables, asking)
    systems = [describing.described(each, number) for number, each in enumerate(told, 1)]
    state = answering.absolute(given.variables.get("state") or str(configured.default_state(environment)))
    directory, passfile = Path(answers["directory"]), Path(answers["vault"])
    if directory == passfile or directory in passfile.parents:
        raise Mistake(f"La contraseña de vault ({passfile}) estaría dentro del inventario que protege. Elija un archivo fuera de él: --archivo-de-vault")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Mistake(f"{directory} ya existe y no se sobrescribe. Elija otro directorio: --directorio")
    configuration = _configuration(given, directory, environment)
    passwords = {each.secret: _password_of(each) for each in systems if each.secret}
    today = datetime.datetime.now(zoneinfo.ZoneInfo(answers["zone"])).date().isoformat()
    manual = (collection / "policies/manual-001-2019.yml").read_text("utf-8")
    drawn = drawing.files(answers, systems, manual, str(collection), state, today)
    _check(drawn)
    with _vault_password(passfile, asking) as (password, made):
        drawn["group_vars/all/vault.yml"] = _encrypted(drawing.vault(passwords, secrets.token_hex(32)), password)
        lines = [f"[{configured.SECTION}]", f"inventario = {directory}/hosts.yml", f"contrasena_de_vault = {passfile}"]
        if state != str(configured.default_state(environment)):
            lines += [f"bitacora = {state}/bitacora.sqlite", f"registros = {state}/registros"]
        if configuration == directory / "respaldo.conf":
            drawn["respaldo.conf"] = "\n".join(lines) + "\n"
        else:
            writing.new_file(configuration, "\n".join(lines) + "\n", 0o644)
        try:
            writing.tree(directory, drawn)
        except BaseException:
            if configuration != directory / "respaldo.conf":
                writing.forget(configuration)
            raise
    hosts = {each.host for each in systems} | {describing.HERE}
    word = "respaldo" if shutil.which("respaldo") else str(collection / "scripts/respaldo")
    conf = [] if str(configuration) == configured.SYSTEM_FILE else ["--conf", str(configuration)]
    telling.out(f"Inventario escrito: {directory} ({len(systems) + 1} sistemas, con la bitácora, en {len(hosts)} servidores; revisado, sin errores).\n"
                f"Contraseña de ansible-vault: {passfile} ({'creada' if made else 'la que ya estaba'}). Guarde otra igual fuera de esta máquina: sin ella no "
                f"se abren ni este inventario ni la custodia.\nConfiguración de respaldo: {configuration}.\nSiga con:")
    for verb in ("plan", "copiar"):
        telling.command(" ", [word, verb, *conf], beside_it=False)
    return 0


def _answers(typed: Mapping[str, Any], asking: bool) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """What was typed, then asked where there is a terminal, else the defaults. Raises Mistake that names all that is missing."""
    answers: dict[str, Any] = {}
    missing: list[str] = []
    systems = [describing.read(text) for text in typed.get(answering.ASK_SYSTEM, ())]
    for question in QUESTIONS:
        try:
            if question.name in typed:
                answers[question.name] = question.check(typed[question.name])
                continue
        except Mistake as mistake:
            raise Mistake(f"--{question.option}: {mistake}") from None
        default = question.default(answers)
        if asking:
            answers[question.name] = answering.checked(functools.partial(_asked, question.text), question.check, default)
        elif default is None:
            missing.append(f"--{question.option}")
        elif not missing:
            answers[question.name] = question.check(default)
    if missing or (not systems and not asking):
        raise Mistake(f"Falta {', '.join([*missing, *([] if systems else ['--sistema'])])}. Sin terminal no se pregunta nada. Vea: respaldo nuevo --help")
    while asking and not typed.get(answering.ASK_SYSTEM):
        found = answering.system_of(_asked, len(systems) + 1)
        if found is None:
            break
        systems.append(found)
    return answers, systems


def _asked(text: str, default: str | None) -> str:
    try:
        return input(telling.asked(f"{text}{f' [{default}]' if default else ''}: "))
    except EOFError:
        raise Unusable("Se cortó antes de la última respuesta. No se escribió nada.") from None


def _configuration(given: Typed, directory: Path, environment: Mapping[str, str]) -> Path:
    """Where respaldo.conf is written: as told, in /etc by root where none is, else beside the inventory. Raises Mistake."""
    asked = given.common["conf"] or environment.get("RESPALDO_CONF", "")
    if asked:
        if os.path.lexists(asked):
            raise Mistake(f"{asked} ya existe y no se sobrescribe. Elija otro con --conf, o quítelo de la variable RESPALDO_CONF.")
        return Path(asked).absolute()
    return Path(configured.SYSTEM_FILE) if os.geteuid() == 0 and not os.path.lexists(configured.SYSTEM_FILE) else directory / "respaldo.conf"


def _password_of(system: Described) -> str:
    try:
        found = _held_places.read(system.password_file, _LARGEST_PASSWORD).decode("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise Mistake(f"No se puede leer la contraseña de «{system.system['name']}» en {system.password_file}: {writing.told(error)}.") from None
    if not found or re.search(UNFIT, found.replace("\t", "")):
        raise Mistake(f"La contraseña de «{system.system['name']}» en {system.password_file} está vacía, ocupa varias líneas o lleva {{{{, {{%, {{# "
                      "(que Ansible leería como una plantilla) o caracteres de control.")
    return found


def _check(drawn: Mapping[str, str]) -> None:
    """As a play checks it: the policy, people, media and all systems together. Raises Unusable."""
    read = {name: yaml.safe_load(text) for name, text in drawn.items() if name.endswith(".yml")}
    people, media = read["group_vars/all/personas.yml"], read["group_vars/all/medios.yml"]
    systems = [system for name, each in read.items() if name.startswith("host_vars/") for system in each["backup_systems"]]
    try:
        policy.validate({**read["policy.yml"], "actors": people["backup_actors"]}, systems, media["backup_media"])
    except BackupError as error:
        raise Mistake(f"Lo descrito no es un inventario válido; no se escribió nada. {error.code}: {error.spanish}. {error.remedy}") from None


@contextlib.contextmanager
def _vault_password(path: Path, asking: bool) -> Iterator[tuple[str, bool]]:
    """The password of the vault and whether it was made now; what was made goes again where the rest fails."""
    if os.path.lexists(path):
        try:
            found = _held_places.read(path, _LARGEST_PASSWORD).decode("utf-8").strip()
            mode = os.stat(path).st_mode
        except (OSError, ValueError) as error:
            raise Mistake(f"No se puede leer la contraseña de vault en {path}: {writing.told(error)}.") from None
        if not found:
            raise Mistake(f"El archivo de la contraseña de vault está vacío: {path}. Bórrelo para que se cree, o escriba en él la contraseña.")
        if mode & 0o111:
            raise Mistake(f"Ansible ejecutaría {path} en vez de leerlo: es ejecutable. chmod 600 {shlex.quote(str(path))}, o dé otro: --archivo-de-vault")
        if mode & 0o077:
            raise Mistake(f"Otros pueden leer la contraseña de vault: chmod 600 {shlex.quote(str(path))}")
        with writing.uninterrupted():
            yield found, False
        return
    password = _typed_password() if asking else ""
    password = password or secrets.token_urlsafe(32)
    with writing.uninterrupted():
        writing.new_file(path, password + "\n", 0o600)
        try:
            yield password, True
        except BaseException:
            writing.forget(path)
            raise


def _typed_password() -> str:
    import getpass

    while True:
        password = getpass.getpass("Contraseña de ansible-vault; vacía: se crea una al azar: ").strip()
        if not password or (len(password) >= 12 and getpass.getpass("Otra vez: ").strip() == password):
            return password
        telling.out("    Debe tener 12 caracteres o más, y ser la misma las dos veces.")


def _encrypted(text: str, password: str) -> str:
    from ansible.parsing.vault import VaultLib, VaultSecret

    secret = VaultSecret(password.encode("utf-8"))
    return bytes(VaultLib([("default", secret)]).encrypt(text.encode("utf-8"), secret)).decode("ascii")
