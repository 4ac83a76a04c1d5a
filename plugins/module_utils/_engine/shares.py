# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared folders of the offices (numeral 5.2): a directory with its rights, and a Samba share of it. No data is ever removed or moved.

One file for each share, all of them named in one list that smb.conf includes. What will be in force is put together in a private directory
and read by Samba's own `testparm` first; then each file changes by one rename, and smbd reads them again without ending a session. POSIX ACLs are
the rights; `acl_xattr` keeps what Windows adds to them in `security.NTACL`, beside, so that the files mean the same to Windows and to this server.
"""

from __future__ import annotations

import contextlib
import fcntl
import grp
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from . import programs, quotas, schema, scope
from .errors import BackupError
from .schema import Problem, choice, flag, listing, table, text, whole

STATES = ("present", "withdrawn")
BIN = ".papelera"    # where deleted files wait; hidden from Windows by its dot

_MODE = 0o2770
_TIMEOUT = 60
_MARK = "# perucompras.respaldo "
# what Samba gives another meaning to in names and values, and systemd-tmpfiles in paths
_UNUSABLE_IN_NAME = r"%<>*?|/\\+=;:\",\[\]\x00-\x1f\x7f"
_UNUSABLE_IN_PATH = r"%*?\[\]\"'\\\x00-\x1f\x7f"
_RESERVED = ("global", "homes", "printers", "print$", "ipc$", "admin$")
_NOT_FOR_DATA = ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "run", "sbin", "sys", "tmp", "usr")

_GROUP = text(r"[A-Za-z_][A-Za-z0-9_.\\@ -]{0,63}", "of-logistica")
_NAMES = listing(text(r"[^-:,\x00-\x1f\s][^:,\x00-\x1f]*", "aquispe"))
_FOLDER = table({
    "name": text(r"[^{0}]{{1,80}}".format(_UNUSABLE_IN_NAME), "Logística"), "path": text(r"/[^{0}]+".format(_UNUSABLE_IN_PATH), "/srv/compartidos/logistica"),
    "office": text(), "group": _GROUP,
}, {
    "readers": _GROUP, "members": _NAMES, "readers_members": _NAMES, "description": text(r"[^%\\\x00-\x1f]+", "Expedientes"), "document": text(),
    "responsible": text(), "state": choice(*STATES), "browseable": flag(), "recycle_days": whole(0, 3650), "quota_gib": whole(0),
    "unwanted": listing(text(r"\.?[A-Za-z0-9_-]{1,16}", "mp3")),
})


class Folder(NamedTuple):
    """One office's folder, as the inventory has it."""

    name: str
    path: str
    office: str
    group: str
    readers: str
    members: Optional[List[str]]
    readers_members: Optional[List[str]]
    description: str
    document: str
    state: str
    browseable: bool
    recycle_days: int
    quota_gib: int

    @property
    def present(self) -> bool:
        return self.state == "present"


class Done(NamedTuple):
    """What became of one folder."""

    folder: Folder
    event: str                 # path_assigned, path_changed, path_withdrawn; "" when it was as it should be
    changes: List[str]         # in Spanish, for the bitácora
    warnings: List[str]
    before: str
    after: str


class Settings(NamedTuple):
    """Where Samba's files are."""

    smb_conf: str = "/etc/samba/smb.conf"
    directory: str = "/etc/samba/respaldo.d"
    tmpfiles: str = "/etc/tmpfiles.d"
    recreate: bool = False     # make a folder anew that was assigned and is not there any more

    @property
    def list_file(self) -> str:
        return os.path.join(os.path.dirname(self.smb_conf), "respaldo.conf")

    def share_file(self, name: str) -> str:
        return os.path.join(self.directory, name + ".conf")

    def rule_file(self, name: str) -> str:
        return os.path.join(self.tmpfiles, "respaldo-{0}.conf".format(re.sub(r"[^A-Za-z0-9]", lambda found: "_{0:x}".format(ord(found.group())), name)))


