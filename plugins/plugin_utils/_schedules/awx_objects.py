# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX is to have, by name, and what of it is ours and no longer wanted. Pure: no secret goes in or comes out.

A name is the prefix and a word of a list of ours, so that an object of others is never taken for one of ours, however it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from . import awx_forms, awx_settings, questions
from .purposes import PURPOSES

# What is looked at before anything is made: collection of AWX's API -> the kind of thing for people.
COLLECTIONS = {
    "organizations": "organización", "credential_types": "tipo de credencial", "credentials": "credencial", "execution_environments": "imagen",
    "projects": "proyecto", "inventories": "inventario", "notification_templates": "notificación", "job_templates": "plantilla",
    "workflow_job_templates": "flujo", "schedules": "programación",
}
OF_OTHERS = "schedules_of_others"      # beside them: by the template of ours that they start
NAMED = "credentials_named"            # what the inventory only names, by number
STRANGERS = "strangers"                # what other organizations have of the same names, which awx.awx looks for by name alone
PLAYBOOKS = "playbooks"                # of a project: what AWX found in it
UNDER_WAY = ("new", "pending", "waiting", "running")      # of a synchronisation
RUNNING = "unified_jobs"               # what AWX runs or is about to
ASKING = "me"                          # who asks, by username
ASKED_OF = {NAMED: "credentials"}
OF_ANY_ORGANIZATION = ("credentials", "inventories", "notification_templates", "execution_environments")
VAULT, AZURE = "Vault", "Microsoft Azure Resource Manager"      # AWX's own types of credentials
# Of the bitácora AWX knows none. Names that begin with ANSIBLE_ are refused there. The password goes by a file that only its path is told of.
BITACORA_INPUTS = {"fields": [
    {"id": "url", "type": "string", "label": "Dirección (postgresql://usuario@servidor/base)"},
    {"id": "password", "type": "string", "label": "Contraseña", "secret": True},
    {"id": "journal", "type": "string", "label": "Directorio del diario, montado y que dura"},
    {"id": "seal_key", "type": "string", "label": "Archivo de la llave del sello, montado y que dura"},
]}
BITACORA_INJECTORS = {
    "env": {"RESPALDO_BITACORA": "{{ url }}", "RESPALDO_BITACORA_JOURNAL": "{{ journal }}", "RESPALDO_BITACORA_SEAL_KEY": "{{ seal_key }}",
            "PGPASSFILE": "{{ tower.filename.pgpass }}"},
    "file": {"template.pgpass": "*:*:*:*:{{ password | replace('\\\\', '\\\\\\\\') | replace(':', '\\\\:') }}"},
}


class Plan(NamedTuple):
    """Lists of tables, one for each object; `there` says whether AWX has it already."""

    ground: dict[str, Any]              # organization, credential_type, image, project, inventory, notification: name and there
    credentials: list[dict[str, Any]]   # key of the settings, name, type, whether to make it now
    templates: list[dict[str, Any]]
    workflow: dict[str, Any]
    schedules: list[dict[str, Any]]
    unwanted: dict[str, list[str]]      # schedules, job_templates, workflow_job_templates: names
    names: dict[str, list[str]]         # of all that is to be there, by collection
    before: str                         # for --diff: a line for each object that is or will be there
    after: str


def plan(settings: Mapping[str, Any], schedules: Sequence[Mapping[str, Any]], there: Mapping[str, Mapping[str, Mapping[str, Any]]], absent: bool) -> Plan:
    """`there` has of each collection what AWX has, by name, and OF_OTHERS. `absent` takes away all that runs, and leaves what holds secrets and history."""
    prefix = settings.get("prefix", awx_settings.PREFIX)
    ground = _ground(settings, prefix, there)
    types = {"vault": VAULT, "bitacora": f"{prefix} bitacora", "azure": AZURE}
    credentials = [_credential(key, type_, settings[key], prefix, there) for key, type_ in types.items() if key in settings]
    attached = [row["name"] for row in credentials] + list(settings.get("credentials", ()))
    directory = settings.get("playbooks", awx_settings.PLAYBOOKS)
    wanted = [] if absent else list(schedules)
    templates = [_template(f"{prefix} {row['purpose']}", f"{directory}/{row['playbook']}", str(row["title"]), None, {}, attached, there) for row in wanted]
    templates += [_template(f"{prefix} {name}", f"{directory}/{form.playbook}.yml", form.title, awx_forms.survey(form.questions), form.fixed, attached, there)
                  for name, form in questions.FORMS.items() if not absent]
    ground["project"].update(_reading(ground["project"], templates, there["projects"]))
    rows = [{"name": f"{prefix} {row['purpose']}", "rrule": row["rrules"][0], "there": f"{prefix} {row['purpose']}" in there["schedules"],
             "description": row["title"]} for row in wanted]
    flow = f"{prefix} {awx_forms.WORKFLOW}"
    form = questions.FORMS[questions.APPROVED]
    workflow = {"name": flow, "there": flow in there["workflow_job_templates"], "wanted": not absent, "runs": f"{prefix} {questions.APPROVED}",
                "description": form.title, "survey": awx_forms.survey(form.questions), "approval": awx_forms.APPROVAL,
                "seconds": 3600 * settings.get("approval_hours", awx_settings.HOURS)}
    names = {"schedules": [row["name"] for row in rows], "job_templates": [row["name"] for row in templates],
             "workflow_job_templates": [] if absent else [flow]}
    unwanted = {collection: sorted(set(_known(prefix, collection)) & set(there[collection]) - set(names[collection])) for collection in names}
    # with a template AWX removes whatever starts it, also what others made
    unwanted["job_templates"] = [name for name in unwanted["job_templates"] if name not in there.get(OF_OTHERS, {})]
    wanted_names = {**names, **_ground_names(ground, credentials)}
    before, after = _lines(there, wanted_names, rows, unwanted)
    return Plan(ground, credentials, templates, workflow, rows, unwanted, wanted_names, before, after)


