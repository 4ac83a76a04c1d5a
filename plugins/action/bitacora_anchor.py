# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the newest seal of the bitácora out of the controller's reach, by mail. See its module for the documentation."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._engine import result
from ..module_utils._engine.errors import BackupError
from ..plugin_utils import _sending
from ..plugin_utils._actions import BackupAction, failed
from ..plugin_utils._bitacora import chain, entries, vouched
from ..plugin_utils._bitacora.seals import unsent
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._decisions.warnings import Message


class ActionModule(BackupAction):
    ARGUMENTS = {
        "mail": {"type": "dict", "required": True, "options": _sending.MAIL_OPTIONS},
        "institution": {"type": "str", "default": "PERÚ COMPRAS"},
        "zone": {"type": "str", "default": entries.POLICY_ZONE},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        mail = arguments["mail"]
        _sending.check_mail(mail)
        name = "{0}: {1}".format(_sending.MAIL, ", ".join(mail["to"]))
        with open_store(resolve_url(), readonly=True) as store:
            seals, last = unsent(store, name)
            if not seals:
                if not last:
                    raise BackupError("nothing_to_anchor", store=store.url)
                return {"changed": False, "anchor": name, "sealed_n": last, "seals": 0}
            changes = [entry for entry in store.entries(type=chain.KEY_CHANGED) if last < entry["n"] < seals[-1]["n"]]
            stated = vouched.stated(store)
        message = letter(seals, arguments["institution"], arguments["zone"], changes, stated)
        told = {"changed": True, "anchor": name, "sealed_n": seals[-1]["n"], "seals": len(seals), "subject": message.subject}
        if self._task.check_mode:
            return told
        about = {"anchor": name, "sealed_n": seals[-1]["n"]}
        try:
            refused = _sending.by_mail(mail, message)
        except BackupError as error:
            return {**told, **failed(error), "backup": result.build(event="anchor_failed", **about, **result.failure(error))}
        if refused:
            told["warnings"] = ["El servidor de correo rechazó estas direcciones: " + ", ".join(refused)]
        return {**told, "backup": result.build(event="anchor_sent", **about, note_es="Sello del asiento {0} enviado a {1}".format(
            seals[-1]["sealed_n"], ", ".join(address for address in mail["to"] if address not in refused)))}


def letter(seals: list[dict[str, Any]], institution: str, zone: str, changes: Sequence[Mapping[str, Any]] = (),
           stated: vouched.Stated | None = None) -> Message:
    """The mail that carries seals: attached for the verifier, and in words for who reads it years later, with the changes of key since the last one and
    what proves on the worst day that kit and bitácora on a medium are ours.
    """
    newest = seals[-1]
    when = entries.local(newest["sealed_at"], zone)
    lines = [
        "Este correo es un ancla de la bitácora de respaldo de {0}. Consérvelo sin modificar.".format(institution),
        "",
        "Asiento sellado:  {0}".format(newest["sealed_n"]),
        "Fecha y hora:     {0:%d/%m/%Y %H:%M:%S} ({1})".format(when, zone),
        "Digesto SHA-256:  {0}".format(newest["sealed_digest"]),
        "Clave pública:    {0}".format(newest["public_key"]),
        "Firma Ed25519:    {0}".format(newest["signature"]),
        "",
        *_told(changes),
        *_of_recovery(stated),
        "Para comprobar que nadie alteró la bitácora hasta ese asiento, guarde este correo como archivo (.eml) y ejecute:",
        "",
        "    python3 chain.py bitacora.sqlite --anchor este-correo.eml --key CLAVE_PÚBLICA",
        "",
        "La clave pública se toma del documento en que la OTI la registró, no de este correo.",
        "",
    ]
    names = (*chain.SEALED, "n", "digest")
    attached = "".join(json.dumps({name: entry[name] for name in names}, sort_keys=True) + "\n" for entry in seals)
    subject = "[Respaldo] Sello de la bitácora, asiento {0}, {1:%d/%m/%Y} - {2}".format(newest["sealed_n"], when, institution)
    shown = '<!doctype html><html lang="es"><head><meta charset="utf-8"></head><body><pre>{0}</pre></body></html>'.format(html.escape("\n".join(lines)))
    return Message(subject, "\n".join(lines), shown, (("bitacora-{0}{1}".format(newest["n"], chain.ANCHORS), attached.encode("ascii")),))


def _told(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What people outside have to know of the keys: nobody but them can confirm that one was lost."""
    if not changes:
        return []
    lines = ["Cambios de la clave del sello desde el correo anterior (confírmelos con el documento que se cita):"]
    for entry in changes:
        told = "  asiento {0}: {1}. Motivo: {2}. Documento: {3}".format(*(entry.get(name, "") for name in ("n", "note_es", "reason", "authority")))
        lines.append("".join(sign if sign.isprintable() else " " for sign in told))
    return [*lines, ""]


def _of_recovery(stated: vouched.Stated | None) -> list[str]:
    """The newest kit and bitácora by their SHA-256. Of the label nothing can go wrong: its form is checked when it is given."""
    rows = [("Maletín:", stated.kit), ("Bitácora:", stated.bitacora)] if stated else []
    found = ["  {0:<10}{1}  {2}".format(what, name, digest) for what, (name, digest) in rows if digest]
    return ["El peor día se recupera con estas copias, por su huella SHA-256 («respaldo recuperar»):", *found, ""] if found else []