def folders_of(rows: Any) -> List[Folder]:
    """The folders of an inventory, checked. Raises invalid_input with every mistake at once."""
    problems: List[Problem] = []
    listing(_FOLDER)(rows, "backup_shared_folders", problems)
    schema.raise_all(problems)
    folders = [Folder(
        row["name"].strip(), os.path.normpath(row["path"]), row["office"].strip(), row["group"], row.get("readers", ""), row.get("members"),
        row.get("readers_members"), row.get("description", "").strip(), row.get("document", "").strip(), row.get("state", "present"),
        row.get("browseable", True), row.get("recycle_days", 0), row.get("quota_gib", 0)) for row in rows]
    for index, folder in enumerate(folders):
        _check_alone(folder, rows[index]["path"], "backup_shared_folders[{0}]".format(index), problems)
        for before in range(index):
            _check_pair(folder, folders[before], "backup_shared_folders[{0}]".format(index), problems)
    schema.raise_all(problems)
    return folders


def _check_alone(folder: Folder, written: str, where: str, problems: List[Problem]) -> None:
    parts = folder.path.strip("/").split("/")
    if ".." in written.split("/"):
        problems.append(Problem(where + ".path", written, "has .. in it", "Give the path itself."))
    if len(parts) < 2 or parts[0] in _NOT_FOR_DATA:
        problems.append(Problem(where + ".path", folder.path, "is a place of the system", "Give a directory for data, such as /srv/compartidos/logistica."))
    if folder.name.lower() in _RESERVED or folder.name.startswith("."):
        problems.append(Problem(where + ".name", folder.name, "means something else to Samba", "Give the share another name."))
    if folder.readers == folder.group:
        problems.append(Problem(where + ".readers", folder.readers, "is also the group that writes", "Give readers a group of their own, or remove the key."))
    if folder.readers_members is not None and not folder.readers:
        problems.append(Problem(where + ".readers_members", None, "has no meaning without readers", "Name their group, or remove it."))


def _check_pair(folder: Folder, other: Folder, where: str, problems: List[Problem]) -> None:
    if folder.name.casefold() == other.name.casefold():
        problems.append(Problem(where + ".name", folder.name, "is also the name of another folder: Samba ignores case", "Give each its own name."))
    if folder.present and other.present and (_within(folder.path, other.path) or _within(other.path, folder.path)):
        problems.append(Problem(where + ".path", folder.path, "lies in {0}, or that in it".format(other.path), "Give each office a directory of its own."))


# -- what is in force ---------------------------------------------------------------------------------------------------
def in_force(settings: Settings) -> Dict[str, str]:
    """name -> path of the shares that are in force: those whose files the list names. A file that a run cut short left beside it is none."""
    found = {}
    for line in _read(settings.list_file).splitlines():
        file = line.partition("include = ")[2].strip()
        path = re.search(r"^\s*path = (.*)$", _read(file), re.MULTILINE) if file else None
        if path:
            found[os.path.basename(file)[:-len(".conf")]] = path.group(1).strip()
    return found


def apply(folders: Sequence[Folder], settings: Settings, simulate: bool, done: List[Done]) -> None:
    """Put every folder as it should be. What was done is added to `done` as it happens, also when a later one fails.

    All that can be refused is refused before anything is touched: mistakes, a path that would change, a folder that is not itself any more,
    a configuration that Samba does not accept. Raises BackupError.
    """
    former = in_force(settings)
    for folder in folders:
        _refuse(folder, former, settings)
    plans = [_plan(folder, folder.name in former, settings) for folder in folders]
    wanted = {plan.folder.name: plan.folder.path for plan in plans if plan.folder.present}
    kept = {name: path for name, path in former.items() if name not in {plan.folder.name for plan in plans}}
    smb_conf = _smb_conf(settings)
    listed = _list_of(sorted(list(wanted) + list(kept)), settings)
    changed = any(plan.share_before != plan.share_after for plan in plans) or smb_conf != _read(settings.smb_conf) or listed != _read(settings.list_file)
    if changed:
        _prove(plans, kept, wanted, settings)
    if simulate:
        done.extend(_done(plan) for plan in plans)
        return
    with _alone(settings):
        for plan in plans:
            if plan.folder.present:
                _make(plan)
                _write(settings.share_file(plan.folder.name), plan.share_after)
        if changed:
            _write(settings.list_file, listed)
            _write(settings.smb_conf, smb_conf)
        for plan in plans:
            if not plan.folder.present:
                _remove(settings.share_file(plan.folder.name))
            _write_rule(plan, settings)
        # in force by now: told even when smbd can't be asked to look
        done.extend(_done(plan) for plan in plans)
        _reload(plans, changed)


