# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands before and after a copy: their order, their limits, what is refused, and what is owed by a run that was killed."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import hook_forms
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import hooks, workspace

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def place(monkeypatch):
    """A directory that root alone can change, with all above it; marks lie in one of their own below it."""
    made = Path(tempfile.mkdtemp(prefix="respaldo-hooks-", dir="/srv"))
    monkeypatch.setattr(workspace, "STATE", str(made / "estado" / "scratch"))
    (made / "estado").mkdir(mode=0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def about():
    return hooks.About("database", "SIGA" + secrets.token_hex(4), "SIGA_20261122")


def script(place, name, text):
    file = place / name
    file.write_text("#!/bin/sh\n" + text, "utf-8")
    file.chmod(0o755)
    return str(file)


def declared(when, *argv, seconds=30, name=""):
    return {when: [{"argv": list(argv), "name": name, "timeout_seconds": seconds}]}


def made(declaration, about, told=None, place_of="server"):
    return hooks.around(hooks.of(declaration, place_of), about, told if told is not None else hooks.Told())


def test_before_then_the_work_then_after_and_each_is_told(place, about):
    log = place / "log"
    note = script(place, "note", f'echo "$RESPALDO_HOOK $RESPALDO_KIND $RESPALDO_LABEL $RESPALDO_RESULT $1" >> {log}; env > {place}/env; echo clave')
    told = hooks.Told()
    declaration = {**declared("before", note, "uno"), **declared("after", note, "dos", name="descongelar")}
    with made(declaration, about, told):
        with open(log, "a", encoding="utf-8") as file:
            file.write("leído\n")
        told.good = True
    assert log.read_text("utf-8").splitlines() == ["before database SIGA_20261122  uno", "leído", "after database SIGA_20261122 good dos"]
    assert [row.rpartition(",")[0].rpartition(",")[0] for row in told.rows] == [
        "antes: before 1, en el servidor: bien", "después: descongelar, en el servidor: bien"] and not told.remarks
    assert "ANSIBLE" not in (place / "env").read_text() and "clave" not in str(told.rows)


@pytest.mark.parametrize("text, words", [("exit 3", "status 3"), ("kill -9 $$", "signal 9")])
def test_a_before_that_fails_stops_everything_and_after_runs(place, about, text, words):
    told = hooks.Told()
    declaration = {"before": [{"argv": [script(place, "bad", text)]}, {"argv": [script(place, "second", f"touch {place}/never")]}],
                   **declared("after", script(place, "last", f"echo $RESPALDO_RESULT > {place}/after"))}
    with pytest.raises(BackupError) as caught:
        with made(declaration, about, told):
            pytest.fail("nothing is read")
    assert caught.value.code == "RSP126" and words in caught.value.message
    assert (place / "after").read_text() == "failed\n" and not (place / "never").exists() and len(told.rows) == 2


def test_one_that_does_not_end_is_ended_with_its_children(place, about):
    slow = script(place, "slow", f"sleep 300 & echo $! > {place}/child; trap '' TERM; sleep 300; sleep 300")
    with pytest.raises(BackupError, match="did not end within 1 seconds"):
        with made(declared("before", slow, seconds=1), about):
            pytest.fail("nothing is read")
    child = Path("/proc") / (place / "child").read_text().strip()
    assert not child.exists() or "\nState:\tZ" in (child / "status").read_text()


def test_after_runs_when_the_work_fails_and_its_own_failure_is_a_warning(place, about):
    told = hooks.Told()
    declaration = {"after": [{"argv": ["/bin/false"], "name": "uno"}, {"argv": [script(place, "second", f"echo $RESPALDO_RESULT > {place}/two")]}]}
    with pytest.raises(RuntimeError):
        with made(declaration, about, told):
            raise RuntimeError("the copy")
    assert (place / "two").read_text() == "failed\n"
    (remark,) = told.remarks
    assert remark.key == "hook_after_failed" and remark.spanish.startswith("RSP127: El comando «uno», después") and "código de salida 1" in remark.spanish


def test_a_program_that_others_can_change_is_refused_and_nothing_runs(place, about):
    log = place / "log"
    note = script(place, "note", f"echo ran >> {log}")
    loose = place / "suelto"
    loose.mkdir()
    inside = script(loose, "inside", f"echo ran >> {log}")
    link = place / "enlace"
    link.symlink_to(loose / "inside")
    relative = place / "relativo"
    relative.symlink_to("note")
    owned = script(place, "owned", f"echo ran >> {log}")
    os.chown(owned, 65534, 65534)
    loose.chmod(0o777)
    for program, code in ((inside, "RSP790"), (str(link), "RSP790"), (owned, "RSP790"), (str(place), "RSP790"), (str(place / "none"), "RSP126"),
                          (f"{place}/suelto/../note", "RSP790"), ("note", "RSP101")):
        with pytest.raises(BackupError) as caught:
            with made({**declared("before", note), **declared("after", program)}, about):
                pytest.fail("nothing is read")
        assert caught.value.code == code, program
    assert not log.exists()
    with made(declared("before", str(relative)), about):
        assert log.read_text() == "ran\n"


_KILLED = """
import os, sys, time
sys.path[:0] = [{root!r}]
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import hooks, workspace
workspace.STATE = {state!r}
about = hooks.About("database", {system!r}, "SIGA_20261121")
with hooks.around(hooks.of({{"after": [{{"argv": [{after!r}]}}]}}, "server"), about, hooks.Told()):
    print("begun", flush=True)
    time.sleep(300)
"""


def killed(place, about, after, how):
    text = _KILLED.format(root=str(ROOT / "collections"), state=workspace.STATE, system=about.system, after=after)
    run = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)
    assert run.stdout.readline() == b"begun\n"
    if how is None:
        return run
    run.send_signal(how)
    run.wait(60)
    return run


