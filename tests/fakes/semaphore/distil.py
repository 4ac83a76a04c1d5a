# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes out of Semaphore's published API description what the fake needs: `python tests/fakes/semaphore/distil.py api-docs.yml` writes contract.json again."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ABOUT = {
    "source": "https://github.com/semaphoreui/semaphore", "file": "api-docs.yml", "commit": "d4a27137486d65f963257d06e6b7867b54513e20",
    "licence": "MIT, Copyright (c) 2021 Denis Gukov, Copyright (c) 2014-2021 Castaway Labs LLC; see LICENSE beside this file",
    "made by": "tests/fakes/semaphore/distil.py",
}
PATHS = ("/info", "/projects", *(f"/project/{{project_id}}/{kind}{one}" for kind, one in (
    ("keys", ""), ("keys", "/{key_id}"), ("repositories", ""), ("repositories", "/{repository_id}"), ("inventory", ""), ("inventory", "/{inventory_id}"),
    ("environment", ""), ("environment", "/{environment_id}"), ("templates", ""), ("templates", "/{template_id}"), ("schedules", ""),
    ("schedules", "/{schedule_id}"))))
_TOLD = ("type", "enum", "minimum", "required", "properties", "items", "$ref", "name", "in", "schema", "parameters", "responses")


def main(description: Path) -> None:
    told = yaml.safe_load(description.read_text("utf-8"))
    contract: dict[str, Any] = {"about": ABOUT, "base": told["basePath"], "definitions": _bare(told["definitions"], True), "paths": {}}
    for path in PATHS:
        common = told["paths"][path].get("parameters", [])
        contract["paths"][path] = {method.upper(): {
            "parameters": [_parameter(each, told) for each in [*common, *row.get("parameters", [])]],
            "responses": {str(status): _bare(answer).get("schema") for status, answer in row["responses"].items()},
        } for method, row in told["paths"][path].items() if method != "parameters"}
    used = set(re.findall(r"#/definitions/(\w+)", json.dumps(contract["paths"])))
    while more := set(re.findall(r"#/definitions/(\w+)", json.dumps([contract["definitions"][name] for name in used]))) - used:
        used |= more
    contract["definitions"] = {name: contract["definitions"][name] for name in used}
    (Path(__file__).parent / "contract.json").write_text(json.dumps(contract, indent=1, sort_keys=True) + "\n", "utf-8")


def _parameter(row: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    name = row.get("$ref", "").rpartition("/")[2]
    return dict(_bare(told["parameters"][name] if name else row))


def _bare(value: Any, names: bool = False) -> Any:
    """Without words for people and examples; `names`: the keys are names of things, and all stay."""
    if isinstance(value, dict):
        return {key: _bare(each, not names and key == "properties") for key, each in value.items() if names or key in _TOLD}
    return [_bare(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
