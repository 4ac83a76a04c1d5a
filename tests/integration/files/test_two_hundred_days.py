# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hundred days of a shared folder, the last of them today (numerals 6.6 and 7.2.3 c: "hasta con 180 copias diferentes").

Each day people add, change, move and remove files; the copy is made by the engine, told to the bitácora, judged and pruned. What a day looked
like is written down to the byte, and points restored much later must be that. Today's copy, two prunes and one restore are plays.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import random
import shutil
import signal
import stat
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
import zoneinfo
from cheap import cheap_key

from plugins.module_utils._engine import result
from plugins.module_utils._engine.copies import publishing
from plugins.module_utils._engine.copies.incremental import making as files_making
from plugins.module_utils._engine.copies.incremental import manifest as files_manifest
from plugins.module_utils._engine.copies.incremental import pruning as files_pruning
from plugins.module_utils._engine.copies.incremental.backup import FilesOrder
from plugins.module_utils._engine.copies.incremental.reading import SnapshotCopy
from plugins.module_utils._engine.copies.orders import Order
from plugins.module_utils._engine.media.base import Slot
from plugins.module_utils._engine.media.local import Local
from plugins.module_utils._engine.policy import policy
from plugins.module_utils._engine.restic import repositories
from plugins.module_utils._engine.restic.names import CUSTODY_NAME
from plugins.module_utils._engine.sources.restic import Files
from plugins.module_utils._engine.transforms.encrypt import Keys
from plugins.plugin_utils._bitacora.store import open_store
from plugins.plugin_utils._custodians import custody as _custody
from plugins.plugin_utils._decisions import retention

ROOT = Path(__file__).resolve().parents[3]
LIMA = zoneinfo.ZoneInfo("America/Lima")
SYSTEM, KIND, HOST = "RRHH", "file_server", "localhost"
DAYS, KEPT, SEED = 200, 180, 2019
MISSED, TWICE = 60, 100             # a day without a copy, and one with two
PRUNED_FROM, KILLED_PLAY, KILLED_RESTIC = 190, 190, 195
LARGE = 2 << 20


# -- the folder and its days -------------------------------------------------------------------------------------------
def acl(user, permissions):
    """A POSIX ACL as the kernel keeps it in an extended attribute (linux/posix_acl_xattr.h): the file's own rights, and one user's."""
    nobody = 0xFFFFFFFF
    rows = [(0x01, 6, nobody), (0x02, permissions, user), (0x04, 4, nobody), (0x10, 6, nobody), (0x20, 0, nobody)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)


