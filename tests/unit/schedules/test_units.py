# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units as they are written: systemd takes them, they name no secret, and those of others are never taken for ours."""

from __future__ import annotations

import os
import shutil
import socket

import pytest
from ansible_collections.perucompras.respaldo.plugins.action import backup_schedule

from plugins.module_utils._engine.errors import BackupError
from plugins.plugin_utils._bitacora.store import open_store, resolve_url
from plugins.plugin_utils._schedules import systemd, units
from plugins.plugin_utils._schedules.purposes import PURPOSES
from plugins.plugin_utils._schedules.units import Command
from plugins.plugin_utils._schedules.when import Timed, When, read, written

COMMAND = Command("/bin/true", "/srv/respaldo", ("/srv/inventario/hosts.yml",), ("respaldo@/etc/respaldo/vault.pass",), (("HOME", "/root"),))
AT = "2026-11-24T15:00:00Z"
SCHEDULE = {name: Timed(purpose.default or When("10:00"), "America/Lima", 5, 120) for name, purpose in PURPOSES.items()}


@pytest.mark.parametrize("when, said", [
    (When("22:00"), "*-*-* 22:00:00 America/Lima"), (When("06:30", month_day=1), "*-*-01 06:30:00 America/Lima"),
    (When("07:30", ("monday", "thursday")), "Mon,Thu *-*-* 07:30:00 America/Lima"), (When(every_minutes=15), "*-*-* *:00/15:00 America/Lima"),
    (When(every_minutes=60), "*-*-* *:00:00 America/Lima"), (When(every_minutes=180), "*-*-* 00/3:00:00 America/Lima"),
])
def test_a_time_as_systemd_has_it(when, said):
    assert units.on_calendar(when, "America/Lima") == said


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_takes_all_of_them_and_refuses_a_bad_one():
    systemd.prove(units.render(SCHEDULE, COMMAND))
    for schedule, command in (({"copies": Timed(When("22:00"), "America/Limax", 5, 120)}, COMMAND), (SCHEDULE, COMMAND._replace(program="/bin/no-such"))):
        with pytest.raises(BackupError) as error:
            systemd.prove(units.render(schedule, command))
        assert error.value.code == "RSP744"


def test_each_purpose_has_its_service_and_timer_and_all_one_that_records_failures():
    found = units.render(SCHEDULE, COMMAND)
    assert len(found) == 2 * len(PURPOSES) + 1 and all(units.NAME.fullmatch(name) and units.is_ours(text, COMMAND.inventories) for name, text in found.items())
    assert "ExecStart=/bin/true --inventory /srv/inventario/hosts.yml --vault-id respaldo@/etc/respaldo/vault.pass /srv/respaldo/playbooks/site.yml\n" in found[
        "respaldo-copies.service"]
    assert "OnFailure=respaldo-fallo@%n.service\n" in found["respaldo-copies.service"] and "Persistent=true\n" in found["respaldo-copies.timer"]
    # the record must not need what may be broken
    assert "/srv/inventario" not in found[units.FAILURE].split("ExecStart=")[1] and "ExecStart=-/bin/true" in found[units.FAILURE]
    assert "ExecStart=-" not in units.render({"copies": SCHEDULE["copies"]}, COMMAND)[units.FAILURE]
    assert {units.purpose_of(name) for name in found} == {*PURPOSES, ""} and units.render({}, COMMAND) == {}
    assert units.purpose_of("respaldo-copies.target") == units.purpose_of("copies.service") == units.purpose_of("respaldo-azure_backup.service") == ""


@pytest.mark.parametrize("odd", ["/srv/mi inventario/h.yml", "/srv/%n/hosts.yml", "/srv/$HOME/hosts.yml", '/srv/"x', "/srv/a\nExecStart=/bin/sh", "/srv/\\x"])
def test_a_path_that_a_unit_would_read_otherwise_is_refused(odd):
    with pytest.raises(BackupError) as error:
        units.render(SCHEDULE, COMMAND._replace(inventories=(odd,)))
    assert error.value.code == "RSP101"


# -- where they lie -----------------------------------------------------------------------------------------------------------

def put(directory, name, text):
    (directory / name).write_text(text, "utf-8")


def test_only_what_changed_is_written_and_only_ours_goes(tmp_path):
    wanted = units.render({"copies": SCHEDULE["copies"]}, COMMAND)
    before = units.render({"copies": SCHEDULE["copies"]._replace(delay_minutes=9), "prune": SCHEDULE["prune"]}, COMMAND)
    for name, text in before.items():
        put(tmp_path, name, text)
    others = {"respaldo-casero.timer": "[Timer]\n", "respaldo-drills.timer": units.mark(("/otro/hosts.yml",)) + "\n",
              "cron.service": units.mark(COMMAND.inventories)}
    for name, text in others.items():
        put(tmp_path, name, text)
    found = systemd.look(str(tmp_path), wanted, COMMAND.inventories)
    assert found.changed == ("respaldo-copies.timer",)
    assert found.unwanted == ("respaldo-prune.service", "respaldo-prune.timer")


