# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing done is not success: exit status and verdict of each run agree."""

from __future__ import annotations

import concurrent.futures
import json
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import hostile
from .conftest import Place

Made = tuple[subprocess.CompletedProcess[str], Place]


@pytest.fixture(scope="module")
def made(request: pytest.FixtureRequest, furnished: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, concurrent.futures.Future[Made]]]:
    """The runs that were asked for, two at a time: most of each is the start of ansible-playbook."""
    def make(run: hostile.Run, directory: Path) -> Made:
        shutil.copytree(furnished.directory, directory, ignore=shutil.ignore_patterns(".ansible"))
        place = Place(directory)
        place.declare()
        return run.made(place), place

    wanted = {item.callspec.params["run"] for item in request.session.items if "run" in getattr(getattr(item, "callspec", None), "params", {})}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {run.name: pool.submit(make, run, tmp_path_factory.mktemp("hostil") / "lugar") for run in hostile.RUNS if run in wanted}


@pytest.mark.parametrize("run", hostile.RUNS, ids=[run.name for run in hostile.RUNS])
def test_exit_status_and_verdict_agree(made: dict[str, concurrent.futures.Future[Made]], furnished: Place, run: hostile.Run) -> None:
    done, place = made[run.name].result()
    found = (done.returncode, place.verdict(), len(place.labels()) - len(furnished.labels()))
    assert found == (run.status, run.verdict, run.copies), done.stdout
    assert run.words in done.stdout and "Traceback" not in done.stdout and "Zq9" not in done.stdout, done.stdout


def test_what_is_due_and_not_begun_is_named(place: Place) -> None:
    """The first system's failure ends the play of its server, as any_errors_fatal or an unreachable server does."""
    systems = [place.system("ALFA"), place.system("GAMA", of="beta")]
    place.declare({"a": {"backup_systems": systems}})
    play = place.play("""
- hosts: a
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: perucompras.respaldo.common, public: true}
      vars: {common_kind: database}
""")
    done = place.run(play, "-e", hostile.NOW)
    ended, = place.last_run("run_ended")
    assert (done.returncode, ended["verdict"]) == (2, "failed") and "a: ALFA, a: GAMA" in ended["note_es"] and "RSP737" in ended["note_es"], done.stdout


def test_attempts_that_are_repeated_are_told_and_the_last_one_counts(place: Place) -> None:
    """The first attempt finds no source; the second does, since the first made it."""
    late = place.directory / "tarde.sh"
    late.write_text("#!/bin/sh\n[ -e \"$1\" ] && echo contenido && exit 0\ntouch \"$1\"; exit 3\n")
    late.chmod(0o755)
    source = "{{type: command, dump: [{0}, {1}], verify: [/bin/grep, contenido], restore: [/bin/false]}}".format(late, place.directory / "ya")
    copy = hostile.OPENED.replace("{type: sqlite, path: @place/alfa.sqlite}", source).replace("@place", str(place.directory))
    tail = "      register: hecha\n      until: hecha is success\n      retries: 2\n      delay: 0\n    - perucompras.respaldo.bitacora_verdict:\n"
    done = place.run(place.play(hostile.PLAY + hostile.GUARD + hostile.LABEL + copy + tail))
    failed, made = place.last_run("copy_failed", "copy_made")
    assert (done.returncode, place.verdict()) == (0, "good"), done.stdout
    assert (failed["type"], failed["retried"], made["type"], failed["label"]) == ("copy_failed", True, "copy_made", made["label"])
    assert "retried" not in made


def test_standard_output_is_json_where_a_json_callback_writes_it(place: Place) -> None:
    command = [hostile.program(), "-i", str(place.inventory)]
    # the environment of another ansible-core has no collections: those of the one that tests
    installed = f"{hostile.ROOT / 'collections'}:{sysconfig.get_paths()['purelib']}"
    for playbook in ("plan", "bitacora"):
        told = place.environment(ANSIBLE_STDOUT_CALLBACK="ansible.posix.json", ANSIBLE_COLLECTIONS_PATH=installed)
        done = subprocess.run([*command, str(hostile.ROOT / "playbooks" / (playbook + ".yml"))], env=told, capture_output=True, text=True, timeout=600,
                              cwd=place.directory, check=False)
        assert done.returncode == 0 and json.loads(done.stdout)["plays"], done.stdout + done.stderr
        assert "ALFA" in done.stderr