def listed(prefix: str, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What to ask of each collection: of the organization alone, since others of the same AWX may have the same prefix, but where awx.awx asks of all."""
    name = str(settings["organization"])
    asked: dict[str, dict[str, Any]] = {collection: {"name__startswith": prefix, "organization__name": name} for collection in COLLECTIONS}
    asked.update({collection: {"name__startswith": prefix} for collection in ("credential_types", *OF_ANY_ORGANIZATION)})
    asked["organizations"] = {"name": name}
    asked["schedules"] = {"unified_job_template__name__startswith": prefix, "unified_job_template__organization__name": name}
    asked[RUNNING] = {"status__in": ",".join(UNDER_WAY), "name__startswith": prefix}
    asked[ASKING] = {}
    named = [*settings.get("credentials", ()), *(settings["project"][key] for key in ("credential",) if key in settings["project"])]
    if named:
        asked[NAMED] = {"or__name": sorted(set(named))}
    return asked


def _known(prefix: str, collection: str) -> Iterable[str]:
    words = {"schedules": PURPOSES, "job_templates": (*PURPOSES, *questions.FORMS), "workflow_job_templates": (awx_forms.WORKFLOW,)}
    return (f"{prefix} {word}" for word in words[collection])


def _ground(settings: Mapping[str, Any], prefix: str, there: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    def one(collection: str, name: str) -> dict[str, Any]:
        return {"name": name, "there": name in there[collection]}

    project = settings["project"]
    return {
        "organization": one("organizations", settings["organization"]), "credential_type": {
            **one("credential_types", f"{prefix} bitacora"), "inputs": BITACORA_INPUTS, "injectors": BITACORA_INJECTORS, "wanted": "bitacora" in settings},
        "image": {**one("execution_environments", prefix), "image": settings["image"]},
        "project": {**one("projects", prefix), "url": project["url"], "branch": project.get("branch", ""), "credential": project.get("credential", ""),
                    "update_on_launch": project.get("update_on_launch", True)},
        "inventory": {**one("inventories", prefix), "path": settings["inventory"]},
        "notification": {**one("notification_templates", f"{prefix} avisos"), "wanted": "notification" in settings},
    }


def lacking(project: Mapping[str, Any], templates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Playbooks of ours that AWX did not find in the project, without which it refuses their templates."""
    return sorted({row["playbook"] for row in templates} - set(project[PLAYBOOKS]))


def _reading(wanted: Mapping[str, Any], templates: Sequence[Mapping[str, Any]], projects: Mapping[str, Mapping[str, Any]]) -> dict[str, bool]:
    """Whether something of ours was not found in the repository (`unread`), and AWX must be asked to read it again (`stale`).

    What is new, or of another address or branch from now on, AWX reads unasked.
    """
    project = projects.get(wanted["name"])
    unread = bool(project and (project["scm_url"], project["scm_branch"]) == (wanted["url"], wanted["branch"]) and lacking(project, templates))
    return {"unread": unread, "stale": bool(unread and project and project["status"] not in UNDER_WAY)}


def _credential(key: str, type_: str, given: Mapping[str, Any], prefix: str, there: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Without its secret a credential is made once, and then left to the person who filled it: what is sent again would take the secret away."""
    name = f"{prefix} {key}"
    known = name in there["credentials"]
    return {"key": key, "name": name, "type": type_, "there": known, "make": not known or any(given.get(each) for each in ("password", "secret"))}


def _template(name: str, playbook: str, title: str, survey: Any, fixed: Mapping[str, str], credentials: list[str],
              there: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {"name": name, "playbook": playbook, "description": title, "survey": survey or {}, "asks": bool(survey), "extra_vars": dict(fixed),
            "credentials": credentials, "there": name in there["job_templates"]}


def _ground_names(ground: Mapping[str, Any], credentials: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    names = {"credentials": [row["name"] for row in credentials]}
    for key, collection in (("organization", "organizations"), ("credential_type", "credential_types"), ("image", "execution_environments"),
                            ("project", "projects"), ("inventory", "inventories"), ("notification", "notification_templates")):
        names[collection] = [ground[key]["name"]] if ground[key].get("wanted", True) else []
    return names


def _lines(there: Mapping[str, Mapping[str, Mapping[str, Any]]], wanted: Mapping[str, Sequence[str]], schedules: Sequence[Mapping[str, Any]],
           unwanted: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """What is there and ours, and what is to be: the same objects stand in the same lines."""
    rules = {str(row["name"]): str(row["rrule"]) for row in schedules}
    before, after = [], []
    for collection, word in COLLECTIONS.items():
        for name in sorted({*wanted[collection], *unwanted.get(collection, ())}):
            if name in there[collection]:
                before.append(f"{word} {name} {there[collection][name].get('rrule') or ''}".rstrip())
            if name in wanted[collection]:
                after.append(f"{word} {name} {rules.get(name, '') if collection == 'schedules' else ''}".rstrip())
    return "".join(f"{line}\n" for line in before), "".join(f"{line}\n" for line in after)