@pytest.mark.parametrize("first", ["", "[Timer]\n", units.mark(("/otro/hosts.yml",)) + "\n", units.mark(COMMAND.inventories) + " y algo más\n",
                                   " " + units.mark(COMMAND.inventories) + "\n"])
def test_a_unit_of_others_with_a_name_of_ours_is_an_error(tmp_path, first):
    put(tmp_path, "respaldo-copies.timer", first)
    with pytest.raises(BackupError) as error:
        systemd.look(str(tmp_path), units.render({"copies": SCHEDULE["copies"]}, COMMAND), COMMAND.inventories)
    assert error.value.code == "RSP740" and (tmp_path / "respaldo-copies.timer").read_text("utf-8") == first


def test_a_link_is_none_of_ours(tmp_path):
    """As `systemctl mask` and `systemctl link` make them: somebody said something by it."""
    put(tmp_path, "elsewhere", units.mark(COMMAND.inventories) + "\n")
    os.symlink(tmp_path / "elsewhere", tmp_path / "respaldo-copies.timer")
    with pytest.raises(BackupError) as error:
        systemd.look(str(tmp_path), units.render({"copies": SCHEDULE["copies"]}, COMMAND), COMMAND.inventories)
    assert error.value.code == "RSP740"
    assert systemd.look(str(tmp_path), {}, COMMAND.inventories).unwanted == ()


def test_without_systemd_it_is_said():
    if systemd.runs():
        pytest.skip("systemd started this machine")
    with pytest.raises(BackupError) as error:
        systemd.refuse_without()
    assert error.value.code == "RSP743"
    with pytest.raises(BackupError) as error:
        systemd.run(["systemd-no-such-program"])
    assert error.value.code == "RSP743"


def test_a_program_that_refuses_is_told_with_its_words():
    with pytest.raises(BackupError) as error:
        systemd.run(["sh", "-c", "echo Access denied; exit 4"])
    assert error.value.code == "RSP744" and "Access denied" in error.value.message


def test_what_is_not_caught_up_says_so_to_systemd_and_in_the_bitacora():
    later = SCHEDULE["copies"]._replace(catch_up=False)
    timer = units.render({"copies": later}, COMMAND)["respaldo-copies.timer"]
    assert "\nPersistent=false\n" in timer and "Persistent=true" not in timer
    assert read(written(later)) == later and written(later) == written(SCHEDULE["copies"]) + "; no catch_up"
    assert read(written(SCHEDULE["copies"])) == SCHEDULE["copies"] and read(written(later) + "; no catch_up") is None


FAKE = """#!/bin/sh
# a fake of systemctl: says what it was asked, and answers as of a timer that `systemctl daemon-reload` found broken
echo "$*" >> "$0.asked"
case "$*" in *is-active*) exit 3;; esac
"""


def test_a_timer_that_somebody_broke_is_written_anew_and_started_again(tmp_path, monkeypatch):
    """systemd#16578: once broken, a timer stays so through every daemon-reload, whatever its file says by then."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(FAKE, "utf-8")
    (tmp_path / "bin/systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    wanted = units.render({"copies": SCHEDULE["copies"]}, COMMAND)
    for name, text in wanted.items():
        (tmp_path / name).write_text(text.replace("22:00:00", "22:00,99:00"), "utf-8")
    found = systemd.look(str(tmp_path), wanted, COMMAND.inventories)
    assert found.changed == ("respaldo-copies.timer",) and systemd.idle(["respaldo-copies.timer"]) == ["respaldo-copies.timer"]
    systemd.place(str(tmp_path), wanted, found)
    assert (tmp_path / "respaldo-copies.timer").read_text("utf-8") == wanted["respaldo-copies.timer"]
    asked = (tmp_path / "bin/systemctl.asked").read_text("utf-8").splitlines()
    assert asked[-3:] == ["daemon-reload", "enable respaldo-copies.timer", "restart respaldo-copies.timer"]


ANSWERS = """#!/bin/sh
# a fake of systemctl: says what it was asked, and of each unit that it has read what its file says, but for those in `stale`
echo "$*" >> "$0.asked"
if [ "$1" = show ]; then
  for unit in "$@"; do
    case "$unit" in respaldo-*) printf 'Id=%s\\nNeedDaemonReload=%s\\n\\n' "$unit" "$(grep -qxF "$unit" "$0.stale" && echo yes || echo no)";; esac
  done