def _refuse(folder: Folder, former: Mapping[str, str], settings: Settings) -> None:
    known = former.get(folder.name)
    if folder.present:
        if known is not None and known != folder.path:
            raise BackupError("folder_path_fixed", folder=folder.name, path=scope.shown(known), wanted=scope.shown(folder.path))
        for name, path in former.items():
            if name.casefold() == folder.name.casefold() and name != folder.name:
                _invalid(folder, "name", folder.name, "is in force as {0}".format(name), "Write it as it is in force.")
            if name != folder.name and (_within(path, folder.path) or _within(folder.path, path)):
                _invalid(folder, "path", folder.path, "lies in {0}, the folder {1} in force, or that in it".format(path, name), "Withdraw that one first.")
        _refuse_path(folder, known is not None and not settings.recreate)
        for group, members in ((folder.group, folder.members), (folder.readers, folder.readers_members)):
            _refuse_members(folder, group, members)
    elif known is not None and known != folder.path:
        raise BackupError("folder_path_fixed", folder=folder.name, path=scope.shown(known), wanted=scope.shown(folder.path))


def _refuse_path(folder: Folder, must_exist: bool) -> None:
    parent = os.path.dirname(folder.path)
    if os.path.islink(folder.path) or (must_exist and not os.path.isdir(folder.path)):
        raise BackupError("assigned_path_changed", assigned=scope.shown(folder.path), detail=scope.now_there(folder.path))
    if os.path.lexists(folder.path) and not os.path.isdir(folder.path):
        _invalid(folder, "path", folder.path, "is not a directory", "Give a directory.")
    if not os.path.isdir(parent):
        _invalid(folder, "path", folder.path, "has no parent directory on this server", "Make or mount {0} first.".format(parent))
    if os.path.isdir(folder.path):
        # also says when a directory above it is a link that somebody made
        scope.resolve(folder.path, [folder.path])


def _refuse_members(folder: Folder, group: str, members: Optional[List[str]]) -> None:
    if members is None or not group:
        return
    for name in members:
        try:
            pwd.getpwnam(name)
        except KeyError:
            _invalid(folder, "members", name, "is not an account of this server", "Make the account first, or join this server to the domain that has it.")
    if _group(group) is not None and not _is_local(group):
        _invalid(folder, "members", group, "is a group of a domain, whose members are kept there", "Remove the key.")


def _invalid(folder: Folder, key: str, value: Any, problem: str, mend: str) -> None:
    raise BackupError("invalid_input", where="backup_shared_folders, {0}, {1}".format(folder.name, key), value=value, problem=problem, mend=mend)


# -- what has to be done -----------------------------------------------------------------------------------------------
class _Plan(NamedTuple):
    folder: Folder
    share_before: str
    share_after: str
    rule_before: str
    rule_after: str
    new_groups: List[str]
    members: Dict[str, List[str]]    # of groups whose members change
    directory: str                   # "", make, rights
    rights_before: str
    rights_after: str
    bin: bool                        # make the recycle bin
    quota: quotas.Plan
    warnings: List[str]