def test_what_a_killed_run_owes_is_run_before_the_next_copy_and_told(place, about):
    log = place / "log"
    after = script(place, "after", f"echo after $RESPALDO_RESULT >> {log}")
    killed(place, about, after, signal.SIGKILL)
    assert not log.exists()
    told = hooks.Told()
    with made(declared("after", after), about, told):
        assert log.read_text() == "after failed\n"
        told.good = True
    assert log.read_text() == "after failed\nafter good\n"
    assert [remark.key for remark in told.remarks] == ["hook_left"] and "SIGA_20261121" in told.remarks[0].spanish
    again = hooks.Told()
    with made(declared("after", after), about, again):
        pass
    assert not again.remarks


def test_a_second_copy_of_the_system_waits_and_runs_none(place, about):
    log = place / "log"
    after = script(place, "after", f"echo after >> {log}")
    run = killed(place, about, after, None)
    try:
        with pytest.raises(BackupError) as caught:
            with made({**declared("before", after), **declared("after", after)}, about):
                pytest.fail("it is another's")
        assert caught.value.code == "RSP404" and not log.exists()
        with made(declared("before", after), about._replace(system="Otro")):
            assert log.exists()
    finally:
        run.kill()
        run.wait(60)


def test_who_ends_the_run_waits_for_the_commands_after(place, about):
    def interrupted(*_given):
        raise BackupError("interrupted", label="the copy")

    former = signal.signal(signal.SIGTERM, interrupted)
    try:
        ask = script(place, "ask", f"kill -TERM {os.getpid()}; sleep 0.3; touch {place}/done")
        with pytest.raises(BackupError, match="interrupted"):
            with made(declared("after", ask), about):
                pass
        assert (place / "done").exists() and not list(Path(workspace.STATE).iterdir()), "all was run, and nothing is owed"
    finally:
        signal.signal(signal.SIGTERM, former)


def test_those_of_the_controller_are_not_the_server_s():
    declaration = {"before": [{"argv": ["/bin/a"], "on": "controller"}, {"argv": ["/bin/b"]}], "after": [{"argv": ["/bin/c"], "on": "server"}]}
    assert [hook.argv for hook in hooks.of(declaration, "controller")] == [("/bin/a",)]
    assert [hook.argv for hook in hooks.of(declaration, "server")] == [("/bin/b",), ("/bin/c",)]
    assert hooks.without(declaration, "controller") == {"before": [{"argv": ["/bin/b"]}], "after": [{"argv": ["/bin/c"], "on": "server"}]}
    assert hooks.of(None, "server") == []


