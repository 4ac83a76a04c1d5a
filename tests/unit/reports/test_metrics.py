# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers for Prometheus: read by its own parsers, names that stay, a file that is never half one, and the rules and the board that are made of them."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.store import open_store  # noqa: E402
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._reports import files, metrics  # noqa: E402

RULES = yaml.safe_load((ROOT / "policies/manual-001-2019.yml").read_text("utf-8"))
NOW = datetime.datetime(2026, 11, 24, 15, 0, tzinfo=datetime.timezone.utc)
NAME = "Mesa Uno"
HOSTILE = 'SIGA "uno"\\dos\n# EOF\nrespaldo_x 1'
# Alert rules and boards of institutions hold them: one that goes, or changes its labels, is a change for them and not for this list alone.
NAMES = {
    "respaldo_generated_timestamp_seconds": (), "respaldo_bitacora_head_entries": (), "respaldo_bitacora_verified": (),
    "respaldo_system_declared": ("system", "kind", "criticality"), "respaldo_copy_last_timestamp_seconds": ("system", "kind"),
    "respaldo_copy_due_timestamp_seconds": ("system", "kind"), "respaldo_copy_overdue_seconds": ("system", "kind"),
    "respaldo_copy_size_bytes": ("system", "kind"), "respaldo_copy_duration_seconds": ("system", "kind"), "respaldo_copy_trust_level": ("system", "kind"),
    "respaldo_copy_lacking": ("system", "kind"),
    "respaldo_drill_last_timestamp_seconds": ("system", "kind"), "respaldo_drill_every_seconds": ("system", "kind"),
    "respaldo_medium_used_bytes": ("medium",), "respaldo_medium_free_bytes": ("medium",), "respaldo_medium_full_seconds": ("medium",),
    "respaldo_requests_open": (), "respaldo_requests_late": (), "respaldo_purpose_last_timestamp_seconds": ("purpose",),
    "respaldo_purpose_missed_starts": ("purpose",), "respaldo_purpose_good": ("purpose",),
}


def system(name, **more):
    return {"name": name, "kind": "database", "criticality": "alta", "office": "OTI", "responsible": "Ana Núñez", "source": {"type": "postgresql"}, **more}


def copied(store, name, day, size=1000, **more):
    at = f"2026-11-{day:02}T08:00:00Z"
    body = {"system": name, "kind": "database", "label": f"{name.replace(' ', '')}_202611{day:02}", "started_at": at, "ended_at": at, "size": size,
            "medium": "nas", "location": "/srv/copias/secreta", "trust_level": "T3", "duration_ms": 61000}
    store.append("copy_made", {**body, **more}, at, "R1")


@pytest.fixture
def store(tmp_path):
    with open_store(str(tmp_path / "b.sqlite")) as opened:
        yield opened


def parsed(text, parser=openmetrics):
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for family in parser(text) for sample in family.samples}


