# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shared folder, its media and the engine as a server gets it, with a real restic."""

from __future__ import annotations

import datetime
import importlib
import os
import pathlib
import shutil
import stat
import subprocess
import sys

import pytest
from cheap import cheap_key, in_restic

ROOM = pathlib.Path(__file__).resolve().parents[3] / "plugins" / "module_utils"
sys.path.insert(0, str(ROOM))

publishing = importlib.import_module("_engine.copies.publishing")
files_making = importlib.import_module("_engine.copies.incremental.making")
FilesOrder = importlib.import_module("_engine.copies.incremental.backup").FilesOrder
SnapshotCopy = importlib.import_module("_engine.copies.incremental.reading").SnapshotCopy
Order = importlib.import_module("_engine.copies.orders").Order

repositories = importlib.import_module("_engine.restic.repositories")
repository_places = importlib.import_module("_engine.restic.repository_places")
restic = importlib.import_module("_engine.restic.restic")
second_key = importlib.import_module("_engine.restic.second_key")
sources = importlib.import_module("_engine.sources.restic")
Local = importlib.import_module("_engine.media.local").Local
Slot = importlib.import_module("_engine.media.base").Slot
Keys = importlib.import_module("_engine.transforms.encrypt").Keys
BackupError = importlib.import_module("_engine.errors").BackupError

in_restic(restic)

PASSWORD = "la clave de la institución"
FIRST_DAY = datetime.date(2026, 11, 1)


def pytest_collection_modifyitems(config, items):
    """Mounts and other accounts need root: an ordinary account runs all the others."""
    if os.geteuid() != 0:
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(pytest.mark.skip(reason="mounts file systems or takes on accounts: only root runs it"))


def pytest_configure(config):
    config.addinivalue_line("markers", "from_nothing: the first copy makes the repository")
    config.addinivalue_line("markers", "root: mounts file systems or takes on accounts, so only root runs it")


def shape(top):
    """All that a tree is: each name with type, mode, owner, time, links, extended attributes (ACLs are some) and bytes. The top itself is not told."""
    found, names_of = {}, {}
    top = os.fsencode(str(top))
    for directory, names, plain in os.walk(top):
        for name in sorted(names + plain):
            path = os.path.join(directory, name)
            status = os.lstat(path)
            kind = stat.S_IFMT(status.st_mode)
            row = [status.st_mode, status.st_uid, status.st_gid]
            row.append({each: os.getxattr(path, each, follow_symlinks=False) for each in sorted(os.listxattr(path, follow_symlinks=False))})
            if kind != stat.S_IFLNK:
                row.append(status.st_mtime_ns)
            if kind == stat.S_IFLNK:
                row.append(os.readlink(path))
            elif kind == stat.S_IFREG:
                with open(path, "rb") as file:
                    row.append(file.read())
                names_of.setdefault(status.st_ino, []).append(os.path.relpath(path, top))
            found[os.path.relpath(path, top)] = row
    linked = sorted(sorted(names) for names in names_of.values() if len(names) > 1)
    return found, linked


class Share:
    """A shared folder and the copies of it. Each `copy` is of another day."""

    def __init__(self, top):
        self.top = top
        self.folder = top / "compartido" / "rrhh"
        (self.folder / "legajos").mkdir(parents=True)
        (self.folder / "legajos" / "ñandú.txt").write_text("uno\n", "utf-8")
        (self.folder / "planilla.csv").write_text("a,b\n" * 1000, "utf-8")
        self.media = [Local("nas", str(top / "nas"), True)]
        self.days = 0
        self.public_keys = ()
        self.assigned = [str(top / "compartido")]

    def source(self, selected=(), **options):
        return sources.Files([str(self.folder)], sources.Options(**options), self.assigned, selected)

    def slot(self, label=""):
        return Slot("file_server", "RRHH", label or "RRHH_" + (FIRST_DAY + datetime.timedelta(self.days - 1)).strftime("%Y%m%d"))

    def order(self, slot, **changed):
        base = Order(slot, keys=Keys(PASSWORD), minimum_size=0)._replace(**changed)
        return FilesOrder(base, "archivos1", "RRHH", tuple(self.public_keys))

    def make(self, media=None, **options):
        """Seal and publish a copy of the next day. Gives what was made."""
        self.days += 1
        slot, media = self.slot(), media or self.media
        made = files_making.make(self.order(slot), self.source(**options), media)
        publishing.publish(slot, made.digest, media)
        return made

    def opened(self, label="", medium=None, keys=None):
        return SnapshotCopy(self.slot(label), medium or self.media[0], keys or Keys(PASSWORD))

    def labels(self, medium=None):
        return (medium or self.media[0]).labels("file_server", "RRHH")

    def restore(self, target, selected=(), label="", overwrite=False, medium=None, keys=None):
        with self.opened(label, medium, keys) as opened:
            opened.verify_for_restore()
            return self.source(selected).restore(opened, str(target), overwrite)

    @property
    def repository(self):
        return self.top / "nas" / "file_server" / ".restic.RRHH" / "repositorio"

    def restic(self, *arguments, repository=None, password=PASSWORD, check=True):
        return subprocess.run(["restic", "--no-cache", "--repo", str(repository or self.repository), *arguments], check=check, capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "RESTIC_PASSWORD": password, "HOME": str(self.top), "LC_ALL": "C.UTF-8"})

    def snapshots(self):
        return sorted(path.name for path in (self.repository / "snapshots").iterdir())

    def packs(self):
        return sorted((self.repository / "data").glob("??/*"))


@pytest.fixture(scope="session")
def empty_repository(tmp_path_factory):
    """A repository as restic makes it, with a cheap key: making one costs seconds of a processor."""
    directory = tmp_path_factory.mktemp("restic") / "repositorio"
    subprocess.run(["restic", "--no-cache", "--repo", str(directory), "init", "--repository-version", "2"], check=True, capture_output=True,
                   env=dict(os.environ, RESTIC_PASSWORD=PASSWORD))
    cheap_key(directory, PASSWORD)
    return directory


@pytest.fixture
def share(request, tmp_path, empty_repository):
    """A share whose repository is there and empty; with the marker `from_nothing` not even that."""
    made = Share(tmp_path)
    if not request.node.get_closest_marker("from_nothing"):
        made.repository.parent.mkdir(mode=0o700, parents=True)
        shutil.copytree(empty_repository, made.repository)
    return made


def flip(path):
    """Change one bit in the middle of a file, keeping its size and times."""
    status = os.stat(path)
    os.chmod(path, 0o600)
    with open(path, "r+b") as file:
        file.seek(status.st_size // 2)
        byte = file.read(1)[0]
        file.seek(status.st_size // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture(scope="session")
def holder(tmp_path_factory):
    """An EGCR's OpenPGP key pair, armoured: (public, private)."""
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    base = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    subprocess.run([*base, "--quick-generate-key", "EGCR <egcr@example.org>", "default", "default", "never"], check=True, capture_output=True)
    pair = tuple(subprocess.run([*base, "--armor", option], check=True, capture_output=True, text=True).stdout
                 for option in ("--export", "--export-secret-keys"))
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    return pair


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A real sshd, that of the media's tests."""
    from media.conftest import Server

    running = Server(tmp_path_factory.mktemp("sshd"))
    yield running
    running.stop()
