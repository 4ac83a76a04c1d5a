# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root works in an office's folder while a member of the office exchanges what he can: RESPALDO_TRIES of them each (S5, S12, S21)."""

from __future__ import annotations

import contextlib
import importlib
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

import pytest
from _engine.copies import making, publishing
from _engine.copies.orders import Order
from _engine.copies.streamed import StreamedCopy
from conftest import PASSWORD, BackupError, Keys, Local, Share, Slot

shares = importlib.import_module("_engine.folders.shares")
usage = importlib.import_module("_engine.folders.usage")
workspace = importlib.import_module("_engine.processes.workspace")
Paths = importlib.import_module("_engine.sources.paths").Paths

TRIES = int(os.environ.get("RESPALDO_TRIES", "8"))
HIM = 64123
MEMBER = pathlib.Path(__file__).with_name("member.py")
ROOM = pathlib.Path(__file__).resolve().parents[3] / "plugins" / "module_utils"

pytestmark = pytest.mark.root


class Office:
    """A folder of his, its copy, and a canary that only root may touch."""

    def __init__(self, top):
        self.top = top
        self.folder, self.canary, self.script = top / "compartido", top / "canary", top / "member.py"
        shutil.copyfile(MEMBER, self.script)
        (self.canary / "systemd").mkdir(mode=0o700, parents=True)
        self.canary.chmod(0o700)
        (self.canary / "secreto.txt").write_text("solo de root")
        self.clear()

    def clear(self):
        if self.folder.exists():
            shutil.rmtree(self.folder)
        (self.folder / "x" / "ssh.service.d").mkdir(parents=True)
        (self.folder / "x" / "ssh.service.d" / "f1").write_text("uno")
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, HIM, HIM, follow_symlinks=False)

    def look(self):
        """All that the canary is, and what may be told of its names."""
        found = {}
        for path in [self.canary, *sorted(self.canary.rglob("*"))]:
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found[str(path.relative_to(self.top))] = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), content)
        return found

    @contextlib.contextmanager
    def member(self, strategy):
        python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
        him = subprocess.Popen([python, str(self.script), strategy, str(self.folder), str(self.canary)],
                               user=HIM, group=HIM, extra_groups=[], stdout=subprocess.PIPE)
        try:
            him.stdout.readline()
            yield
        finally:
            him.kill()
            him.communicate()


@pytest.fixture
def office():
    top = pathlib.Path(tempfile.mkdtemp(prefix="respaldo-test-"))
    top.chmod(0o755)
    yield Office(top)
    shutil.rmtree(top)


def fight(office, strategy, work, right, before=lambda: None):
    """Many tries. Each restore is right, or refused with a code; the canary is never touched. Gives the outcomes."""
    outcomes = {}
    kept = office.look()
    for _number in range(TRIES):
        office.clear()
        before()
        with office.member(strategy):
            try:
                work()
                outcome = "good" if right() else "exchanged afterwards"
            except BackupError as error:
                outcome = error.code
        assert office.look() == kept, "he won: the canary was touched"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    print(strategy, outcomes)
    assert not set(outcomes) - {"good", "exchanged afterwards", "RSP101", "RSP102", "RSP110", "RSP112", "RSP114", "RSP118", "RSP201", "RSP601", "RSP602"}
    return outcomes


@pytest.mark.parametrize("strategy", ["lead", "fresh", "scratch", "flip"])
def test_chosen_paths_of_a_share(office, empty_repository, strategy):
    """S5: a link put in the place of a directory that leads to what comes back made root's directories elsewhere, given to him."""
    share = Share(office.top)
    share.folder, share.assigned = office.folder, [str(office.folder)]
    share.repository.parent.mkdir(mode=0o700, parents=True)
    shutil.copytree(empty_repository, share.repository)
    share.make()

    def lose():
        shutil.rmtree(office.folder / "x")
        if strategy != "lead":
            (office.folder / "x").mkdir()
            os.chown(office.folder / "x", HIM, HIM)

    fight(office, strategy, lambda: share.restore(office.folder, ["x/ssh.service.d/f1"]),
          lambda: (office.folder / "x" / "ssh.service.d" / "f1").is_file(), lose)


