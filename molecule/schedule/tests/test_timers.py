# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timers that systemd really starts: a copy with its entry, a start that can't begin, a run that fails, two starts, what others made, the end."""

from __future__ import annotations

import datetime
import json
import re
import shlex
import time

import pytest

RUN = ("cd /opt/respaldo && LC_ALL=C.UTF-8 /opt/ansible/bin/ansible-playbook playbooks/schedule.yml -i /srv/inventario/hosts.yml "
       "--vault-password-file /srv/inventario/vault.pass")
LIMA = datetime.timezone(datetime.timedelta(hours=-5))
READ = """
import json, sqlite3
rows = sqlite3.connect("file:/var/lib/respaldo/bitacora.sqlite?mode=ro", uri=True).execute("SELECT type, at_event, body FROM entries ORDER BY n")
print(json.dumps([{**json.loads(body), "type": type_, "at_event": at} for type_, at, body in rows]))
"""


@pytest.fixture(scope="module")
def controller(store1):
    return store1


def entries(controller, *types):
    told = json.loads(controller.check_output("python3 -c %s", READ))
    return [entry for entry in told if entry["type"] in types]


def wait_for(what, seconds=300):
    """What comes, however slow the machine is; the last word is the caller's assertion."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(2)
    return what()


def inventory(controller, **more):
    """The inventory, with more variables, as JSON, which is YAML."""
    read = controller.check_output("test -f /srv/inventario/antes.yml || cp /srv/inventario/hosts.yml /srv/inventario/antes.yml; cat /srv/inventario/antes.yml")
    lines = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in more.items())
    controller.run_expect([0], f"printf %s {shlex.quote(read + chr(10) + lines)} > /srv/inventario/hosts.yml")


def ended(controller, unit="respaldo-copies.service"):
    """How a service ended, once it did and what it starts on failure did too."""
    busy = ("activating", "active", "deactivating")
    states = [controller.check_output("systemctl show --property=ActiveState --value %s", each) for each in (unit, f"respaldo-fallo@{unit}.service")]
    return controller.check_output("systemctl show --property=Result --value %s", unit) if not any(state in busy for state in states) else ""


def test_timers_are_in_force_in_the_zone_of_the_policy(controller):
    timers = controller.check_output("systemctl list-units --type=timer --state=waiting --plain --no-legend 'respaldo-*' | cut -d' ' -f1").split()
    assert sorted(timers) == [f"respaldo-{name}.timer" for name in ("copies", "drills", "media-health", "reports", "verification")]
    told = {entry["purpose"] for entry in entries(controller, "schedule_set")}
    assert told == {"copies", "drills", "media_health", "reports", "verification"}
    elapse = controller.check_output("TZ=America/Lima systemctl show --property=NextElapseUSecRealtime --value respaldo-copies.timer")
    # the delay of up to five minutes is in it
    assert re.fullmatch(r"\w{3} \d{4}-\d\d-\d\d 22:0[0-5]:\d\d -05", elapse)
    assert controller.run("systemd-analyze verify --recursive-errors=no /etc/systemd/system/respaldo-copies.timer").rc == 0


def test_a_timer_starts_a_copy_that_is_recorded(controller):
    now = datetime.datetime.now(LIMA)
    soon = (now + datetime.timedelta(seconds=150)).replace(second=0)

    def at(hours):
        return (soon + datetime.timedelta(hours=hours)).strftime("%H:%M")

    hours = {"copies": at(0), "drills": at(4), "verification": at(8)}
    inventory(controller, backup_schedule={name: {"at": hour, "delay_minutes": 0, "reason": "prueba"} for name, hour in hours.items()})
    assert controller.run(RUN).rc == 0
    assert datetime.datetime.now(LIMA) < soon, "the test began too late to see the timer start"
    (made,) = wait_for(lambda: entries(controller, "copy_made"))
    assert made["system"] == "Datos" and controller.file(f"/var/lib/respaldo/copias/source_code/Datos/{made['label']}").is_directory
    (run,) = [entry for entry in entries(controller, "run_started") if entry["run"] == made["run"]]
    assert (run["playbook"], run["purpose"]) == ("site.yml", "copies")
    begun = datetime.datetime.strptime(run["at_event"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    assert begun >= soon.astimezone(datetime.timezone.utc)
    assert wait_for(lambda: ended(controller)) == "success"


def test_each_entry_is_a_line_of_the_journal_with_its_number(controller):
    lines = [json.loads(line) for line in controller.check_output("journalctl --identifier=respaldo --output=json --no-pager").splitlines()]
    told = {int(line["RESPALDO_NUMBER"]): line["RESPALDO_EVENT"] for line in lines}
    stored = json.loads(controller.check_output("python3 -c %s", READ.replace("SELECT type, at_event, body", "SELECT n, type, body").replace(
        "{**json.loads(body), \"type\": type_, \"at_event\": at}", "[type_, at]")))
    # that a copy was sealed is stored by its action itself, in the middle of the run
    assert len(lines) == len(told) and told == {n: type_ for n, type_ in stored if type_ != "copy_sealed"}
    assert [line["RESPALDO_SYSTEM"] for line in lines if line["RESPALDO_EVENT"] == "copy_made"] == ["Datos"]


def test_what_an_outage_kept_back_begins_with_the_timer_unless_it_is_to_wait(controller):
    """As after a controller that was off for a week: the stamps by which systemd knows of the last start are that old."""
    at = (datetime.datetime.now(LIMA) + datetime.timedelta(hours=6)).strftime("%H:%M")
    later = {"at": (datetime.datetime.now(LIMA) + datetime.timedelta(hours=7)).strftime("%H:%M"), "delay_minutes": 0, "catch_up": False}
    inventory(controller, backup_schedule={"copies": {"at": at, "delay_minutes": 0, "reason": "prueba"}, "drills": later})
    assert controller.run(RUN).rc == 0
    timers = "respaldo-copies.timer respaldo-drills.timer"

    def starts():
        found = entries(controller, "run_started")
        return [len([each for each in found if each["playbook"] == name]) for name in ("site.yml", "drill.yml")]

    copies, drills = starts()
    controller.check_output(f"systemctl stop {timers} && touch --date='8 days ago' /var/lib/systemd/timers/stamp-respaldo-copies.timer"
                            f" /var/lib/systemd/timers/stamp-respaldo-drills.timer; systemctl start {timers}")
    assert wait_for(lambda: starts()[0] > copies) and wait_for(lambda: ended(controller)) == "success"
    assert starts() == [copies + 1, drills]
    assert controller.check_output("systemctl show --property=ActiveState --value respaldo-drills.service") == "inactive"
    # by which systemd would begin it as soon as it catches up again
    controller.check_output("touch /var/lib/systemd/timers/stamp-respaldo-drills.timer")
    inventory(controller)
    assert controller.run(RUN).rc == 0


def test_two_starts_at_once_are_one_run(controller):
    before = len(entries(controller, "run_started"))
    controller.check_output("systemctl start --no-block respaldo-copies.service && systemctl start respaldo-copies.service")
    assert len(entries(controller, "run_started")) == before + 1
    (_made,) = entries(controller, "copy_made")        # and it was not due


def test_a_run_that_recorded_its_failure_is_told_once(controller):
    controller.check_output("mv /srv/inventario/hosts.yml /srv/inventario/bueno.yml && echo ': no es un inventario' > /srv/inventario/hosts.yml")
    controller.run("systemctl start respaldo-copies.service")
    assert wait_for(lambda: ended(controller)) == "exit-code"
    controller.check_output("mv /srv/inventario/bueno.yml /srv/inventario/hosts.yml")
    assert entries(controller, "run_ended")[-2]["verdict"] == "empty", "that run; after it the one that looks whether it was recorded"
    assert entries(controller, "schedule_failed") == []


def test_a_start_that_could_not_begin_has_its_entry(controller):
    controller.check_output("mv /srv/inventario/vault.pass /srv/inventario/vault.elsewhere")
    runs = len([entry for entry in entries(controller, "run_started") if entry["playbook"] == "site.yml"])
    controller.run("systemctl start respaldo-copies.service")
    (failed,) = wait_for(lambda: entries(controller, "schedule_failed"))
    controller.check_output("mv /srv/inventario/vault.elsewhere /srv/inventario/vault.pass")
    assert (failed["purpose"], failed["error_code"]) == ("copies", "RSP741")
    assert len([entry for entry in entries(controller, "run_started") if entry["playbook"] == "site.yml"]) == runs


def test_what_somebody_stopped_is_put_back(controller):
    controller.check_output("systemctl disable --now respaldo-drills.timer")
    assert controller.run(RUN).rc == 0
    assert controller.run("systemctl is-active respaldo-drills.timer").rc == 0 and controller.run("systemctl is-enabled respaldo-drills.timer").rc == 0
    assert "changed=0" in controller.check_output(RUN)


def test_a_unit_of_others_is_left_alone(controller):
    controller.check_output("printf '[Timer]\\nOnCalendar=yearly\\n' > /etc/systemd/system/respaldo-reconcile.timer")
    inventory(controller, backup_schedule={"reconcile": {"at": "10:00"}})
    refused = controller.run(RUN)
    assert refused.rc == 2 and "RSP740" in refused.stdout
    assert controller.file("/etc/systemd/system/respaldo-reconcile.timer").content_string == "[Timer]\nOnCalendar=yearly\n"
    inventory(controller)


def test_all_of_it_goes_and_nothing_else(controller):
    assert controller.run(RUN + " -e schedule_state=absent").rc == 0
    assert controller.check_output("ls /etc/systemd/system | grep respaldo-") == "respaldo-reconcile.timer"
    assert controller.run("ls /etc/systemd/system/timers.target.wants | grep respaldo-").rc == 1
    assert controller.check_output("systemctl list-units --type=timer --plain --no-legend 'respaldo-*'") == ""
    assert {entry["purpose"] for entry in entries(controller, "schedule_removed")} >= {"copies", "drills", "verification"}
    controller.check_output("rm /etc/systemd/system/respaldo-reconcile.timer && systemctl daemon-reload")
    assert controller.check_output("systemctl --failed --plain --no-legend") == "", "what failed here goes too"