def _plan(folder: Folder, listed: bool, settings: Settings) -> _Plan:
    before = _read(settings.share_file(folder.name)) if listed else ""
    rule = _read(settings.rule_file(folder.name))
    if not folder.present:
        return _Plan(folder, before, "", rule, "", [], {}, "", "", "", False, quotas.Plan("", "", False, ""), [])
    groups = [name for name in (folder.group, folder.readers) if name]
    there = os.path.isdir(folder.path)
    rights = _rights_of(folder.path) if there else ""
    wanted = _rights(folder)
    warnings: List[str] = []
    quota = quotas.plan(folder.path, folder.quota_gib, _quota_known(before))
    if quota.why and folder.quota_gib:
        warnings.append("Sin cuota de {0} GiB: {1}".format(folder.quota_gib, quota.why))
    members = {}
    for group, names in ((folder.group, folder.members), (folder.readers, folder.readers_members)):
        found = _group(group) if group else None
        if names is not None and group and sorted(names) != sorted(found.gr_mem if found else []):
            members[group] = sorted(names)
    return _Plan(
        folder, before, _share(folder, quota), rule, _rule(folder), [name for name in groups if _group(name) is None], members,
        "" if rights == wanted else "rights" if there else "make", rights, wanted,
        folder.recycle_days > 0 and not os.path.isdir(os.path.join(folder.path, BIN)), quota, warnings)


def _done(plan: _Plan) -> Done:
    folder, changes = plan.folder, []
    if not folder.present:
        if plan.share_before:
            changes.append("se retira el recurso compartido; los datos quedan en la carpeta")
        elif plan.rule_before:
            changes.append("se retira la regla de la papelera")
    else:
        changes += ["grupo {0} creado".format(name) for name in plan.new_groups]
        changes += ["integrantes de {0}: {1}".format(group, ", ".join(names) or "ninguno") for group, names in sorted(plan.members.items())]
        changes += {"make": ["carpeta creada con sus permisos"], "rights": ["permisos de la carpeta"]}.get(plan.directory, [])
        if plan.share_before != plan.share_after:
            changes.append("recurso de Samba: " + ", ".join(_difference(plan.share_before, plan.share_after)) if plan.share_before else "recurso de Samba")
        if plan.rule_before != plan.rule_after or plan.bin:
            changes.append("papelera de {0} días".format(folder.recycle_days) if folder.recycle_days else "sin papelera")
        if plan.quota.needed:
            changes.append("cuota de {0} GiB".format(folder.quota_gib) if folder.quota_gib else "sin cuota")
    event = ""
    if changes:
        event = "path_withdrawn" if not folder.present else "path_changed" if plan.share_before else "path_assigned"
    return Done(folder, event, changes, plan.warnings, _shown(plan.share_before, plan.rights_before, plan), _shown(plan.share_after, plan.rights_after, plan))


def _shown(share: str, rights: str, plan: _Plan) -> str:
    return share + ("".join("# {0}\n".format(line) for line in rights.splitlines()) if plan.folder.present and plan.directory else "")


def _quota_known(share: str) -> int:
    """The limit that was set before, in GiB, as the file of the share keeps it."""
    known = _facts(share).get("quota_gib")
    return known if isinstance(known, int) else 0


def _facts(share: str) -> Dict[str, Any]:
    """What the first line of a share's file keeps: whose it is, by which document, and its limit."""
    with contextlib.suppress(ValueError, IndexError):
        facts = json.loads(share.splitlines()[0][len(_MARK):])
        if isinstance(facts, dict):
            return facts
    return {}


def _difference(before: str, after: str) -> List[str]:
    """The words whose lines differ, for the bitácora."""
    lines = set(before.splitlines()) ^ set(after.splitlines())
    old, new = _facts(before), _facts(after)
    facts = [word for key, word in (("office", "órgano"), ("document", "documento"), ("quota_gib", "límite")) if old.get(key) != new.get(key)]
    return facts + sorted({line.partition(" = ")[0].strip() for line in lines if not line.startswith(_MARK)})


