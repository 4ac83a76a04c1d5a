# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root follows no name in a directory that others may write to: what makes, gives away, moves or removes by path has its reason here.

On the controller, whose anchors, custody and reports lie on shares, so has what opens or reads by path: a FIFO there would hold the play for ever.
"""

from __future__ import annotations

import ast
import functools
import pathlib

import pytest
import trees

ENGINE = pathlib.Path(__file__).resolve().parents[2] / "plugins" / "module_utils" / "_engine"

# by path they follow what others put there; with a descriptor of the directory they follow nothing
BY_PATH = {"chown", "chmod", "lchown", "mkdir", "makedirs", "walk", "fwalk", "rename", "renames", "replace", "unlink", "remove", "rmdir", "removedirs", "link",
           "symlink", "mkfifo", "mknod", "truncate", "setxattr", "removexattr", "utime"}
DESCRIPTORS = {"dir_fd", "src_dir_fd", "dst_dir_fd"}
WHOLE_MODULES = {"shutil": {"which", "disk_usage", "get_terminal_size"}, "tempfile": {"TemporaryFile", "gettempdir"}, "pathlib": {"PurePath", "PurePosixPath"}}

_PRIVATE = "in a private directory of ours, where only root (or who runs this) may write"
_STATE = "below /var/lib or /var/cache/respaldo, where only root may write"
_SAMBA = "in /etc, where only root may write"
_ROOT_OF_MEDIUM = "the medium's own directory, as the inventory has it: who may write above it is the administrator"
_HELD = "takes the descriptor itself"
_BUILT = "in the private directory of the copy or of the restore, where nobody else may rename (placing.py)"
_WORK_DIR = "in the directory for mirrors, as the inventory has it: who may write there is the administrator"
ALLOWED = {
    ("filesystem/descriptors.py", "os.chmod"): "by the path in /proc of what is held",
    ("filesystem/descriptors.py", "os.removexattr"): "by the path in /proc of what is held",
    ("filesystem/foreign.py", "os.removexattr"): "by the path in /proc of what is held",
    ("filesystem/returning.py", "os.setxattr"): _HELD,
    ("filesystem/returning.py", "os.utime"): _HELD,
    ("folders/share_files.py", "os.makedirs"): _SAMBA,
    ("folders/share_files.py", "os.chmod"): _SAMBA,
    ("folders/share_files.py", "os.chown"): _SAMBA,
    ("folders/share_files.py", "os.utime"): _SAMBA,
    ("folders/share_files.py", "os.rename"): _SAMBA,
    ("folders/share_files.py", "os.unlink"): _SAMBA,
    ("folders/share_files.py", "shutil.copystat"): _SAMBA,
    ("folders/share_files.py", "tempfile.mkstemp"): _SAMBA,
    ("media/local.py", "os.makedirs"): _ROOT_OF_MEDIUM,
    ("media/azure_journal.py", "os.makedirs"): _STATE,
    ("media/azure_journal.py", "os.open O_CREAT"): _STATE,
    ("media/azure_journal.py", "os.unlink"): _STATE,
    ("restic/listing.py", "tempfile.SpooledTemporaryFile"): "in memory, then a file without a name, as TemporaryFile makes it",
    ("restic/repository_places.py", "os.makedirs"): _STATE,
    ("restic/repository_places.py", "os.rename"): "a rename follows no link, and the ledger's name is replaced whatever stands under it",
    ("restic/repository_places.py", "os.open O_CREAT"): "with O_NOFOLLOW",
    ("sources/attributes.py", "os.setxattr"): "by the path in /proc of what is held, in scratch",
    ("sources/git.py", "os.makedirs"): _WORK_DIR,
    ("sources/git_checks.py", "open for writing"): _BUILT,
    ("sources/git_facts.py", "open for writing"): _BUILT,
    ("sources/git_lfs.py", "open for writing"): _BUILT,
    ("sources/git_objects.py", "os.makedirs"): _BUILT,
    ("sources/git_objects.py", "os.symlink"): _BUILT,
    ("sources/git_objects.py", "os.open O_CREAT"): _BUILT,
    ("sources/git_objects.py", "open for writing"): _BUILT,
    ("sources/git_remote.py", "os.open O_CREAT"): _WORK_DIR,
    ("sources/git_restore.py", "os.makedirs"): _BUILT,
    ("sources/git_restore.py", "os.mkdir"): _BUILT,
    ("sources/git_restore.py", "os.open O_CREAT"): _BUILT,
    ("sources/git_restore.py", "os.unlink"): _BUILT,
    ("sources/git_tool.py", "os.mkdir"): _BUILT,
    ("sources/git_tool.py", "open for writing"): _BUILT,
    ("sources/imap_files.py", "os.utime"): _HELD,
    ("sources/sqlite.py", "os.open O_CREAT"): _BUILT,
    ("sources/sqlite.py", "os.unlink"): _BUILT,
    ("transforms/seven_zip.py", "open for writing"): _PRIVATE,
    ("transforms/seven_zip.py", "os.unlink"): _PRIVATE,
}

CONTROLLER = ENGINE.parents[1] / "plugin_utils"
OF_PATHS = {"mkdir", "unlink", "rename", "hardlink_to", "symlink_to", "read_text", "read_bytes"}
_BESIDE_BITACORA = "beside the bitácora, in the directory that only the controller's account writes to; SQLite refuses a share (RSP707)"
_JOURNAL = "the journal's directory is this account's alone, or is refused (_is_ours), and no link is followed"
_NAMES = "the directory of the names is this account's alone, mode 0700, or is refused"
_SYSTEM = "below /etc, /proc or /sys, where only root writes"
_OURS = "a file of the collection itself"
_ITS_KEY = "a key of the controller, where the administrator keeps its secrets"
ALLOWED_ON_CONTROLLER = {
    ("_azure/identity.py", "open"): _ITS_KEY,
    ("_keepers.py", "open"): _ITS_KEY,
    ("_bitacora/chain.py", "os.open"): "the auditor's own reading, of what he names; the play reads anchors by anchored.py",
    ("_bitacora/journal.py", "os.open"): _JOURNAL,
    ("_bitacora/journal.py", "pathlib.mkdir"): _JOURNAL,
    ("_bitacora/journal.py", "pathlib.read_bytes"): _JOURNAL,
    ("_bitacora/journal.py", "pathlib.unlink"): _JOURNAL,
    ("_bitacora/seals.py", "os.open O_CREAT"): _BESIDE_BITACORA,
    ("_bitacora/seals.py", "os.unlink"): _BESIDE_BITACORA,
    ("_bitacora/seals.py", "os.link"): _BESIDE_BITACORA,
    ("_bitacora/seals.py", "pathlib.mkdir"): _BESIDE_BITACORA,
    ("_bitacora/seals.py", "pathlib.read_text"): _BESIDE_BITACORA,
    ("_bitacora/sqlite.py", "os.open O_CREAT"): _BESIDE_BITACORA,
    ("_bitacora/sqlite.py", "tempfile.NamedTemporaryFile"): _BESIDE_BITACORA,
    ("_bitacora/sqlite.py", "pathlib.mkdir"): _BESIDE_BITACORA,
    ("_bitacora/trust.py", "os.rename"): _BESIDE_BITACORA,
    ("_bitacora/trust.py", "os.open O_CREAT"): _BESIDE_BITACORA,
    ("_bitacora/trust.py", "os.unlink"): _BESIDE_BITACORA,
    ("_bitacora/trust.py", "os.open"): _BESIDE_BITACORA,
    ("_bitacora/who.py", "pathlib.read_text"): _SYSTEM,
    ("_checking/core.py", "pathlib.read_text"): "the collection's own meta/runtime.yml, beside the code that runs",
    ("_finding/index.py", "os.unlink"): _NAMES,
    ("_finding/index.py", "pathlib.mkdir"): _NAMES,
    ("_finding/index.py", "os.open"): _NAMES,
    ("_reports/evidence.py", "tempfile.TemporaryDirectory"): "where nobody else may write, or in the temporary directory",
    ("_reports/evidence.py", "os.chmod"): "in that directory, of this account alone",
    ("_reports/evidence.py", "pathlib.open"): "in that directory, of this account alone",
    ("_reports/evidence.py", "shutil.copyfileobj"): "from one open file to another",
    ("_reports/evidence.py", "pathlib.read_bytes"): _OURS,
    ("_reports/pages.py", "pathlib.read_text"): _OURS,
    ("_command/configured.py", "open"): "refused unless only root and who runs it may write file and directory",
    ("_command/running.py", "tempfile.mkdtemp"): "a directory of this account alone",
    ("_command/running.py", "shutil.rmtree"): "the directory of this account alone that it made",
    ("_command/running.py", "pathlib.mkdir"): "of logs; refused when others may write there",
    ("_command/running.py", "os.open O_CREAT"): "a new file in it, O_EXCL and O_NOFOLLOW",
    ("_command/running.py", "open for writing"): "the same",
    ("_command/running.py", "pathlib.read_text"): "of /proc",
    ("_command/telling.py", "os.open"): "/dev/null, in the place of a reader that left",
    ("_command/new.py", "pathlib.read_text"): _OURS,
    ("_command/completing.py", "pathlib.mkdir"): "the product's own state, which only its account may write",
    ("_command/completing.py", "pathlib.write_text"): "the same",
    ("_command/completing.py", "pathlib.read_text"): "the same; names only",
    ("_schedules/systemd.py", "tempfile.TemporaryDirectory"): "in a temporary directory of this account alone",
    ("_schedules/systemd.py", "pathlib.write_text"): "in a temporary directory of this account alone",
    ("_clear.py", "open"): "a file of the inventory that Ansible itself read a moment ago",
    ("_copying/recovering.py", "os.walk"): "the kit as it was opened, in a directory of this account alone; only names are taken",
    ("_held_places.py", "os.open"): "the root directory, where each path begins",
    ("_held_places.py", "pathlib.read_text"): _SYSTEM,
    ("_places.py", "pathlib.read_text"): _SYSTEM,
}


def calls(nodes):
    """What in a file makes, gives away, moves or removes by path."""
    imported = {alias.asname or alias.name: "{0}.{1}".format(node.module, alias.name)
                for node in nodes if isinstance(node, ast.ImportFrom) and node.module in ("os", "shutil", "tempfile") for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in WHOLE_MODULES:
            if node.attr not in WHOLE_MODULES[node.value.id]:
                yield node.lineno, "{0}.{1}".format(node.value.id, node.attr)
        if not isinstance(node, ast.Call):
            continue
        given = {keyword.arg for keyword in node.keywords}
        if isinstance(node.func, ast.Name) and node.func.id in imported:
            yield node.lineno, imported[node.func.id]
        elif isinstance(node.func, ast.Name) and node.func.id == "open" and writes(node):
            yield node.lineno, "open for writing"
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "os":
            if node.func.attr in BY_PATH and not given & DESCRIPTORS:
                yield node.lineno, "os." + node.func.attr
            elif node.func.attr == "open" and "O_CREAT" in ast.dump(node) and not given & DESCRIPTORS:
                yield node.lineno, "os.open O_CREAT"
        elif isinstance(node.func, ast.Attribute) and node.func.attr in ("write_text", "write_bytes", "touch"):
            yield node.lineno, "pathlib." + node.func.attr


def calls_of_controller(nodes):
    """What is refused on servers too, and what opens, reads or makes by path."""
    yield from calls(nodes)
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open" and not writes(node) and not is_descriptor(node.args[0]):
            yield node.lineno, "open"
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "os":
            if node.func.attr == "open" and "O_CREAT" not in ast.dump(node) and not {keyword.arg for keyword in node.keywords} & DESCRIPTORS:
                yield node.lineno, "os.open"
        elif isinstance(node.func, ast.Attribute) and node.func.attr in OF_PATHS:
            yield node.lineno, "pathlib." + node.func.attr
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "open" and node.args and isinstance(node.args[0], ast.Constant):
            if set(str(node.args[0].value)) <= set("rwaxb+t"):
                yield node.lineno, "pathlib.open"


def is_descriptor(node):
    return isinstance(node, ast.Call) and ast.dump(node.func) == ast.dump(ast.parse("os.dup", mode="eval").body)


def writes(call):
    mode = next((keyword.value for keyword in call.keywords if keyword.arg == "mode"), call.args[1] if len(call.args) > 1 else None)
    return mode is not None and not (isinstance(mode, ast.Constant) and not set(str(mode.value)) & set("wax+"))


@functools.cache
def found():
    return [(str(path.relative_to(ENGINE)), line, call)
            for path in sorted(ENGINE.rglob("*.py")) for line, call in calls(trees.nodes(path))]


def test_nothing_is_made_given_moved_or_removed_by_a_path_that_others_may_lead_elsewhere():
    wrong = ["{0}:{1}: {2}".format(*row) for row in found() if (row[0], row[2]) not in ALLOWED]
    assert not wrong, "use descriptors.py (its first lines say why), or give the reason in ALLOWED:\n" + "\n".join(wrong)


def test_each_exception_is_still_one():
    there = {(name, call) for name, _line, call in found()}
    assert not set(ALLOWED) - there


@functools.cache
def found_on_controller():
    return [(str(path.relative_to(CONTROLLER)), line, call)
            for path in sorted(CONTROLLER.rglob("*.py")) for line, call in calls_of_controller(trees.nodes(path))]


def test_nothing_of_the_controller_is_opened_by_a_path_on_a_share():
    wrong = ["{0}:{1}: {2}".format(*row) for row in found_on_controller() if (row[0], row[2]) not in ALLOWED_ON_CONTROLLER]
    assert not wrong, "use _held_places.py (its first lines say why), or give the reason in ALLOWED_ON_CONTROLLER:\n" + "\n".join(wrong)


def test_each_exception_of_the_controller_is_still_one():
    there = {(name, call) for name, _line, call in found_on_controller()}
    assert not set(ALLOWED_ON_CONTROLLER) - there


@pytest.mark.parametrize("line", ["open(p)", "open(p, 'rb')", "os.open(p, os.O_RDONLY)", "path.read_bytes()", "Path(p).read_text('ascii')", "path.open('rb')",
                                  "path.parent.mkdir(parents=True)", "path.unlink()"])
def test_the_rule_of_the_controller_sees(line):
    assert list(calls_of_controller(trees.nodes_of(line)))


@pytest.mark.parametrize("line", ["os.open('x', os.O_RDONLY, dir_fd=held)", "open(os.dup(held), 'rb')", "desk.open(title, words)", "box.open()"])
def test_the_rule_of_the_controller_lets_through(line):
    assert not list(calls_of_controller(trees.nodes_of(line)))


@pytest.mark.parametrize("line", [
    "os.chown(path, 0, 0)", "os.chmod(os.path.join(a, b), 0o700)", "os.mkdir('x')", "os.makedirs(p, exist_ok=True)", "for x in os.walk(p): pass",
    "shutil.rmtree(p)", "shutil.copystat(a, b)", "remove = shutil.rmtree", "tempfile.mkdtemp()", "tempfile.NamedTemporaryFile()", "open(p, 'w')",
    "open(p, mode='ab')", "open(p, how)", "os.rename(a, b)", "os.unlink(p)", "os.open(p, os.O_WRONLY | os.O_CREAT)", "from os import chown\nchown(p, 0, 0)",
    "pathlib.Path(p).write_text('x')",
])
def test_the_rule_sees(line):
    assert list(calls(trees.nodes_of(line)))


@pytest.mark.parametrize("line", [
    "os.mkdir('x', dir_fd=held)", "os.rename('a', 'b', src_dir_fd=x, dst_dir_fd=y)", "open(p)", "open(p, 'rb')", "open(p, encoding='utf-8')",
    "os.fchown(h, 0, 0)",
    "os.open('x', os.O_CREAT, dir_fd=held)", "tempfile.TemporaryFile()", "shutil.which('tar')",
])
def test_the_rule_lets_through(line):
    assert not list(calls(trees.nodes_of(line)))
