# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the index of names of this host's file servers. See its module for the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.utils.display import Display

from ..module_utils._engine import label
from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.policy import policy
from ..module_utils._engine.restic import repositories
from ..plugin_utils import _forms
from ..plugin_utils._actions import show
from ..plugin_utils._answers import arguments as answered
from ..plugin_utils._bitacora.store import open_store, resolve_url
from ..plugin_utils._copying.opening import OpenAction
from ..plugin_utils._decisions import offers
from ..plugin_utils._finding import index, merging, pages
from ..plugin_utils._inventory import names_of_other_hosts, wanted_names
from ..plugin_utils._tasks import plain


class _Unread(Exception):
    """What the server said went wrong when it was asked for names."""


class ActionModule(OpenAction):
    RECORDED = False     # the copies are recorded; what is kept here of their names can be made again from them
    ARGUMENTS: dict[str, Any] = {
        "systems": {"type": "raw", "required": True},
        "media": {"type": "list", "elements": "dict", "required": True},
        "custody": {"type": "raw", "default": ""},
        "directory": {"type": "path", "default": ""},
        "only": {"type": "list", "elements": "str", "default": []},
        "most_copies": {"type": "int", "default": 0},
        "anew": {"type": "bool", "default": False},
        "gone_only": {"type": "bool", "default": False},
        "strict": {"type": "bool", "default": True},
    }

    def work(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._task.args = answered(self._task.args, self.ARGUMENTS)
        given = self.validate_argument_spec(argument_spec=self.ARGUMENTS)[1]
        given["directory"] = index.directory_of(given["directory"])
        systems = plain(given["systems"])
        names = wanted_names(given["only"], systems, names_of_other_hosts(task_vars))
        told: dict[str, Any] = {"changed": False, "systems": [], "lines": []}
        for system in systems:
            if system["kind"] != repositories.KIND or policy.copied_by_a_tool(system) or names and label.canonical(system["name"]).lower() not in names:
                continue
            row = self._one(str(system["name"]), given, task_vars)
            told["changed"] = told["changed"] or bool(row["added"] or row["dropped"])
            told["systems"].append(row)
            told["lines"] += _lines(row)
        lacking = [row for row in told["systems"] if row["error"]]
        for row in lacking:
            Display().warning("Índice de nombres de {0}: {1}".format(row["system"], row["error"]))
        if given["strict"] and lacking:
            told.update(failed=True, msg="; ".join("{0}: {1}".format(row["system"], row["error"]) for row in lacking))
        if given["strict"]:
            show("\n".join(told["lines"]))
        return told

    def _one(self, system: str, given: Mapping[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Catch up with the copies of one system, the newest first. What goes wrong with one says nothing of the others, but they wait for the next run."""
        row: dict[str, Any] = {"system": system, "added": [], "dropped": [], "lacking": [], "left_out": 0, "error": ""}
        asking = ""
        with open_store(resolve_url(), readonly=True) as store:
            copies = {str(copy["label"]): copy for copy in store.copies(repositories.KIND, system)}
        try:
            if given["gone_only"] and not index.path_of(given["directory"], system).exists():
                return row
            if self._task.check_mode:
                row["lacking"] = sorted(set(copies).difference(_known(given["directory"], system)), key=lambda each: index.id_of(copies[each]))
                return row
            with index.Index(given["directory"], system, anew=given["anew"]) as opened:
                there = opened.points().labels
                row["dropped"] = [each for each in there if each not in copies]
                if row["dropped"]:
                    opened.drop(row["dropped"])
                wanted = sorted((index.id_of(copy), each) for each, copy in copies.items() if each not in there)
                row["lacking"] = [each for _place, each in wanted]
                if given["gone_only"]:
                    return row
                for place, each in wanted[::-1][:given["most_copies"] or None]:
                    medium = offers.medium_of(copies[each], [str(medium["name"]) for medium in given["media"]])
                    asking = each
                    if medium:      # else no medium of this inventory has it whole
                        merging.add(opened, each, place, self._names(row, copies[each], medium, given, task_vars))
                        row["added"].append(each)
                        row["lacking"].remove(each)
        except _Unread as unread:
            row["error"] = str(unread)
        except pages.Refused as refused:
            refusal = BackupError("names_refused", label=asking, detail=refused.english, detail_es=refused.spanish)
            row["error"] = refusal.in_both()
        except BackupError as error:
            row["error"] = error.in_both()
        return row

    def _names(self, row: dict[str, Any], copy: Mapping[str, Any], medium: str, given: Mapping[str, Any],
               task_vars: dict[str, Any]) -> Iterator[pages.Name]:
        """The names in a copy, as its server tells them page by page. Raises BackupError, pages.Refused, _Unread."""
        after, more = 0, True
        there = [dict(each) for each in given["media"] if each["name"] == medium][0]
        while more:
            asked = {"label": str(copy["label"]), "system": str(copy["system"]), "kind": repositories.KIND, "sha256": str(copy.get("sha256") or ""),
                     "medium": there, "after": after, "decryption": {"custody": given["custody"]}}
            asked["decryption"] = self.decryption(asked, task_vars)
            told = self.module("backup_names", asked, task_vars)
            if told.get("failed"):
                raise _Unread(_forms.line(told.get("msg")))
            count = 0
            for name in pages.unpacked(told["names"]):
                count += 1
                yield name
            if count > told["count"] or told["more"] and not told["count"]:
                raise pages.Refused("its count is another than that of its names", "su cuenta no es la de sus nombres")
            after, more = after + told["count"], told["more"]
            row["left_out"] += told["count"] - count


def _known(directory: str, system: str) -> list[str]:
    """The copies that an index has, where there is one."""
    if not index.path_of(directory, system).exists():
        return []
    with index.Index(directory, system, readonly=True) as opened:
        return opened.points().labels


def _lines(row: Mapping[str, Any]) -> list[str]:
    told = ["{0}: {1} copias añadidas al índice de nombres, {2} retiradas".format(row["system"], len(row["added"]), len(row["dropped"]))]
    told += ["  {0} nombres que no son UTF-8 quedaron fuera: el restic de ese servidor no los dice".format(row["left_out"])] if row["left_out"] else []
    return told + (["  Faltan {0}: {1}".format(len(row["lacking"]), ", ".join(row["lacking"][-5:]))] if row["lacking"] else [])