# -- texts -------------------------------------------------------------------------------------------------------------
def _share(folder: Folder, quota: quotas.Plan) -> str:
    """The file of a share. The comments say whose it is: a change of these is a change of the assignment."""
    readers = ', +"{0}"'.format(folder.readers) if folder.readers else ""
    facts = {"office": folder.office, "document": folder.document, "quota_gib": folder.quota_gib if quota.kind else 0}
    lines = [
        _MARK + json.dumps(facts, ensure_ascii=False, sort_keys=True),
        "[{0}]".format(folder.name),
        "comment = {0}".format(folder.description or folder.office),
        "path = {0}".format(folder.path),
        "browseable = {0}".format("yes" if folder.browseable else "no"),
        "guest ok = no",
        'valid users = +"{0}"{1}'.format(folder.group, readers),
        "read only = yes",
        'write list = +"{0}"'.format(folder.group),
        # whose group a new file is: acl_xattr takes it from the account, not from the setgid directory
        "force group = +{0}".format(folder.group),
        "create mask = 0770",
        "force create mode = 0660",
        "directory mask = 2770",
        "force directory mode = 2770",
        "inherit acls = yes",
        "map acl inherit = yes",
        "store dos attributes = yes",
        "wide links = no",
        "vfs objects = {0}acl_xattr".format("recycle " if folder.recycle_days else ""),
    ]
    if folder.recycle_days:
        lines += [
            "recycle:repository = {0}/%U".format(BIN), "recycle:keeptree = yes", "recycle:versions = yes", "recycle:touch = yes",
            "recycle:directory_mode = 0700", "recycle:subdir_mode = 0700", "recycle:exclude_dir = {0}".format(BIN),
        ]
    return "{0}\n{1}\n{2}\n".format(lines[0], lines[1], "\n".join("    " + line for line in lines[2:]))


def _rule(folder: Folder) -> str:
    """What empties the recycle bin: systemd's own daily cleaning of files that nobody touched, moved or read for so many days."""
    if not folder.recycle_days:
        return ""
    return "# {0}: deleted files wait so many days (perucompras.respaldo)\ne \"{1}/{2}\" - - - {3}d\n".format(
        folder.name, folder.path, BIN, folder.recycle_days)


def _rights(folder: Folder) -> str:
    """Owner, mode and ACL as `_rights_of` reads them."""
    acl = ["user::rwx", "group::rwx"] + (["group:{0}:r-x".format(folder.readers), "mask::rwx"] if folder.readers else []) + ["other::---"]
    return "\n".join(["owner root", "group {0}".format(folder.group), "mode 2770"] + acl + ["default:" + line for line in acl])


def _rights_of(path: str) -> str:
    status = os.lstat(path)
    told = _run([programs.find("getfacl", "acl"), "--absolute-names", "--omit-header", "--no-effective", "--", path], path)
    lines = [re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal.group(1), 8)), line) for line in told.splitlines() if line.strip()]
    return "\n".join(["owner " + _name_of_user(status.st_uid), "group " + _name_of_group(status.st_gid),
                      "mode {0:o}".format(stat.S_IMODE(status.st_mode))] + lines)


def _list_of(names: Sequence[str], settings: Settings) -> str:
    return "# Shared folders, one file for each (perucompras.respaldo). Written by the role shared_folder.\n" + "".join(
        "include = {0}\n".format(settings.share_file(name)) for name in names)


def _smb_conf(settings: Settings) -> str:
    """smb.conf with the line that includes the list at its end, where it belongs to no section: the list's files begin theirs."""
    found = _read(settings.smb_conf)
    if not found:
        raise BackupError("folder_failed", folder=settings.smb_conf, detail="it does not exist: install Samba (package samba)")
    line = "include = {0}".format(settings.list_file)
    if re.search(r"^\s*{0}\s*$".format(re.escape(line)), found, re.MULTILINE):
        return found
    return "{0}\n# perucompras.respaldo: shared folders of the offices (5.2). Keep this line the last.\n{1}\n".format(found.rstrip("\n") + "\n", line)