@pytest.mark.parametrize("value, words", [
    ({"during": []}, "not a known key"), ([], "not a table"), ({"before": [{}]}, "missing"), ({"before": [{"argv": "fsfreeze -f /srv"}]}, "not a list"),
    ({"before": [{"argv": ["fsfreeze"]}]}, "full path"), ({"before": [{"argv": ["/bin/a", 1]}]}, "not a text"), ({"before": [{"argv": []}]}, "empty"),
    ({"after": [{"argv": ["/bin/a"], "timeout_seconds": 0}]}, "whole number"), ({"after": [{"argv": ["/bin/a"], "on": "servidor"}]}, "not known"),
    ({"after": [{"argv": ["/bin/a"], "name": "x"}, {"argv": ["/bin/b"], "name": "x"}]}, "two commands"),
])
def test_mistakes_are_told(value, words):
    problems = []
    hook_forms.hooks(value, "hooks", problems)
    assert any(words in problem.problem for problem in problems), problems


def test_a_good_declaration_has_no_mistakes():
    problems = []
    hook_forms.hooks({"before": [{"argv": ["/bin/a", ""], "name": "congelar", "on": "controller", "timeout_seconds": 5}]}, "hooks", problems)
    hook_forms.not_of_a_tool({"hooks": {}, "source": {"type": "sqlite"}}, "s", problems)
    assert not problems
    hook_forms.not_of_a_tool({"hooks": {}, "source": {"type": "azure_backup"}}, "s", problems)
    assert [problem.where for problem in problems] == ["s.hooks"]


def test_a_mark_stays_only_while_something_is_owed_and_two_places_have_two(place, about):
    marks = Path(workspace.STATE)
    with made(declared("before", "/bin/true"), about):
        own = {path.name for path in marks.iterdir()}
        both = {"before": [{"argv": ["/bin/true"], "on": "controller"}]}
        with made(both, about, place_of="controller"):
            assert len(list(marks.iterdir())) == 2
        assert {path.name for path in marks.iterdir()} == own
    assert not list(marks.iterdir())
    with pytest.raises(BackupError):
        with made(declared("before", "/bin/false"), about):
            pytest.fail("nothing is read")
    assert not list(marks.iterdir())


def test_a_mark_that_its_owner_takes_away_meanwhile_is_made_anew(place, about, monkeypatch):
    """Who opened it just before it went would hold a lock that nobody else meets."""
    real, gone = hooks.fcntl.flock, []

    def leaving(mark, how):
        if not gone:
            gone.append([path.unlink() for path in Path(workspace.STATE).iterdir()])
        return real(mark, how)

    monkeypatch.setattr(hooks.fcntl, "flock", leaving)
    with made(declared("before", "/bin/true"), about):
        assert gone and len(list(Path(workspace.STATE).iterdir())) == 1


def as_stranger(work):
    """Do something in a child under a number that no passwd knows, as OpenShift gives a container; how it ended."""
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(0)
            os.setuid(1000660000)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)      # Python 3.8 has no waitstatus_to_exitcode


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_an_account_without_a_home_marks_what_it_owes_where_it_is_told(place, about):
    """In a container the journal's directory: what a run that was killed owes is there for the next, which may have another number of process and host."""
    place.chmod(0o755)
    volume = place / "volumen"
    volume.mkdir(mode=0o775)
    os.chown(volume, 1000660000, 0)
    marks, log = str(volume / "journal" / "marks"), volume / "log"
    commands = hooks.of(declared("after", "/bin/sh", "-c", f"echo after $RESPALDO_RESULT >> {log}"), "server")

    def killed_while_it_works():
        with hooks.around(commands, about, hooks.Told(), marks):
            os.kill(os.getpid(), signal.SIGKILL)

    def next_one():
        told = hooks.Told()
        with hooks.around(commands, about, told, marks):
            assert log.read_text() == "after failed\n" and [remark.key for remark in told.remarks] == ["hook_left"]
            told.good = True

    def without_a_place():
        with pytest.raises(BackupError) as caught, hooks.around(commands, about, hooks.Told()):
            raise AssertionError
        assert caught.value.code == "RSP790"

    assert as_stranger(killed_while_it_works) == -signal.SIGKILL and not log.exists()
    assert as_stranger(next_one) == 0 and log.read_text() == "after failed\nafter good\n" and not os.listdir(marks)
    assert as_stranger(without_a_place) == 0
    # of others' it is none: root's directory here
    os.chown(marks, 0, 0)
    assert as_stranger(next_one) == 1 and log.read_text() == "after failed\nafter good\n"
