# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of Debian 12 that systemd starts, emulated by QEMU with a clock of its own, which counts instructions: where it idles, that clock jumps to the next
timer of its kernel. So a week passes in minutes, second for second as systemd sees it, and the clock of the machine below is not touched.

Nothing of it comes from the network but Debian's packages, by mmdebstrap, once for a recipe (.cache/week).
"""

from __future__ import annotations

import datetime
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUEST = Path(__file__).resolve().parent / "guest"
PACKAGES = "systemd,systemd-sysv,kmod,tzdata,python3,zstd,initramfs-tools,linux-image-cloud-amd64"
NEEDED = ("qemu-system-x86_64", "mmdebstrap", "mke2fs", "debugfs", "chroot")
_SOURCES = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
# Without these the machine boots in half the time, and sleeps longer at once: no devices, logins, consoles, and no timers but ours.
_MASKED = """
apt-daily-upgrade.timer apt-daily.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer systemd-logind.service
systemd-user-sessions.service serial-getty@ttyS0.service getty.target modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service
modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount
sys-fs-fuse-connections.mount sys-kernel-config.mount kmod-static-nodes.service systemd-modules-load.service systemd-fsckd.socket systemd-binfmt.service
proc-sys-fs-binfmt_misc.automount systemd-pstore.service systemd-udevd.service systemd-udev-trigger.service systemd-udevd-control.socket
systemd-udevd-kernel.socket systemd-rfkill.socket e2scrub_reap.service systemd-ask-password-console.path systemd-ask-password-wall.path systemd-initctl.socket
systemd-sysusers.service systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-network-generator.service
""".split()
_SYSCTL = "vm.compaction_proactiveness=0\nvm.stat_interval=86400\nvm.dirty_writeback_centisecs=0\n"
_INITRD = r"""printf 'virtio_pci\nvirtio_blk\next4\n' >> "$1/etc/initramfs-tools/modules"
sed -i 's/^MODULES=.*/MODULES=list/; s/^COMPRESS=.*/COMPRESS=gzip/' "$1/etc/initramfs-tools/initramfs.conf"
chroot "$1" update-initramfs -u"""
_PROGRAM = """#!/usr/bin/python3
import sys
sys.path.insert(0, "/opt/ansible/lib")
from ansible.cli.playbook import main
sys.exit(main())
"""
_COMPILE = """
import compileall
for each in ("/opt/ansible/lib", "/opt/respaldo/plugins", "/opt/respaldo/callback_plugins"):
    compileall.compile_dir(each, quiet=2)
"""
_EXCLUDED = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "locale", "doc")]


def why_not() -> str:
    """What this machine lacks for it; "" where nothing."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    return f"needs {', '.join(missing)} (Debian: qemu-system-x86, mmdebstrap, e2fsprogs)" if missing else "" if os.geteuid() == 0 else "needs root"


def base(cache: Path) -> Path:
    """The archive of Debian's packages; made where its recipe changed."""
    sources = [each for each in (os.environ.get("RESPALDO_LAB_APT_SOURCES", ""), *_SOURCES) if each and Path(each).is_file()][:1]
    recipe = [f"--include={PACKAGES}", "--variant=minbase", *_EXCLUDED, f"--customize-hook={_INITRD}", "bookworm"]
    number = hashlib.sha256("\n".join([*recipe, *(Path(each).read_text("utf-8") for each in sources)]).encode()).hexdigest()[:12]
    made = cache / f"base-{number}.tar"
    if not made.exists():
        cache.mkdir(parents=True, exist_ok=True)
        begun = cache / f"{made.name}.{os.getpid()}.tar"
        subprocess.run(["mmdebstrap", "--quiet", *recipe, str(begun), *sources], check=True)
        begun.rename(made)
    return made