def test_what_is_told_of_a_system_by_both_parsers_and_nothing_else(store):
    for day in range(10, 20):
        copied(store, NAME, day, 1000 * day)
    store.append("copy_verified", {"system": NAME, "kind": "database", "label": "MesaUno_20261119", "trust_level": "T3", "medium": "nas"},
                 "2026-11-20T08:00:00Z", "R1")
    store.append("schedule_set", {"purpose": "custody", "schedule": "week sunday 08:30; America/Lima; 5; 120"}, "2026-11-01T08:00:00Z", "R1")
    store.append("run_started", {"run": "r1", "playbook": "custody.yml"}, "2026-11-15T13:31:00Z", "R1")
    text = metrics.text(metrics.read(store, RULES, [system(NAME), system(HOSTILE), system("Apagado", enabled=False)], NOW, {"nas": 10 ** 9, HOSTILE: 5}))
    told = parsed(text)
    assert told == parsed(text, plain_text) and text.endswith("# EOF\n")
    assert {name for name, _labels in told} == set(NAMES)
    for name, labels in told:
        assert [label for label, _value in labels] == sorted(NAMES[name]), name
    of = {name: value for (name, labels), value in told.items() if dict(labels).get("system") == NAME}
    shown = HOSTILE.replace("\n", " ")
    assert told["respaldo_medium_free_bytes", (("medium", shown),)] == 5
    assert told["respaldo_system_declared", (("criticality", "alta"), ("kind", "database"), ("system", shown))] == 1
    assert of["respaldo_copy_last_timestamp_seconds"] == datetime.datetime(2026, 11, 19, 8, tzinfo=datetime.timezone.utc).timestamp()
    assert (of["respaldo_copy_size_bytes"], of["respaldo_copy_duration_seconds"], of["respaldo_copy_trust_level"]) == (19000, 61, 3)
    assert of["respaldo_copy_overdue_seconds"] > 0 and of["respaldo_drill_last_timestamp_seconds"] == 1795161600
    custody = (("purpose", "custody"),)
    assert told["respaldo_purpose_missed_starts", custody] == 1 and told["respaldo_purpose_good", custody] == 0
    assert told["respaldo_medium_used_bytes", (("medium", "nas"),)] == sum(1000 * day for day in range(10, 20)) and told["respaldo_bitacora_verified", ()] == 1
    assert told["respaldo_bitacora_head_entries", ()] == 13
    assert "Apagado" not in text and "/srv" not in text and "Ana" not in text


def test_a_name_that_is_not_known_is_no_metric():
    with pytest.raises(KeyError):
        metrics.text([metrics.Sample("respaldo_otra", 1)])


def test_who_reads_while_it_is_written_reads_a_whole_file(tmp_path):
    """As node_exporter does, which reads the names that end in .prom: a whole one, and no other name of that end."""
    path, over, broken, seen = tmp_path / "respaldo.prom", threading.Event(), [], set()

    def look():
        while not over.is_set():
            for name in os.listdir(tmp_path):
                if name.endswith(".prom"):
                    content = (tmp_path / name).read_bytes()
                    seen.add(content[:40])
                    if not content.endswith(b"# EOF\n") or name != path.name:
                        broken.append((name, len(content)))

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(40):
        files.put(path, metrics.text([metrics.Sample("respaldo_medium_free_bytes", number, {"medium": f"m{each}"}) for each in range(2000)]).encode(), False,
                  0o644, make=False)
    over.set()
    reader.join()
    assert not broken and seen and path.stat().st_mode & 0o777 == 0o644 and os.listdir(tmp_path) == [path.name]
    with pytest.raises(BackupError) as caught:
        files.put(tmp_path / "no/hay.prom", b"", False, make=False)
    assert caught.value.code == "RSP902"


def test_a_thousand_systems(store):
    """What it takes is told by -s; no machine is too slow for it."""
    with store.exclusive():
        for number in range(1000):
            copied(store, f"S{number}", 1 + number % 20)
    began = time.monotonic()
    text = metrics.text(metrics.read(store, RULES, [system(f"S{number}") for number in range(1000)], NOW))
    print(f"1000 systems: {time.monotonic() - began:.1f} s, {len(text)} bytes")
    assert len(parsed(text, plain_text)) > 7000 and len(text) < 2 << 20


def test_rules_and_board_use_the_names_that_there_are():
    rules = yaml.safe_load((ROOT / "docs/monitoring/respaldo-alertas.yml").read_text("utf-8"))
    board = json.loads((ROOT / "docs/monitoring/respaldo-grafana.json").read_text("utf-8"))
    tried = yaml.safe_load((ROOT / "docs/monitoring/respaldo-alertas-prueba.yml").read_text("utf-8"))
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    asked += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    series = [each["series"] for test in tried["tests"] for each in test["input_series"]]
    used = {name for text in asked + series for name in re.findall(r"\brespaldo_[a-z_]+", text)}
    assert used <= set(NAMES) and len(used) > 12
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert {row["alertname"] for test in tried["tests"] for row in test["alert_rule_test"]} <= alerts


SELECTED = re.compile(r"\b(respaldo_[a-z_]+)(?:\{([^}]*)\})?")
NAMED = re.compile(r"([a-zA-Z_]+)\s*(?:=~|!=|!~|=)")
JOINED = re.compile(r"\b(?:on|by|without|ignoring)\s*\(([^)]*)\)")