class Folder:
    """The shared folder. `live` is a day of it: what it does depends on the seed and the number of the day alone."""

    def __init__(self, top):
        self.top, self.made = top, 0
        self.top.mkdir(parents=True)
        self.today = 0
        self.written = 0
        for _count in range(40):
            self.add(random.Random(self.made))
        with open(self.top / "disperso.img", "wb") as file:
            file.write(b"principio")
            file.seek(LARGE)
            file.write(b"fin")
        (self.top / "acta\nde dos líneas.txt").write_bytes(b"un nombre con salto de linea")
        (self.top / ("Resolución Ñ " + "x" * 230)).write_bytes(b"un nombre largo")
        Path(os.fsdecode(bytes(self.top) + b"/latin1-\xf1.txt")).write_bytes(b"un nombre que no es UTF-8")
        (self.top / "enlace").symlink_to("/etc/passwd")
        os.mkfifo(self.top / "tubo")
        (self.top / "vacía").mkdir()
        deep = self.top.joinpath(*["subcarpeta de nombre bastante largo"] * 12)
        deep.mkdir(parents=True)
        (deep / "hondo.txt").write_bytes(b"lejos")

    def files(self):
        return sorted(path for path in (self.top / "oficina").rglob("*") if path.is_file() and not path.is_symlink())

    def add(self, chance):
        self.made += 1
        path = self.top / "oficina" / f"área {self.made % 7}" / f"informe {self.made:04d} ñandú.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.write(path, chance)
        os.chmod(path, chance.choice((0o640, 0o600, 0o664, 0o2755, 0o4750)))
        if os.geteuid() == 0:
            mode = stat.S_IMODE(path.stat().st_mode)
            os.chown(path, chance.randint(1000, 1005), chance.randint(2000, 2003))
            os.chmod(path, mode)

    def write(self, path, chance):
        content = chance.randbytes(chance.randint(100, 6000))
        self.written += len(content)
        path.write_bytes(content)

    def live(self, moment):
        self.today += 1
        chance = random.Random(SEED * 1000 + self.today)
        self.written = 0
        if self.today % 23 == 0:
            return      # nobody worked
        for _count in range(chance.randint(1, 3)):
            self.add(chance)
        there = self.files()
        for path in chance.sample(there, 2):
            self.write(path, chance)
            os.utime(path, (moment.timestamp(), moment.timestamp() + 0.25))
        sly = chance.choice(there)
        before = sly.stat()
        if before.st_nlink == 1:    # new bytes of the same length under the old time, as some programs write
            self.written += before.st_size
            sly.write_bytes(chance.randbytes(before.st_size))
            os.utime(sly, ns=(before.st_atime_ns, before.st_mtime_ns))
        moved = chance.choice(there)
        target = self.top / "archivo" / str(self.today % 5) / f"{self.today} {moved.name}"[:120]
        target.parent.mkdir(parents=True, exist_ok=True)
        moved.rename(target)
        there.remove(moved)
        if len(there) > 40:
            for path in chance.sample(there, 2):
                path.unlink()
                there.remove(path)
        marked = chance.choice(there)
        os.setxattr(marked, "user.revisado", str(self.today).encode())
        if self.today % 3 == 0:
            os.setxattr(chance.choice(there), "system.posix_acl_access", acl(chance.randint(1000, 1005), chance.choice((4, 6))))
        if self.today % 5 == 0:
            os.link(chance.choice(there), self.top / "archivo" / f"duro {self.today}")
        if self.today % 7 == 0:
            (self.top / f"enlace {self.today % 4}").unlink(missing_ok=True)
            (self.top / f"enlace {self.today % 4}").symlink_to(f"oficina/área {self.today % 7}")
        if self.today % 40 == 0:
            old = self.top / "archivo" / str(self.today // 40)
            shutil.rmtree(old, ignore_errors=True)
        os.chmod(chance.choice(there), chance.choice((0o440, 0o660, 0o604)))


def state(top):
    """All there is to know of a tree: by relative path the type, rights, times, attributes and bytes of each, and which names are one file."""
    found, names = {}, {}
    for directory, below, others in os.walk(top):
        for name in [".", *others, *(each for each in below if os.path.islink(os.path.join(directory, each)))]:
            path = os.path.normpath(os.path.join(directory, name))
            seen = os.lstat(path)
            told = {"mode": oct(seen.st_mode), "owner": (seen.st_uid, seen.st_gid)}
            if stat.S_ISLNK(seen.st_mode):
                told["target"] = os.readlink(path)
            else:
                told["mtime"] = seen.st_mtime_ns
                told["attributes"] = {key: os.getxattr(path, key) for key in os.listxattr(path)}
            if stat.S_ISREG(seen.st_mode):
                told["bytes"] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
                names.setdefault(seen.st_ino, []).append(os.path.relpath(path, top))
            found[os.path.relpath(path, top)] = told
    return {"files": found, "links": sorted(sorted(group) for group in names.values() if len(group) > 1)}


def assert_same(restored, wanted, label):
    differences = {name: (restored["files"].get(name), wanted["files"].get(name)) for name in {**restored["files"], **wanted["files"]}
                   if restored["files"].get(name) != wanted["files"].get(name)}
    assert not differences, f"{label}: {differences}"
    assert restored["links"] == wanted["links"], label


# -- the house ---------------------------------------------------------------------------------------------------------
class House:
    """An institution with one shared folder: its medium, bitácora, custody and policy, as shipped."""

    def __init__(self, top):
        self.top, self.folder = top, Folder(top / "compartido" / "rrhh")
        self.bitacora, self.medium = top / "state" / "bitacora.sqlite", Local("nas", str(top / "nas"), create=True)
        self.rules = yaml.safe_load((ROOT / "policies" / "manual-001-2019.yml").read_text("utf-8"))
        self.repository = top / "nas" / KIND / f".restic.{SYSTEM}" / repositories.DIRECTORY
        (top / "vault-password").write_text("clave de la bóveda\n", "utf-8")
        self.password = self.custody()
        self.states, self.sizes, self.told = {}, {}, {}
        system = {"name": SYSTEM, "kind": KIND, "criticality": "media", "office": "ORH", "source": {"type": "restic", "paths": [str(self.folder.top)]}}
        (top / "inventory.yml").write_text(json.dumps({"all": {"hosts": {HOST: {
            "ansible_connection": "local", "ansible_python_interpreter": sys.executable, "backup_systems": [system], "common_install_tools": False,
            "backup_assigned_paths": [str(top / "compartido")], "backup_emergency_reason": "prueba", "backup_custody_directory": str(top / "custodia"),
            "backup_media": [{"name": "nas", "path": str(top / "nas"), "create": True}]}}}}), "utf-8")

    def custody(self):
        """The repository's password, put in custody as a first play would."""
        from ansible.parsing.dataloader import DataLoader
        from ansible.parsing.vault import VaultSecret

        loader = DataLoader()
        loader.set_vault_secrets([("default", VaultSecret("clave de la bóveda".encode()))])
        return _custody.keep(loader, str(self.top / "custodia"), _custody.reference(KIND, SYSTEM, CUSTODY_NAME))

    def command(self, playbook, **variables):
        return [os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "-i", str(self.top / "inventory.yml"), f"playbooks/{playbook}.yml",
                "--vault-password-file", str(self.top / "vault-password"), "-e", json.dumps(variables)]

    def environment(self):
        return dict(os.environ, RESPALDO_BITACORA=str(self.bitacora), ANSIBLE_LOCAL_TEMP=str(self.top / "ansible"), HOME=str(self.top))

    def play(self, playbook, **variables):
        done = subprocess.run(self.command(playbook, **variables), cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def labels(self):
        return self.medium.labels(KIND, SYSTEM)

    def source(self):
        return Files([str(self.folder.top)], assigned=[str(self.top / "compartido")], special=True)

    def copy(self, store, moment, label, monkeypatch):
        """A copy made at a moment of the past, published and told to the bitácora as the callback tells it."""
        at = moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        for module in (files_making, files_manifest):
            monkeypatch.setattr(module, "now", lambda: at)
        slot = Slot(KIND, SYSTEM, label)
        base = Order(slot, keys=Keys(self.password), key_reference=_custody.reference(KIND, SYSTEM, CUSTODY_NAME))
        made = files_making.make(FilesOrder(base, HOST, SYSTEM), self.source(), [self.medium])
        publishing.publish(slot, made.digest, [self.medium])
        monkeypatch.undo()
        told = result.build(event="copy_made", label=label, system=SYSTEM, kind=KIND, criticality="media", office="ORH", **made.fields)
        store.append("copy_made", {**told, "host": HOST}, at, "test")
        if not self.sizes:
            cheap_key(self.repository, self.password)
        self.sizes[label] = self.size()
        self.told[label] = made.fields

    def size(self):
        return sum(path.stat().st_size for path in self.repository.rglob("*") if path.is_file())

    def judged(self, store, now):
        return retention.judge(store.copies(KIND, SYSTEM), "nas", policy.retention(self.rules, KIND, "media"), "T2", now, LIMA)

    def prune(self, store, now):
        """As backup_retention and backup_prune do it, the oldest first."""
        verdicts = self.judged(store, now)
        victims = [verdict for verdict in reversed(verdicts) if not verdict.keep]
        newest = Slot(KIND, SYSTEM, verdicts[0].label)
        if not victims:
            return
        with self.medium.lock(newest, 0), SnapshotCopy(newest, self.medium, Keys(self.password), verdicts[0].sha256) as opened:
            opened.verify_bytes()
            for verdict in victims:
                self.medium.remove(newest._replace(label=verdict.label), verdict.sha256)
            files_pruning.prune(newest, self.medium, opened.manifest, self.password)
        for verdict in victims:
            told = result.build(event="copy_pruned", label=verdict.label, system=SYSTEM, kind=KIND, medium="nas", reason_text=verdict.why)
            store.append("copy_pruned", {**told, "host": HOST}, now.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "test")

    def restored(self, label):
        """The tree of a point, restored by the engine."""
        target = self.top / "compartido" / "vuelta"
        with SnapshotCopy(Slot(KIND, SYSTEM, label), self.medium, Keys(self.password)) as opened:
            self.source().restore(opened, str(target), False)
        try:
            return state(target)
        finally:
            shutil.rmtree(target)

    def locks(self):
        """restic's locks; a file that a killed one was about to write is none, and restic passes over it."""
        return [path.name for path in (self.repository / "locks").iterdir() if "-tmp-" not in path.name]

    def restic(self, *arguments):
        done = subprocess.run(["restic", "--no-cache", "--repo", str(self.repository), *arguments], capture_output=True, text=True, check=False,
                              env=dict(os.environ, RESTIC_PASSWORD=self.password))
        assert done.returncode == 0, done.stderr
        return done.stdout


def children(pid):
    found = [pid]
    for each in found:
        try:
            found += [int(child) for path in Path(f"/proc/{each}/task").glob("*/children") for child in path.read_text().split()]
        except OSError:
            continue
    return found


def running(words, where):
    """The processes that have these bytes in their environment or command line."""
    found = []
    for path in Path("/proc").glob(f"[0-9]*/{where}"):
        with contextlib.suppress(OSError):
            found += [int(path.parent.name)] if words in path.read_bytes() else []
    return found


def await_end(house):
    """The next prune comes a day later: until then each restic of the repository has ended, and no zombie has its number."""
    pids = set()
    while now := running(str(house.repository).encode(), "cmdline") or [pid for pid in pids if os.path.exists(f"/proc/{pid}")]:
        pids.update(now)
        time.sleep(0.05)


def kill_play_at_the_first_removal(house):
    before = house.labels()
    process = subprocess.Popen(house.command("prune"), cwd=ROOT, env=house.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while house.labels() == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    while pids := running(f"RESPALDO_BITACORA={house.bitacora}".encode(), "environ"):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.poll()
    assert process.wait() == -signal.SIGKILL
    await_end(house)
    assert len(house.labels()) < len(before)


def kill_restic_while_it_prunes(house, store, now):
    """SIGKILL to a prune and to its restic once that holds the repository: its lock stays."""
    child = os.fork()
    if not child:
        try:
            house.prune(open_store(str(house.bitacora)), now)
        finally:
            os._exit(1)
    deadline, killed = time.monotonic() + 60, False
    while not killed and time.monotonic() < deadline:
        for pid in running(b"\0--prune\0", "cmdline"):
            if pid not in children(child):
                continue
            os.kill(pid, signal.SIGSTOP)    # so that what is seen is still so when it is killed
            if killed := bool(house.locks()):
                os.kill(child, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL if killed else signal.SIGCONT)
            while killed and os.path.exists(f"/proc/{pid}"):
                time.sleep(0.02)     # its parent is dead: init takes it away
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    await_end(house)
    assert house.locks(), "restic was not killed while it held the repository"


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


@pytest.mark.cold     # a play is found by what /proc tells of its variables
def test_two_hundred_days(house, monkeypatch):
    today = datetime.datetime.now(LIMA).replace(hour=2, minute=0, second=0, microsecond=0)
    first = today - datetime.timedelta(days=DAYS - 1)
    order, growth, judged_well = [], [], True
    with open_store(str(house.bitacora)) as store:
        for day in range(1, DAYS):
            moment = first + datetime.timedelta(days=day - 1)
            house.folder.live(moment)
            if day == MISSED:
                continue
            for label in [moment.strftime(f"{SYSTEM}_%Y%m%d")] + ([moment.strftime(f"{SYSTEM}_%Y%m%d_02")] if day == TWICE else []):
                if label.endswith("_02"):
                    (house.folder.top / "por la tarde.txt").write_bytes(b"despues de la primera copia")
                before = house.size()
                house.copy(store, moment + datetime.timedelta(hours=12 * label.endswith("_02")), label, monkeypatch)
                growth.append((house.folder.written, house.size() - before))
                house.states[label] = state(house.folder.top)
                order.append(label)
            now = moment + datetime.timedelta(hours=20)
            judged_well = judged_well and house.judged(store, now)[0].keep
            if day == KILLED_PLAY:
                kill_play_at_the_first_removal(house)
            elif day == KILLED_RESTIC:
                kill_restic_while_it_prunes(house, store, now)
            if day >= PRUNED_FROM:
                house.prune(store, now)
                assert house.labels() == sorted(order)[-KEPT:]
    assert judged_well, "the newest copy was to go on some day"

    house.folder.live(today)
    house.states["today"] = state(house.folder.top)
    house.play("file_server")
    house.play("prune")
    with open_store(str(house.bitacora)) as store:
        order.append(store.entries(type="copy_made")[-1]["label"])
        gone = [entry["label"] for entry in store.entries(type="copy_pruned")]
    house.states[order[-1]] = house.states.pop("today")
    assert len(order) == DAYS and house.labels() == order[-KEPT:] and len(house.labels()) == KEPT
    assert gone == order[:-KEPT], "the oldest go first, each told once"
    assert len(json.loads(house.restic("snapshots", "--json"))) == KEPT
    assert not house.locks()

    middle = random.Random(SEED).sample(order[-KEPT + 1:-1], 3)
    for label in [order[-KEPT], *middle, moment_label(first, TWICE) + "_02"]:
        assert_same(house.restored(label), house.states[label], label)
    house.play("restore", restore_host=HOST, restore_kind=KIND, restore_system=SYSTEM, restore_label=order[-1], restore_reason="drill", restore_special=True,
               restore_target=str(house.top / "compartido" / "hoy"))
    assert_same(state(house.top / "compartido" / "hoy"), house.states[order[-1]], order[-1])

    assert "no errors were found" in house.restic("check", "--read-data")
    # What a day adds is what was written that day, beside the lists of the folders that hold it; and what left gave its room back.
    assert all(added < written + 60000 for written, added in growth[1:]), growth
    assert sum(added for _written, added in growth[1:]) > sum(written for written, _added in growth[1:])
    held = json.loads(house.restic("stats", "--mode", "raw-data", "--json"))["total_size"]
    assert held <= house.size() <= 1.15 * held, (held, house.size())
    quiet = [label for label in order[1:-1] if not house.told[label]["files_new"] + house.told[label]["files_changed"]]
    assert quiet and all(house.told[label]["data_added"] < 20000 for label in quiet)


def moment_label(first, day):
    return (first + datetime.timedelta(days=day - 1)).strftime(f"{SYSTEM}_%Y%m%d")