class Machine:
    """Its disk, and its boots."""

    def __init__(self, scratch: Path, cache: Path, units: dict[str, str]) -> None:
        self.scratch, self.disk = scratch, scratch / "disk.img"
        tree = scratch / "root"
        tree.mkdir()
        with tarfile.open(base(cache)) as archive:
            archive.extractall(tree, members=(each for each in archive if not each.name.startswith("./dev/")), numeric_owner=True)
        self._fill(tree, units)
        for name in ("vmlinuz", "initrd.img"):
            shutil.copy(tree / (tree / name).readlink(), scratch / name)
        with self.disk.open("wb") as disk:
            disk.truncate(1200 << 20)
        # no journal: a cut without one loses no more here, since the disk is synced before it, and its thread would wake the machine
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", str(tree), str(self.disk)], check=True)
        shutil.rmtree(tree)
        self.seconds = 0.0      # of a processor, of all boots

    def _fill(self, tree: Path, units: dict[str, str]) -> None:
        """The collection and its Ansible, precompiled; our files and units."""
        collection, ansible = tree / "opt/respaldo", tree / "opt/ansible"
        for room in ("callback_plugins", "collections", "meta", "playbooks", "plugins", "policies", "roles"):
            shutil.copytree(ROOT / room, collection / room, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "ansible.cfg", collection)
        packed = self.scratch / "ansible.tgz"
        subprocess.run([sys.executable, str(ROOT / "molecule/schedule/pack.py"), str(packed)], check=True)
        with tarfile.open(packed) as archive:
            archive.extractall(ansible)
        (ansible / "bin").mkdir()
        program = ansible / "bin/ansible-playbook"
        program.write_text(_PROGRAM, "utf-8")
        program.chmod(0o755)
        subprocess.run(["chroot", str(tree), "python3", "-c", _COMPILE], check=True)
        shutil.copytree(GUEST, tree / "srv/week", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("ansible-playbook", "begin.sh"):
            (tree / "srv/week" / name).chmod(0o755)
        (tree / "srv/datos").mkdir()
        (tree / "srv/datos/a.txt").write_text("uno\n", "utf-8")
        (tree / "etc/fstab").write_text("/dev/vda / ext4 rw,noatime 0 1\n", "utf-8")
        (tree / "etc/hostname").write_text("controlador\n", "utf-8")
        (tree / "etc/sysctl.d/week.conf").write_text(_SYSCTL, "utf-8")
        system = tree / "etc/systemd/system"
        (system / "timers.target.wants").mkdir(exist_ok=True)
        (system / "multi-user.target.wants").mkdir(exist_ok=True)
        for name in _MASKED:
            (system / name).unlink(missing_ok=True)
            (system / name).symlink_to("/dev/null")
        for name, text in units.items():
            (system / name).write_text(text, "utf-8")
            wants = {"timer": "timers.target.wants"}.get(name.rpartition(".")[2], "multi-user.target.wants" if "[Install]" in text else "")
            if wants:
                (system / wants / name).symlink_to(f"/etc/systemd/system/{name}")

    def boot(self, since: datetime.datetime, limit_seconds: int) -> str:
        """Run until it turns itself off, from a moment of its clock; the console's text. Raises TimeoutExpired."""
        console = self.scratch / f"console-{since:%Y%m%dT%H%M}.txt"
        argv = ["qemu-system-x86_64", "-machine", "q35,hpet=off", "-accel", "tcg,tb-size=256", "-cpu", "max", "-smp", "1", "-m", "768",
                # 2 ns an instruction, and no waiting while it idles
                "-icount", "shift=1,sleep=off", "-rtc", f"base={since:%Y-%m-%dT%H:%M:%S},clock=vm",
                "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", f"file:{console}",
                "-kernel", str(self.scratch / "vmlinuz"), "-initrd", str(self.scratch / "initrd.img"),
                "-append", "root=/dev/vda rw console=ttyS0 quiet nowatchdog tsc=reliable mitigations=off random.trust_cpu=on audit=0",
                "-drive", f"file={self.disk},if=virtio,format=raw,cache=unsafe"]
        begun = sum(os.times()[2:4])
        started = time.monotonic()
        subprocess.run(argv, check=True, timeout=limit_seconds)
        self.seconds += sum(os.times()[2:4]) - begun
        text = console.read_text("utf-8", "replace")
        print(f"boot at {since:%F %R} UTC: {time.monotonic() - started:.0f} s here")
        return text


def take(disk: Path, path: str, scratch: Path) -> Path:
    """A file of a disk, outside; an empty one where there is none."""
    found = scratch / Path(path).name
    found.unlink(missing_ok=True)
    subprocess.run(["debugfs", "-R", f"dump {path} {found}", str(disk)], check=True, capture_output=True)
    if not found.exists():
        found.touch()
    return found