def strange_labels(expression, shown=""):
    """The labels that an expression, or a text that is shown of what it gives, asks of a metric that has none of that name. `shown` is a template of
    Prometheus ({{ $labels.system }}) or Grafana ({{system}}).
    """
    used = [name for name, _labels in SELECTED.findall(expression)]
    strange = [(name, label) for name, labels in SELECTED.findall(expression) for label in NAMED.findall(labels or "") if label not in NAMES[name]]
    for joined in JOINED.findall(expression):
        strange += [(name, label) for name in used for label in re.findall("[a-z_]+", joined) if label not in NAMES[name]]
    # what an expression gives has the labels of what stands first in it
    strange += [(used[0], label) for label in re.findall(r"\{\{\s*(?:\$labels\.)?([a-z][a-z_]*)\s*\}\}", shown) if label not in NAMES[used[0]]]
    return strange


@pytest.mark.parametrize("expression, shown, strange", [
    ("respaldo_purpose_good == 0", "{{ $labels.purpose }} {{ $value }}", []),
    ("respaldo_purpose_good == 0", "{{ $labels.system }}", [("respaldo_purpose_good", "system")]),
    ("respaldo_copy_size_bytes", "{{medium}}", [("respaldo_copy_size_bytes", "medium")]),
    ('respaldo_copy_size_bytes{system="SIGA",host!="a"}', "", [("respaldo_copy_size_bytes", "host")]),
    ("respaldo_system_declared unless on (system, tipo) respaldo_copy_size_bytes", "",
     [("respaldo_system_declared", "tipo"), ("respaldo_copy_size_bytes", "tipo")]),
    ("sum by (criticality) (respaldo_copy_size_bytes)", "", [("respaldo_copy_size_bytes", "criticality")]),
])
def test_a_label_that_a_metric_does_not_have_is_found(expression, shown, strange):
    assert strange_labels(expression, shown) == strange


def test_rules_and_board_ask_for_the_labels_that_there_are():
    """Where promtool can't be had. A label that is misspelt is no mistake to Prometheus: the rule is silent for ever."""
    rules = yaml.safe_load((ROOT / "docs/monitoring/respaldo-alertas.yml").read_text("utf-8"))
    board = json.loads((ROOT / "docs/monitoring/respaldo-grafana.json").read_text("utf-8"))
    tried = yaml.safe_load((ROOT / "docs/monitoring/respaldo-alertas-prueba.yml").read_text("utf-8"))
    asked = [(rule["expr"], " ".join(rule["annotations"].values())) for group in rules["groups"] for rule in group["rules"]]
    # __name__ is every metric's
    asked += [(target["expr"], target.get("legendFormat", "").replace("{{__name__}}", "")) for panel in board["panels"] for target in panel["targets"]]
    asked += [(each["series"], "") for test in tried["tests"] for each in test["input_series"]]
    assert [(expression, strange) for expression, shown in asked if (strange := strange_labels(expression, shown))] == []
    # a series of the rules' test has all labels of its metric, as the real ones do
    for name, labels in (SELECTED.match(each["series"]).groups() for test in tried["tests"] for each in test["input_series"]):
        assert sorted(NAMED.findall(labels or "")) == sorted(NAMES[name]), name
    # and what such a test expects carries the labels that its rule gives
    given = {rule["alert"]: {*NAMES[SELECTED.search(rule["expr"])[1]], *rule["labels"]} for group in rules["groups"] for rule in group["rules"]}
    for row in (each for test in tried["tests"] for each in test["alert_rule_test"]):
        assert all(set(expected["exp_labels"]) == given[row["alertname"]] for expected in row["exp_alerts"]), row


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool (Debian: prometheus)")
def test_prometheus_itself_takes_the_rules_and_their_test():
    for words in (["check", "rules", "respaldo-alertas.yml"], ["test", "rules", "respaldo-alertas-prueba.yml"]):
        done = subprocess.run(["promtool", *words], cwd=ROOT / "docs/monitoring", capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr
