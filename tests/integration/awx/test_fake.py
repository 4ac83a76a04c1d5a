# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake of AWX against what a real AWX answered: the recorded conversation and what it refused, request by request."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from fakes.awx import server

REFUSALS = json.loads((Path(server.__file__).parent / "refusals.json").read_text("utf-8"))      # recorded too; {name} stands for a number
CONVERSATION = json.loads((Path(server.__file__).parent / "conversation.json").read_text("utf-8"))
# what no two servers have alike, and what is not asked for by anybody of ours
_OWN = ("created", "modified", "related", "summary_fields", "last_job_run", "last_updated", "ansible_id")


def ask(awx, method, path, body=None, token=server.TOKEN):
    request = urllib.request.Request(awx.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            status, raw = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, raw = error.code, error.read()
    try:
        return status, json.loads(raw) if raw else None
    except ValueError:
        return status, {"not_json": raw.decode()}


def said(fake, real):
    """What the fake says, and the same of what AWX said."""
    if isinstance(fake, dict) and isinstance(real, dict):
        if "results" in fake:
            return said(fake["results"][0], real["results"][0])
        names = [name for name in fake if name not in _OWN]
        return {name: fake[name] for name in names}, {name: real.get(name, "(AWX has no such field)") for name in names}
    return fake, real


def test_it_answers_as_the_recorded_awx(awx):
    assert len(CONVERSATION) == 31
    for number, row in enumerate(CONVERSATION):
        asked = row["request"]
        status, answer = ask(awx, asked["method"], asked["path"], asked["body"])
        assert status == row["status"], (number, asked, answer)
        if status >= 400:
            assert answer == row["answer"], (number, asked)
        else:
            fake, real = said(answer, row["answer"])
            assert fake == real, (number, asked)


@pytest.mark.parametrize("collection, body, told", [
    ("job_templates", {"name": "a", "job_type": "paso"}, {"job_type": ['"paso" is not a valid choice.']}),
    ("job_templates", {"name": "a", "project": 99}, {"project": ['Invalid pk "99" - object does not exist.']}),
    ("projects", {"name": "a", "scm_urll": "x"}, {"scm_urll": ["The fake knows no such field."]}),
    ("projects", {"name": "a" * 513}, {"name": ["Ensure this field has no more than 512 characters."]}),
    ("job_templates", {"name": "a", "survey_enabled": "no"}, {"survey_enabled": ["Must be a valid boolean."]}),
])
def test_it_checks_by_the_answers_to_options(awx, collection, body, told):
    assert ask(awx, "POST", f"/api/v2/{collection}/", body) == (400, told) and len(awx.mistakes) == 1


def test_it_gives_pages_and_refuses_strangers(awx):
    for number in range(5):
        ask(awx, "POST", "/api/v2/organizations/", {"name": f"Entidad {number}"})
    status, first = ask(awx, "GET", "/api/v2/organizations/?name__startswith=Entidad&page_size=3")
    assert status == 200 and first["count"] == 5 and len(first["results"]) == 3
    assert [row["name"] for row in ask(awx, "GET", first["next"])[1]["results"]] == ["Entidad 3", "Entidad 4"]
    assert ask(awx, "GET", "/api/v2/organizations/?nombre=x")[0] == 400
    assert ask(awx, "GET", "/api/v2/organizations/", token="otra")[0] == 401


def put(value, numbers):
    if isinstance(value, str):
        name = re.fullmatch(r"\{([a-z_]+)\}", value)
        return numbers[name[1]] if name else value
    if isinstance(value, dict):
        return {key: put(each, numbers) for key, each in value.items()}
    return [put(each, numbers) for each in value] if isinstance(value, list) else value


def test_it_refuses_what_the_real_one_refuses(awx):
    numbers = {}
    for name, collection, body in REFUSALS["made"]:
        if name == "template":      # AWX has read the repository by then
            assert ask(awx, "GET", f"/api/v2/projects/{numbers['project']}/")[1]["status"] == "successful"
        status, answer = ask(awx, "POST", f"/api/v2/{collection}/", put(body, numbers))
        assert status == 201, (name, answer)
        numbers[name] = answer["id"]
    assert len(REFUSALS["asked"]) > 30
    for each in REFUSALS["asked"]:
        path = re.sub(r"\{([a-z_]+)\}", lambda found: str(numbers[found[1]]), each["path"])
        status, answer = ask(awx, each["method"], f"/api/v2/{path}", put(each["body"], numbers))
        assert status == each["status"], (each, answer)
        if status >= 400:
            assert answer == each["answer"], each