# -- Samba ---------------------------------------------------------------------------------------------------------------
def _prove(plans: Sequence[_Plan], kept: Mapping[str, str], wanted: Mapping[str, str], settings: Settings) -> None:
    """Let Samba read what would be in force, before it is. Raises share_refused."""
    with tempfile.TemporaryDirectory(prefix="respaldo-samba-") as scratch:
        trial = settings._replace(smb_conf=os.path.join(scratch, "smb.conf"), directory=os.path.join(scratch, "shares"))
        os.mkdir(trial.directory)
        for name in kept:
            _write(trial.share_file(name), _read(settings.share_file(name)))
        for plan in plans:
            if plan.folder.present:
                _write(trial.share_file(plan.folder.name), plan.share_after)
        ours = sorted(list(wanted) + list(kept))
        without = re.sub(r"^\s*include = {0}\s*$".format(re.escape(settings.list_file)), "", _read(settings.smb_conf), flags=re.MULTILINE)
        _write(trial.smb_conf, without)
        sections, said = _testparm(trial.smb_conf, "smb.conf")
        for name in ours:
            if name.lower() in {section.lower() for section in sections}:
                raise BackupError("share_refused", folder=name, detail="{0} has a share of that name already".format(settings.smb_conf))
        _write(trial.list_file, _list_of(ours, trial))
        _write(trial.smb_conf, _smb_conf(trial))
        what = ", ".join(plan.folder.name for plan in plans)
        found, now_said = _testparm(trial.smb_conf, what)
        news = [line for line in now_said if line not in said]
        if news:
            raise BackupError("share_refused", folder=what, detail="; ".join(news))
        for name, path in wanted.items():
            if found.get(name) != path:
                raise BackupError("share_refused", folder=name, detail="testparm reads its path as {0!r}".format(found.get(name)))


def _testparm(smb_conf: str, what: str) -> Tuple[Dict[str, str], List[str]]:
    """Sections with their path as testparm reads a configuration, and what it complained of. Raises share_refused."""
    answer = subprocess.run([programs.find("testparm", "samba-common-bin"), "--suppress-prompt", smb_conf], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=programs.environment(), timeout=_TIMEOUT, check=False)
    said = [line for line in answer.stderr.decode("utf-8", "replace").splitlines()
            if re.search(r"unknown parameter|not boolean|error|invalid|warning|bad |can't|unable|failed", line, re.IGNORECASE)]
    if answer.returncode:
        raise BackupError("share_refused", folder=what, detail="; ".join(said) or "testparm ended with {0}".format(answer.returncode))
    sections: Dict[str, str] = {}
    name = ""
    for line in answer.stdout.decode("utf-8", "replace").splitlines():
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
            sections[name] = ""
        elif line.strip().startswith("path = "):
            sections[name] = line.strip()[len("path = "):]
    return sections, said


