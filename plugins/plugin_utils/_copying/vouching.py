# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who vouches for the kit and the bitácora that a recovery opens: what was demanded, which copies fit it, and which of them are taken."""

from __future__ import annotations

import re
import sqlite3
import typing as t
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...module_utils._engine.errors import BackupError, in_both
from ...module_utils._engine.remarks import Remark
from .._bitacora import chain, vouched

# By whom: the custodian who opened it, a SHA-256 or seals by a key known from elsewhere, an entry of the bitácora that these prove, or nobody.
CUSTODY, SHA256, SEAL, ENTRY, NOBODY = "custody", "sha256", "seal", "bitacora", "nobody"
_SPANISH = {CUSTODY: "responde la custodia", SHA256: "con la huella que se indicó", SEAL: "con los sellos de la clave que se indicó",
            ENTRY: "con la huella que dice la bitácora", NOBODY: "nadie responde por su origen"}
ARGUMENTS: t.Final[dict[str, t.Any]] = {
    "kit_sha256": {"type": "str", "default": ""},
    "bitacora_sha256": {"type": "str", "default": ""},
    "seal_key": {"type": "str", "default": "", "no_log": False},
    "unvouched_reason": {"type": "str", "default": ""},
}
_HEXADECIMAL = re.compile(r"[0-9a-f]{64}\Z")


class Asked(t.NamedTuple):
    """What is demanded of the copies. `by_key`: nobody but a private key opens them, so that something has to vouch for them."""

    sha256: dict[str, str]
    seal_key: str
    accepted: str
    by_key: bool


class Choice(t.NamedTuple):
    """The kit that is taken, who vouches for it and for the bitácora, up to which entry its seals reach (0: not looked at), what is to be told."""

    kit: dict[str, t.Any]
    kit_by: str
    bitacora_by: str
    sealed_n: int
    remarks: list[str]


def read(given: Mapping[str, t.Any], by_key: bool) -> Asked:
    """What was asked for, as people copy it from paper: in groups, in capitals. Raises invalid_input, recovery_unvouched."""
    told = {name: re.sub(r"[\s:.-]", "", str(given[name])).lower() for name in ("kit_sha256", "bitacora_sha256", "seal_key")}
    for name, value in told.items():
        if value and not (chain.is_key(value) if name == "seal_key" else _HEXADECIMAL.match(value)):
            problem = "is no public key of Ed25519 (64 hexadecimal digits)" if name == "seal_key" else "is not 64 hexadecimal digits"
            raise BackupError("invalid_input", where=name, value=given[name], problem=problem,
                              mend="Copy it from the printed plan of recovery, or from a mail with a seal.")
    asked = Asked({what: told[what + "_sha256"] for what in vouched.KINDS}, told["seal_key"], str(given["unvouched_reason"]).strip(), by_key)
    if given.get("bitacora_on_server"):
        if by_key and not (asked.sha256["kit"] or asked.accepted):
            raise BackupError("recovery_unvouched", label=given["kit"], detail=in_both(
                "a private key opens what anybody encrypted to its public one, and kit_sha256 was not given",
                "una llave privada abre lo que cualquiera cifró con la pública, y no se indicó kit_sha256"))
    elif by_key and not (asked.seal_key or asked.sha256["bitacora"] or asked.accepted):
        raise BackupError("recovery_unvouched", label=given["bitacora"], detail=in_both(
            "a private key opens what anybody encrypted to its public one, and neither seal_key nor bitacora_sha256 was given",
            "una llave privada abre lo que cualquiera cifró con la pública, y no se indicó ni seal_key ni bitacora_sha256"))
    return asked


def where(given: Mapping[str, t.Any]) -> str:
    return str(given["medium"].get("path") or given["medium"].get("name"))