fi
[ "$1" != daemon-reload ] || : > "$0.stale"
"""


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_what_a_killed_run_left_half_done_is_done_and_recorded_by_the_next(tmp_path, monkeypatch):
    """Killed between a file and systemd, or between systemd and the entry: the files are as they should be, and nothing else is."""
    monkeypatch.setattr(backup_schedule.systemd, "_RUNNING", tmp_path)      # this machine was started by no systemd
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(ANSWERS, "utf-8")
    (tmp_path / "bin/systemctl").chmod(0o755)
    stale, asked = tmp_path / "bin/systemctl.stale", tmp_path / "bin/systemctl.asked"
    stale.touch()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("RESPALDO_BITACORA", str(tmp_path / "bitacora.sqlite"))
    place = tmp_path / "systemd"
    place.mkdir()
    evening = {name: SCHEDULE[name] for name in ("copies", "prune")}
    later = {"copies": SCHEDULE["copies"]._replace(when=When("23:00"))}

    def put_in_force(schedule, record=True):
        asked.write_text("", "utf-8")
        done = backup_schedule._timers(str(place), COMMAND, schedule, {}, False, False)
        with open_store(resolve_url()) as store:
            store.append("run_started", {"run": "r", "controller": socket.gethostname()}, AT, "prueba")
            for entry in done.get("backup", ()) if record else ():
                store.append(entry["event"], {**{name: value for name, value in entry.items() if name != "event"}, "run": "r"}, AT, "prueba")
        return done, [(entry["event"], entry["purpose"], entry.get("schedule")) for entry in done.get("backup", ())]

    put_in_force(evening)
    assert put_in_force(evening)[0]["changed"] is False
    # between the files and systemd: the timer goes on at its old hour
    for name, text in units.render(later, COMMAND).items():
        (place / name).write_text(text, "utf-8")
    stale.write_text("respaldo-copies.timer\n", "utf-8")
    wanted = {**later, "prune": evening["prune"]}
    done, entries = put_in_force(wanted, record=False)
    assert (done["written"], done["reread"]) == ([], ["respaldo-copies.timer"]) and entries == [("schedule_set", "copies", written(later["copies"]))]
    assert {"daemon-reload", "restart respaldo-copies.timer"} <= set(asked.read_text("utf-8").splitlines())
    # between systemd and the entry
    done, entries = put_in_force(wanted)
    assert done["reread"] == [] and "daemon-reload" not in asked.read_text("utf-8") and entries == [("schedule_set", "copies", written(later["copies"]))]
    # what was taken away, and no entry tells of it; unless another machine has it, or another inventory
    for name in ("service", "timer"):
        (place / units.unit_of("prune", name)).rename(tmp_path / name)
    (place / "respaldo-prune.timer").write_text(units.mark(("/otro/hosts.yml",)) + "\n", "utf-8")
    assert put_in_force(later)[1] == []
    (place / "respaldo-prune.timer").unlink()
    assert put_in_force(later, record=False)[1] == [("schedule_removed", "prune", None)]
    done, entries = put_in_force(later)
    assert entries == [("schedule_removed", "prune", None)] and put_in_force(later)[0]["changed"] is False
    with open_store(resolve_url()) as store:
        store.append("run_started", {"run": "suyo", "controller": "otro-controlador"}, AT, "prueba")
        store.append("schedule_set", {"purpose": "drills", "schedule": written(SCHEDULE["drills"]), "scheduler": "systemd", "run": "suyo"}, AT, "prueba")
    assert put_in_force(later)[1] == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_what_somebody_added_beside_a_unit_is_told_and_left_alone(tmp_path, monkeypatch):
    """systemd#3233: an hour that `systemctl edit` adds is one more start, and the unit's own file is as it was."""
    monkeypatch.setenv("RESPALDO_BITACORA", str(tmp_path / "bitacora.sqlite"))
    schedule = {"copies": SCHEDULE["copies"]}
    for name, text in units.render(schedule, COMMAND).items():
        (tmp_path / name).write_text(text, "utf-8")
    beside = tmp_path / "respaldo-copies.timer.d"
    beside.mkdir()

    def told():
        return backup_schedule._timers(str(tmp_path), COMMAND, schedule, {}, True, False)

    assert "warnings" not in told()
    for name in ("override.conf", "override.conf~"):
        (beside / name).write_text("[Timer]\nOnCalendar=09:00\n", "utf-8")
    (line,) = told()["warnings"]
    assert line.startswith(f"RSP758: respaldo-copies.timer no está como se hizo: la cambian archivos a su lado ({beside}/override.conf). ")
    assert "es un inicio más" in line and sorted(os.listdir(beside)) == ["override.conf", "override.conf~"]