@pytest.mark.parametrize("strategy", ["fresh", "scratch", "flip"])
def test_a_directory_comes_back_whole(office, tmp_path, strategy):
    """The same for a whole copy, of source `paths`, beside what is there."""
    medium, slot = Local("disco", str(tmp_path / "medium"), True), Slot("source_code", "SIGA", "SIGA_20261121")
    source = Paths([str(office.folder)], assigned=[str(office.folder)])
    made = making.make(Order(slot, keys=Keys(PASSWORD)), source, [medium])
    publishing.publish(slot, made.digest, [medium])

    def restore():
        with StreamedCopy(slot, medium, Keys(PASSWORD)) as opened:
            source.restore(opened, str(office.folder / "x" / "vuelta"), False)

    fight(office, strategy, restore, lambda: (office.folder / "x" / "vuelta" / "x" / "ssh.service.d" / "f1").is_file())


def test_scratch_is_swept_by_what_it_is_and_not_by_its_name(office):
    """S21: a directory of root's, renamed to the name of root's own scratch, stays; that one is emptied."""
    for _number in range(TRIES):
        office.clear()
        (office.folder / "intocable").mkdir(mode=0o700)
        (office.folder / "intocable" / "acta.txt").write_text("acta")
        with office.member("grab"):
            for _time in range(3):
                with contextlib.suppress(BackupError):      # he took each away as soon as it was made
                    own = workspace.Workspace(str(office.folder))
                    pathlib.Path(own.pinned, "restored").mkdir()
                    own.close()
        assert [path.read_text() for path in office.folder.rglob("acta.txt")] == ["acta"]
        assert not list(office.folder.rglob("restored"))


HOLDER = """
import sys
sys.path.insert(0, sys.argv[1])
from _engine.processes.workspace import Workspace
held = Workspace(sys.argv[2])
print(held.path, flush=True)
sys.stdin.read()
"""