def _reload(plans: Sequence[_Plan], changed: bool) -> None:
    """smbd reads its files again; sessions go on. Those of a withdrawn share are closed: it is no longer theirs."""
    if not changed:
        return
    control = programs.find("smbcontrol", "samba-common-bin")
    if subprocess.run([control, "smbd", "ping"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                      env=programs.environment(), timeout=_TIMEOUT, check=False).returncode:
        return       # smbd does not run; it reads its files when it starts
    _run([control, "smbd", "reload-config"], "smbd")
    for plan in plans:
        if not plan.folder.present and plan.share_before:
            _run([control, "smbd", "close-share", plan.folder.name], plan.folder.name)


# -- the server --------------------------------------------------------------------------------------------------------
def _make(plan: _Plan) -> None:
    """Groups, directory, rights, recycle bin and quota. A directory that exists keeps all it holds, whatever rights that has."""
    folder = plan.folder
    for name in plan.new_groups:
        _run([programs.find("groupadd", "passwd"), "--system", "--", name], folder.name)
    for group, names in sorted(plan.members.items()):
        _run([programs.find("gpasswd", "passwd"), "--members", ",".join(names), group], folder.name)
    parent, name = os.path.split(folder.path)
    with scope.pinned(os.path.realpath(parent)) as held:
        there = os.path.join(held, name)
        if plan.directory == "make" and not quotas.make_directory(there, plan.quota):
            os.mkdir(there, 0o700)
    with scope.pinned(os.path.realpath(folder.path)) as held:
        if plan.directory:
            # the rights first shut, then opened to whom they are for
            _own(held + "/.", folder.group, _MODE)
            _set_acl(held + "/.", plan.rights_after, folder.name)
        if plan.bin:
            os.mkdir(os.path.join(held, BIN), 0o700)
            _own(os.path.join(held, BIN), folder.group, _MODE)
    if plan.quota.needed:
        quotas.set_limit(folder.path, plan.quota, folder.quota_gib)
    if plan.directory and _rights_of(folder.path) != plan.rights_after:
        raise BackupError("folder_failed", folder=folder.name, detail="its rights read back otherwise than they were set: {0}".format(
            ", ".join(_rights_of(folder.path).splitlines())))


def _own(path: str, group: str, mode: int) -> None:
    found = _group(group)
    if found is None:
        raise BackupError("folder_failed", folder=path, detail="the group {0} does not exist".format(group))
    os.chown(path, 0, found.gr_gid)
    os.chmod(path, mode)


def _set_acl(path: str, rights: str, name: str) -> None:
    entries = "\n".join(line for line in rights.splitlines() if ":" in line) + "\n"
    _run([programs.find("setfacl", "acl"), "--set-file=-", "--", path], name, entries)


def _write_rule(plan: _Plan, settings: Settings) -> None:
    if plan.rule_after:
        _write(settings.rule_file(plan.folder.name), plan.rule_after)
    else:
        _remove(settings.rule_file(plan.folder.name))


def _group(name: str) -> Optional[grp.struct_group]:
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None


def _is_local(group: str) -> bool:
    return any(line.split(":")[0] == group for line in _read("/etc/group").splitlines())


def _name_of_user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _name_of_group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One at a time. The directory of the shares is made here."""
    os.makedirs(settings.directory, 0o755, exist_ok=True)
    descriptor = os.open(settings.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _run(argv: Sequence[str], folder: str, given: str = "") -> str:
    """A program's output. Raises folder_failed with what it said."""
    answer = subprocess.run(list(argv), input=given.encode("utf-8"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=programs.environment(),
                            timeout=_TIMEOUT, check=False)
    if answer.returncode:
        said = answer.stderr.decode("utf-8", "replace").strip() or "{0} ended with {1}".format(os.path.basename(argv[0]), answer.returncode)
        raise BackupError("folder_failed", folder=scope.shown(folder), detail=said)
    return answer.stdout.decode("utf-8", "surrogateescape")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _write(path: str, content: str) -> None:
    """Replace a file by one rename; nothing when it holds that already. Owner and mode of what stood there stay."""
    if os.path.exists(path) and _read(path) == content:
        return
    path = os.path.realpath(path)
    descriptor, beside = tempfile.mkstemp(prefix=".respaldo-", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o644)
        with contextlib.suppress(FileNotFoundError):
            shutil.copystat(path, beside)
            status = os.stat(path)
            os.chown(beside, status.st_uid, status.st_gid)
        os.utime(beside)
        os.rename(beside, path)
    except BaseException:
        _remove(beside)
        raise


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def unknown(folders: Sequence[Folder], settings: Settings) -> List[str]:
    """Shares in force that the inventory does not name: removed from it without being withdrawn."""
    named: Set[str] = {folder.name for folder in folders}
    return sorted(set(in_force(settings)) - named)