def candidates(asked: Asked, what: str, copies: Sequence[dict[str, t.Any]], given: Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Of the whole copies of a system those that have the SHA-256 that was asked for, or all. Raises recovery_differs."""
    wanted = asked.sha256[what]
    fitting = [copy for copy in copies if not wanted or copy["sha256"] == wanted]
    if not fitting:
        raise BackupError("recovery_differs", location=where(given), system=given[what], wanted=wanted, label=copies[0]["label"], found=copies[0]["sha256"])
    return fitting


def choose(asked: Asked, path: Path, report: chain.Report, record: Mapping[str, t.Any], kits: Sequence[dict[str, t.Any]], system: str,
           proved: Callable[[str, Mapping[str, t.Any]], bool]) -> Choice:
    """Once the bitácora is open and its chain proved (by asked.seal_key, where there is one): the newest kit that somebody vouches for. `proved`: whether
    what the custodians have for a copy (what, copy) is what its manifest was written with.

    Raises recovery_unvouched, unless a person accepted that nobody does; recovered_bitacora_broken.
    """
    try:
        sealed_n = vouched.sealed_to(path) if asked.seal_key else 0
        by = SHA256 if asked.sha256["bitacora"] else SEAL if sealed_n else CUSTODY if proved("bitacora", record) else NOBODY
        if by == NOBODY and not asked.accepted:
            raise BackupError("recovery_unvouched", label=record["label"], detail=in_both(
                "its manifest was not written by who knew the password that the custodians have for it",
                "su ficha no la escribió quien conocía la contraseña que los custodios tienen para ella"))
        if asked.sha256["kit"]:
            return Choice(kits[0], SHA256, by, sealed_n, [])
        until = {SEAL: sealed_n, NOBODY: 0}.get(by, report.head_n)
        entries = vouched.told(path, system, vouched.KINDS["kit"], report.head_n)
    except (sqlite3.Error, ValueError, KeyError) as error:
        raise BackupError("recovered_bitacora_broken", label=record["label"], detail=error) from error
    # what the bitácora does not tell of was made after it; of the others its entries say which is the newest
    told = {kit["label"]: entries.get((kit["label"], kit["sha256"]), vouched.NOTHING) for kit in kits}
    order = sorted(kits, key=lambda kit: -(told[kit["label"]].n or report.head_n + 1))
    for at, kit in enumerate(order):
        n, by_run = told[kit["label"]]
        kit_by = ENTRY if by_run and n <= until else CUSTODY if proved("kit", kit) else ""
        if kit_by:
            newer = ", ".join(each["label"] for each in order[:at])
            return Choice(kit, kit_by, by, sealed_n, [Remark("recovery_kit_older", label=kit["label"], newer=newer).in_both] if newer else [])
    if not asked.accepted:
        raise BackupError("recovery_unvouched", label=order[0]["label"], detail=in_both(
            "its SHA-256 {0} is in no entry that the bitácora {1} proves, and kit_sha256 was not given".format(order[0]["sha256"], record["label"]),
            "su SHA-256 {0} no está en ningún asiento que la bitácora {1} pruebe, y no se indicó kit_sha256".format(order[0]["sha256"], record["label"])))
    return Choice(order[0], NOBODY, by, sealed_n, [])


def choose_alone(asked: Asked, kits: Sequence[dict[str, t.Any]], proved: Callable[[str, Mapping[str, t.Any]], bool]) -> Choice:
    """The kit alone, where the bitácora is on a server and does not come from the medium: the newest, as they claim, that somebody vouches for.

    Raises recovery_unvouched, unless a person accepted that nobody does.
    """
    if asked.sha256["kit"]:
        return Choice(kits[0], SHA256, "", 0, [])
    for at, kit in enumerate(kits):
        if proved("kit", kit):
            newer = ", ".join(each["label"] for each in kits[:at])
            return Choice(kit, CUSTODY, "", 0, [Remark("recovery_kit_older", label=kit["label"], newer=newer).in_both] if newer else [])
    if not asked.accepted:
        raise BackupError("recovery_unvouched", label=kits[0]["label"], detail=in_both(
            "its manifest was not written by who knew the password that the custodians have for it",
            "su ficha no la escribió quien conocía la contraseña que los custodios tienen para ella"))
    return Choice(kits[0], NOBODY, "", 0, [])


def spanish(by: t.Any) -> str:
    """Who vouches, for an entry."""
    return _SPANISH.get(str(by), _SPANISH[NOBODY])
