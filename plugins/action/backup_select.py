# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locates the copy to restore or verify (numeral 7.1.3)."""

from __future__ import annotations

import datetime
import typing as t

from ..module_utils._engine import copy, label, repositories, result
from ..module_utils._engine.errors import CATALOGUE, BackupError
from ..plugin_utils import _due
from ..plugin_utils._actions import BackupAction
from ..plugin_utils._bitacora.store import open_store, resolve_url


class ActionModule(BackupAction):
    ARGUMENTS = {
        "system": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True, "choices": list(result.KINDS)},
        "label": {"type": "str", "default": ""},
        "lost_at": {"type": "str", "default": ""},
        "time_zone": {"type": "str", "default": "America/Lima"},
        "reason": {"type": "str", "default": ""},
        "ticket": {"type": "str", "default": ""},
        "requester": {"type": "str", "default": ""},
        "target": {"type": "str", "default": ""},
        "media": {"type": "list", "elements": "dict", "required": True},
        "partial": {"type": "bool", "default": False},
        "for": {"type": "str", "choices": ["restore", "verify"], "default": "restore"},
    }

    def work(self, arguments: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        system, kind = arguments["system"], arguments["kind"]
        if arguments["for"] == "restore" and not arguments["target"] and kind != repositories.KIND:
            raise BackupError("invalid_input", where="restore_target", value="", problem="is missing",
                              mend="Say where the copy is restored to; only a file server's has a place of its own to come back to.")
        good = _partial(kind, system, arguments["label"]) if arguments["partial"] else _good(kind, system)
        newest = _newest_before(good, _moment(arguments["lost_at"], arguments["time_zone"]))
        chosen = newest
        if arguments["label"]:
            name = label.parse(arguments["label"]).name
            chosen = next((entry for entry in good if entry["label"] == name), None)
        if chosen is None:
            raise BackupError("copy_missing", label=arguments["label"] or "of {0} {1}".format(kind, system), location="the bitácora")
        if arguments["for"] == "restore" and chosen is not newest and not arguments["reason"]:
            raise BackupError("invalid_input", where="label", value=chosen["label"],
                              problem="is not the most recent copy before the loss ({0})".format(newest["label"] if newest else "none"),
                              mend="Give the reason for another copy, or leave the label out (numeral 7.1.3).")
        medium = _medium(chosen, arguments["media"])
        named = label.parse(chosen["label"])
        found: dict[str, t.Any] = {
            "changed": False, "label": named.name, "sha256": chosen.get("sha256", ""), "key_reference": chosen.get("key_reference", ""),
            "medium": medium, "source_type": chosen.get("source_type", ""), "copy": chosen}
        if arguments["for"] == "restore":
            kept = {name: chosen[name] for name in ("criticality", "office", "responsible", "source_type", "source", "sha256") if name in chosen}
            found["backup"] = result.build(
                event="restore_started", label=named.name, printed_label=named.printed, system=system, kind=kind, numeral="7.1.3",
                reason="request" if arguments["ticket"] else None, reason_text=arguments["reason"] or None,
                ticket=arguments["ticket"] or None, requester=arguments["requester"] or None, target=arguments["target"] or None,
                medium=medium, started_at=copy.now(), **kept)
        return found


def _good(kind: str, system: str) -> list[dict[str, t.Any]]:
    """The copies of a system that are whole on a medium at least, oldest first."""
    with open_store(resolve_url(), readonly=True) as store:
        return [copy for copy in store.copies(kind, system) if any(copy["media"].values())]


def _partial(kind: str, system: str, name: str) -> list[dict[str, t.Any]]:
    """The run of that label that kept aside what it could read (copy_partial)."""
    if not name:
        raise BackupError("invalid_input", where="label", value=name, problem="is missing", mend="Name the run whose partial content is wanted.")
    code = CATALOGUE["copy_partial"].code
    with open_store(resolve_url(), readonly=True) as store:
        found = store.entries(kind=kind, system=system, label=label.parse(name).name, type="copy_failed")
    return [{**entry, "media": dict.fromkeys(entry.get("medium", "").split(", "), "T0")} for entry in found if entry.get("error_code") == code]


def _newest_before(good: list[dict[str, t.Any]], moment: str) -> dict[str, t.Any] | None:
    before = [entry for entry in good if not moment or entry.get("started_at", "") < moment]
    return before[-1] if before else None


def _moment(text: str, zone: str) -> str:
    """The time of the loss in UTC as the bitácora writes times; "" when it is not given."""
    if not text:
        return ""
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            local = datetime.datetime.strptime(text, form).replace(tzinfo=_due.zone(zone))
        except ValueError:
            continue
        return local.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    raise BackupError("invalid_input", where="lost_at", value=text, problem="is not a date", mend="Write it as 2026-11-22 or 2026-11-22 10:30.")


def _medium(chosen: t.Mapping[str, t.Any], media: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """The first medium of the inventory where the copy is whole."""
    whole = [name for name, trust in chosen["media"].items() if trust]
    for medium in media:
        if medium.get("name") in whole:
            return str(medium["name"])
    raise BackupError("copy_missing", label=chosen["label"], location="the media of this inventory (it is on {0})".format(", ".join(whole)))
