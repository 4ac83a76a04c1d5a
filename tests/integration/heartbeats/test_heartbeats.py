# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs of life of real runs against a real small HTTP server, good and bad: the run's status stays, the time added is bounded, the token is nowhere."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from plugins.plugin_utils._bitacora.store import open_store

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")
TOKEN = "f1ch4-plantada-0c4d"
# A playbook of the name of a purpose: what it does is asked of the bitácora alone, so that it costs little. WAIT tells that it is at work.
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - perucompras.respaldo.bitacora_guard:
    - perucompras.respaldo.bitacora_info:
    - ansible.builtin.command: sh -c 'echo $$ > {marker}; exec sleep 60'
      when: wait | default(false) | bool
    - ansible.builtin.fail:
      when: broken | default(false) | bool
"""


class Service(http.server.ThreadingHTTPServer):
    """Takes each sign, as the first word of the path says: taken, wrong (500), hang, slow, close, away (another host), here (the same), lost (200)."""

    daemon_threads = True

    def __init__(self):
        self.asked, self.over = [], threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path="taken"):
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def handle_error(self, request, client_address):
        """Clients that went away are what is tried here."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        how = self.path.split("/")[1]
        if how == "hang":
            self.server.over.wait(600)
        elif how == "slow":
            for byte in b"HTTP/1.1 200 OK\r\n" + 3000 * b"x":
                if self.server.over.wait(0.2):
                    break
                self.wfile.write(bytes((byte,)))
        elif how == "close":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif how in ("away", "here"):
            self.send_response(302)
            host = "localhost" if how == "away" else "127.0.0.1"
            self.send_header("Location", f"http://{host}:{self.server.server_address[1]}/taken/{TOKEN}")
            self.end_headers()
        else:
            self.send_response(500 if how == "wrong" else 200)
            self.end_headers()
            self.wfile.write(b"OK (not found)" if how == "lost" else f"no such thing: {self.path}".encode() if how == "wrong" else b"OK")

    def log_message(self, *_unused):
        pass


@pytest.fixture(scope="module")
def service():
    made = Service()
    yield made
    made.over.set()
    made.shutdown()


class World:
    def __init__(self, directory, service):
        self.directory, self.service, self.file = directory, service, directory / "bitacora.sqlite"
        (directory / "prune.yml").write_text(PLAY.replace("{marker}", str(directory / "marker")), "utf-8")
        (directory / "vault.pass").write_text("una\n", "utf-8")
        (directory / "hosts").write_text("localhost ansible_connection=local ansible_python_interpreter={{ ansible_playbook_python }}\n", "utf-8")

    def beats(self, *rows):
        (self.directory / "group_vars").mkdir(exist_ok=True)
        told = [{"token": "{{ vault_token }}", **row} for row in rows]
        (self.directory / "group_vars/all.yml").write_text(json.dumps({"backup_heartbeats": told}), "utf-8")
        (self.directory / "vault.yml").write_text(json.dumps({"vault_token": TOKEN}), "utf-8")

    def begin(self, *options):
        settings = {**os.environ, "RESPALDO_BITACORA": str(self.file), "HOME": str(self.directory), "ANSIBLE_LOCAL_TEMP": str(self.directory / "tmp"),
                    "ANSIBLE_NOCOLOR": "1"}
        return subprocess.Popen([PROGRAM, "-vvv", "-i", str(self.directory / "hosts"), str(self.directory / "prune.yml"), *options], cwd=ROOT, env=settings,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *options):
        process = self.begin(*options)
        output = process.communicate(timeout=180)[0]
        stored = self.file.read_bytes() + b"".join(each.read_bytes() for each in self.directory.glob("logs/*"))
        assert TOKEN not in output and TOKEN.encode() not in stored, output
        return process.returncode, output

    def entries(self, *types):
        with open_store(str(self.file), readonly=True) as store:
            return store.entries(type=types)

    def signs(self):
        found, self.service.asked[:] = list(self.service.asked), []
        return sorted(found)


@pytest.fixture
def world(tmp_path, service):
    service.asked.clear()
    return World(tmp_path, service)