def dead_run(folder):
    """Scratch that a run left which was killed."""
    holder = subprocess.Popen([sys.executable, "-B", "-c", HOLDER, str(ROOM), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    path = pathlib.Path(holder.stdout.readline().decode().strip())
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    return path


def test_a_folder_named_like_scratch_stays_however_old_and_deep_and_stops_nothing(office):
    """S21 and the sweep that ended in RecursionError: a directory of root's named so by a member, one 1,200 levels deep, and a dead run's own."""
    (office.folder / ".respaldo-x").mkdir(mode=0o700)
    (office.folder / ".respaldo-x" / "acta.txt").write_text("acta")
    deep(office.folder / ".respaldo-y", 1200)
    for name in (".respaldo-x", ".respaldo-y"):
        os.utime(office.folder / name, (1, 1))
    left = dead_run(office.folder)
    deep(left / "hondo", 1200)
    workspace.Workspace(str(office.folder)).close()
    assert sorted(os.listdir(office.folder)) == [".respaldo-x", ".respaldo-y", "x"]
    assert (office.folder / ".respaldo-x" / "acta.txt").read_text() == "acta"
    shutil_free_removal(office.folder / ".respaldo-y")


def test_what_gets_the_name_of_a_dead_runs_scratch_is_no_scratch(office):
    left = dead_run(office.folder)
    left.rename(office.folder / "his")
    (office.folder / "intocable").mkdir(mode=0o700)
    (office.folder / "intocable" / "acta.txt").write_text("acta")
    (office.folder / "intocable").rename(left)
    workspace.remarks()
    workspace.Workspace(str(office.folder)).close()
    assert (left / "acta.txt").read_text() == "acta" and any("is not what a run of ours made" in each for each in workspace.remarks())


def deep(path, levels):
    path.mkdir()
    at = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    for _level in range(levels):
        os.mkdir("d", dir_fd=at)
        inner = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(os.open("hoja", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)


def shutil_free_removal(path):
    subprocess.run(["rm", "-rf", str(path)], check=True)


# -- shared folders ------------------------------------------------------------------------------------------------------
def folder_of(office, **changed):
    row = {"name": "Compartido", "path": str(office.folder), "office": "Oficina", "group": "respaldo-test", "recycle_days": 30}
    path = changed.get("path", row["path"])
    # the inventory takes no folder below /tmp
    return shares.folders_of([dict(row, **dict(changed, path="/srv/compartidos" + path))])[0]._replace(path=path)


@pytest.fixture
def group(monkeypatch):
    """The office's group, which is his own."""
    directories = importlib.import_module("_engine.folders.share_directories")
    grp = importlib.import_module("grp")
    monkeypatch.setattr(directories, "group", lambda name: grp.struct_group((name, "x", HIM, [])))
    return directories


def make_bin(office, directories):
    folder = folder_of(office)
    with directories._held(folder.path) as held:
        if not directories._has_bin(held, folder):
            directories._make_bin(held, folder, HIM)


def test_the_recycle_bin_gives_nothing_elsewhere_to_the_office(office, group):
    """S12: renamed away and a link in its place, between mkdir and chown."""
    fight(office, "fresh", lambda: make_bin(office, group), lambda: (office.folder / ".papelera").is_dir() and not (office.folder / ".papelera").is_symlink())


@pytest.mark.parametrize("what", ["a dangling link", "a link", "a file", "a FIFO", "a directory of his"])
def test_what_stands_in_place_of_the_bin_is_told_of_that_folder(office, group, what):
    """S12: a dangling link ended in FileExistsError of Python for all folders."""
    place = office.folder / ".papelera"
    if what == "a dangling link":
        place.symlink_to("nada")
    elif what == "a link":
        place.symlink_to(office.canary)
    elif what == "a file":
        place.write_text("x")
    elif what == "a FIFO":
        os.mkfifo(place)
    else:
        place.mkdir()
        os.chown(place, HIM, HIM)
    with pytest.raises(BackupError) as caught:
        group.look(folder_of(office))
    assert caught.value.fault.name == "bin_foreign" and caught.value.details["folder"] == "Compartido"


def test_one_folders_bin_stops_no_other_folder(office, group, tmp_path, monkeypatch):
    """S12: the others are done, and the one that can't be is named."""
    samba = importlib.import_module("_engine.folders.samba")
    monkeypatch.setattr(samba, "prove", lambda *_arguments: None)      # testparm is tried in molecule/file_server
    monkeypatch.setattr(samba, "reload", lambda *_arguments: None)
    monkeypatch.setattr(group, "_rights_of", lambda held, _name: shares.share_texts.rights(folder_of(office)))
    other = office.top / "otra"
    other.mkdir()
    (office.folder / ".papelera").symlink_to("nada")
    (tmp_path / "smb.conf").write_text("[global]\n")
    settings = shares.Settings(str(tmp_path / "smb.conf"), str(tmp_path / "shares"), str(tmp_path))
    done = []
    failed = shares.apply([folder_of(office), folder_of(office, name="Otra", path=str(other))], settings, False, done)
    assert [(row.folder.name, row.error.fault.name) for row in failed] == [("Compartido", "bin_foreign")]
    assert [row.folder.name for row in done] == ["Otra"]
    found = (other / ".papelera").lstat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o2770, 0, HIM)
    assert list(shares.in_force(settings)) == ["Otra"]


def test_a_report_tells_nothing_of_a_private_directory(office):
    """S21: the report walked through a directory that was exchanged for a link."""
    told = []

    def report():
        told.append(usage.measure(str(office.folder), ["txt"], 20))

    for number in range(20):
        (office.canary / "d{0}".format(number)).mkdir()
        (office.canary / "d{0}".format(number) / "secreto.txt").write_text("x")

    def before():
        for number in range(20):
            (office.folder / "x" / "d{0}".format(number)).mkdir()

    fight(office, "flip", report, lambda: True, before)
    assert "secreto" not in str(told)
