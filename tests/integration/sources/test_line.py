# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line between a module and its controller, both ends real, on a server where somebody else reads every command line (S11, S21)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes import channel as channels
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.processes.channel import Channel
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._copying import line as _line

TRIES = int(os.environ.get("RESPALDO_TRIES", "20"))
HIM = 64123
MARK = "line-test-{0}".format(os.getpid())      # he leaves the lines of other runs on this machine alone
SECRET = "sv=2024&sp=rcwdl&sr=c&sig=secreto"


class Action:
    """What a line uses of an action: commands of the module's account on its server, here by the same shell."""

    def __init__(self):
        self._connection = SimpleNamespace(become=SimpleNamespace())

    def _low_level_execute_command(self, command, sudoable=True, in_data=None):
        argv = ["/bin/sh", "-c", ": {0}; {1}".format(MARK, command)]
        done = subprocess.run(argv, input=in_data or b"", stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return {"stdout": done.stdout.decode("utf-8", "replace"), "rc": done.returncode}


@pytest.fixture
def thief():
    """Somebody else on the server, and a file that only root may write."""
    top = Path(tempfile.mkdtemp(prefix="respaldo-line-test-", dir="/tmp"))
    top.chmod(0o755)
    shutil.copyfile(Path(__file__).with_name("line_thief.py"), top / "line_thief.py")
    (top / "canary").write_text("raíz")
    (top / "canary").chmod(0o600)
    log = (top / "log").open("w+b")
    him = subprocess.Popen(["/usr/bin/python3", str(top / "line_thief.py"), str(top / "canary"), MARK], user=HIM, group=HIM, extra_groups=[], stdout=log)
    for _attempt in range(200):
        if (top / "log").read_text().startswith("ready"):
            break
        time.sleep(0.05)
    yield SimpleNamespace(top=top, canary=top / "canary", said=lambda: (top / "log").read_text())
    him.kill()
    him.wait()
    for line in (top / "log").read_text().splitlines():
        if line.startswith("made "):
            shutil.rmtree(line[5:], ignore_errors=True)
    log.close()
    shutil.rmtree(top)


@pytest.mark.skipif(os.geteuid() != 0, reason="takes on another account, so only root runs it")
def test_a_line_whose_name_others_read_before_it_is_made(thief):
    """S11: whoever makes the directory of a line first gets no answer and no file of root, and the module its answer or an error."""
    outcomes, looted, written = [], 0, 0
    for number in range(TRIES):
        before = thief.said().count("LOOT")
        with _line.line(Action(), "rótulo", lambda word, argument: SECRET) as name:
            time.sleep(0.4)      # the module is sent and started meanwhile
            channel = Channel(name)
            try:
                channel.tell(medium="azure", done=1, expected=2)
                outcomes.append(channel.ask("repository", "azure") == SECRET)
            except BackupError as error:
                outcomes.append(error.code)
            channel.close()
        looted += thief.said().count("LOOT") > before
        written += thief.canary.read_text() != "raíz"
        thief.canary.write_text("raíz")
    print(json.dumps({"answered": outcomes.count(True), "refused": len(outcomes) - outcomes.count(True), "looted": looted, "written": written}))
    assert looted == 0 and written == 0
    assert outcomes == [True] * TRIES


def other(name):
    return {room: os.path.join(room, ".respaldo-line-" + name) for room in ("/dev/shm", "/tmp")}


@pytest.fixture
def name():
    given = os.urandom(16).hex()
    yield given
    for path in [*other(given).values(), os.path.join("/run/respaldo", ".respaldo-line-" + given)]:
        if os.path.islink(path):
            os.unlink(path)
        shutil.rmtree(path, ignore_errors=True)


def test_without_root_a_line_that_is_taken_is_given_up(name, monkeypatch):
    """S11, the fallback of accounts that have no room of their own: the name is made exclusively."""
    monkeypatch.setattr(channels, "_places", lambda: channels._OTHERS)
    os.mkdir(other(name)["/dev/shm"], 0o777)
    with pytest.raises(BackupError) as caught:
        Channel(name).ask("sign", "nube/x")
    assert caught.value.code == "RSP209" and os.listdir(other(name)["/dev/shm"]) == []


@pytest.mark.parametrize("made", ["foreign", "open", "link"])
def test_the_controller_uses_no_directory_that_is_not_the_modules_own(name, made, tmp_path):
    """S11: another's, one that others may enter, or a link even to a private directory is passed over, with nothing read or written there."""
    path = other(name)["/dev/shm"]
    target = tmp_path / "private"
    if made == "link":
        target.mkdir(mode=0o700)
        os.symlink(target, path)
    else:
        os.mkdir(path, 0o700)
        os.chmod(path, 0o700 if made == "foreign" else 0o755)
        if made == "foreign":
            os.chown(path, HIM, HIM)
        target = Path(path)
    (target / "ask").write_text("repository\tazure\n")
    asked = []
    with _line.line(Action(), "rótulo", lambda word, argument: asked.append(word) or SECRET) as given:
        serving = [thread for thread in threading.enumerate() if isinstance(thread, _line.Line) and thread.name_on_server == given][0]
        serving.name_on_server = name
        time.sleep(1.5)
    assert asked == [] and sorted(os.listdir(target)) == ["ask"]


def heard(said, answer=lambda word, argument: SECRET):
    line = _line.Line(Action(), os.urandom(16).hex(), "rótulo", answer)
    line._heard(said)
    return line


def test_what_a_server_says_is_bounded():
    """S11: 50 MB of questions are some, a question is short, and one that no module asks ends the line."""
    line = heard("{}\n" + "sign\tnube/x\n" * 5_000_000)
    assert line.asked <= 64 and len(line.answers) == 1
    line = heard("{}\n" + "sign\t" + "x" * 3000 + "\n")
    assert line.asked == 0
    with pytest.raises(BackupError):
        heard("{}\nsign\tnube/\x1b]0;T\x07\n")
    line = heard("{}\n")
    line.asked = 20_000
    with pytest.raises(BackupError):
        line._heard("{}\nsign\tnube/x\n")


@pytest.mark.parametrize("progress", [
    {"medium": "\x1b]0;TITULO\x07\x1b[2J", "done": 1, "expected": 2}, {"medium": "x" * 4000, "done": 1},
    {"medium": "\u202eabc", "done": 10 ** 400, "expected": 10 ** 401},
    {"medium": ["a"], "done": "..:!", "expected": None}, {"medium": None, "done": -5, "expected": True}])
def test_progress_is_plain_text(progress):
    """S21: nothing that a server says moves the cursor or colours the terminal."""
    words = _line.told(progress, 1.0)
    assert len(words) < 200 and words.isprintable() and "\u202e" not in words


def test_progress_of_another_form_is_passed_over():
    line = heard("{}\n")
    line.tell([1, 2], time.monotonic())
    line.shown = -100
    line._heard('{"done": ' + "9" * 4000 + "}\n")
    assert line.done == 0