def test_each_service_hears_how_a_run_began_and_ended(world):
    """Of the purposes that it asks for, with a token of the vault."""
    world.beats({"name": "hc", "url": world.service.url()}, {"name": "kuma", "type": "uptime_kuma", "url": world.service.url("api/push")},
                {"name": "otro", "type": "get", "url": world.service.url("get?from=respaldo")},
                {"name": "no", "url": world.service.url("others"), "purposes": ["copies"]})
    text = (world.directory / "vault.yml").read_text("utf-8")
    # a whole file of the vault, beside the others, as institutions have it
    done = subprocess.run([PROGRAM.replace("playbook", "vault"), "encrypt", "--vault-password-file", world.directory / "vault.pass", "--output",
                           world.directory / "group_vars/secret.yml"], input=text, text=True, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    (world.directory / "group_vars/all").mkdir()
    (world.directory / "group_vars/all.yml").rename(world.directory / "group_vars/all/main.yml")
    (world.directory / "group_vars/secret.yml").rename(world.directory / "group_vars/all/secret.yml")
    vault = ("--vault-password-file", str(world.directory / "vault.pass"))
    code, output = world.run(*vault)
    assert code == 0, output
    assert world.signs() == [f"/api/push/{TOKEN}?status=up&msg=good", f"/get/{TOKEN}?from=respaldo", f"/taken/{TOKEN}", f"/taken/{TOKEN}/start"]
    assert world.entries("heartbeat_failed") == []
    assert world.run(*vault, "-e", "broken=true")[0] == 2
    assert world.signs() == [f"/api/push/{TOKEN}?status=down&msg=failed", f"/taken/{TOKEN}/fail", f"/taken/{TOKEN}/start"]
    world.run(*vault, "--check")
    assert world.signs() == []


def test_nothing_that_a_service_does_changes_a_run(world):
    """All that is bad at once, in the run's one time: it ends as it would without, some seconds later, and each is told."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    hows = ("wrong", "hang", "slow", "close", "away", "here", "lost")
    world.beats(*({"name": how, "url": world.service.url(how)} for how in hows), {"name": "nobody", "url": nobody})
    began = time.monotonic()
    code, output = world.run("-e", "@" + str(world.directory / "vault.yml"))
    # twice the limit of the process that asks and what is given it more; the rest is Ansible's own, which elsewhere takes 3
    assert code == 0 and time.monotonic() - began < 90, output
    assert not [path for path in world.signs() if path.startswith("/taken")]
    told = {entry["medium"]: entry["error_message_es"] for entry in world.entries("heartbeat_failed")}
    assert set(told) == {*hows, "nobody"} and {entry["error_code"] for entry in world.entries("heartbeat_failed")} == {"RSP777"}
    for name, words in {"nobody": "conexión rechazada", "wrong": "500", "hang": "5 s", "slow": "5 s", "away": "302", "here": "302",
                        "lost": "no conoce esta"}.items():
        assert words in told[name], told
    assert world.entries("run_ended")[-1]["verdict"] == "good"


@pytest.mark.parametrize("stop, signs", [(signal.SIGTERM, ["", "/fail"]), (signal.SIGKILL, [""])])
def test_a_run_that_is_stopped_says_that_it_failed_and_one_that_died_nothing(world, stop, signs):
    world.beats({"name": "hc", "url": world.service.url()})
    process = world.begin("-e", "@" + str(world.directory / "vault.yml"), "-e", "wait=true")
    limit = time.monotonic() + 60
    while not (world.directory / "marker").exists() or not world.service.asked:
        assert process.poll() is None and time.monotonic() < limit
        time.sleep(0.05)
    process.send_signal(stop)
    process.wait(60)
    os.kill(int((world.directory / "marker").read_text()), signal.SIGKILL)
    process.communicate(timeout=60)
    assert world.signs() == [f"/taken/{TOKEN}{'/start' if not each else each}" for each in sorted(signs, reverse=True)]


def test_a_mistake_is_told_and_changes_no_run(world):
    world.beats({"name": "hc", "url": "{{ no_hay }}"})
    code, output = world.run("-e", "@" + str(world.directory / "vault.yml"))
    entry, = world.entries("heartbeat_failed")
    assert code == 0 and entry["error_code"] == "RSP778" and "backup_heartbeats no se puede leer" in entry["error_message_es"], (entry, output)
    assert world.signs() == []
