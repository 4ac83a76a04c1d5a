# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared folders of the offices (numeral 5.2): a directory with its rights, and a Samba share of it. No data is ever removed or moved.

One file for each share, all of them named in one list that smb.conf includes. What will be in force is put together in a private directory
and read by Samba's own `testparm` first; then each file changes by one rename, and smbd reads them again without ending a session. POSIX ACLs are
the rights; `acl_xattr` keeps what Windows adds to them in `security.NTACL`, beside, so that the files mean the same to Windows and to this server.
The list is what is in force: a run killed before it was written assigned nothing, and one killed after is told by the next (plugins/action/shared_folder.py).
"""

from __future__ import annotations

import os
import pwd
import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ..errors import BackupError
from ..filesystem import scope
from ..policy import schema
from ..policy.schema import Problem, choice, flag, listing, table, text, whole
from ..remarks import Remark
from . import quotas, samba, share_directories, share_files, share_texts

STATES = ("present", "withdrawn")
BIN = share_texts.BIN

# what Samba gives another meaning to in names and values, and systemd-tmpfiles in paths
_UNUSABLE_IN_NAME = r"%<>*?|/\\+=;:\",\[\]\x00-\x1f\x7f"
_UNUSABLE_IN_PATH = r"%*?\[\]\"'\\\x00-\x1f\x7f"
_RESERVED = ("global", "homes", "printers", "print$", "ipc$", "admin$")
_NOT_FOR_DATA = ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "run", "sbin", "sys", "tmp", "usr")

_GROUP = text(r"[A-Za-z_][A-Za-z0-9_.\\@ -]{0,63}", "of-logistica")
_NAMES = listing(text(r"[^-:,\x00-\x1f\s][^:,\x00-\x1f]*", "aquispe"))
FOLDER = table({
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
    warnings: List[Remark]
    before: str
    after: str


class Failed(NamedTuple):
    """A folder that was left as it was, and why."""

    folder: Folder
    error: BackupError


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
    listing(FOLDER)(rows, "backup_shared_folders", problems)
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
    for line in share_files.read(settings.list_file).splitlines():
        file = line.partition("include = ")[2].strip()
        path = re.search(r"^\s*path = (.*)$", share_files.read(file), re.MULTILINE) if file else None
        if path:
            found[os.path.basename(file)[:-len(".conf")]] = path.group(1).strip()
    return found


def apply(folders: Sequence[Folder], settings: Settings, simulate: bool, done: List[Done]) -> List[Failed]:
    """Put every folder as it should be. What was done is added to `done` as it happens, also when a later one fails.

    All that the inventory has wrong is refused before anything is touched: mistakes, a path that would change, a folder that is not itself any more,
    a configuration that Samba does not accept. Raises BackupError. What stands in the way in one folder alone leaves that one as it was, and the others
    are done: it is given back.
    """
    former = in_force(settings)
    for folder in folders:
        _refuse(folder, former, settings)
    failed: List[Failed] = []
    plans = []
    for folder in folders:
        try:
            plans.append(_plan(folder, folder.name in former, settings))
        except (BackupError, OSError) as error:
            failed.append(_failed(folder, error))
    main = share_texts.smb_conf(settings)
    listed, kept = _listed(plans, former, settings)
    changed = any(plan.share_before != plan.share_after for plan in plans) or main != share_files.read(settings.smb_conf) \
        or listed != share_files.read(settings.list_file)
    if changed:
        samba.prove(plans, kept, {plan.folder.name: plan.folder.path for plan in plans if plan.folder.present}, settings)
    if simulate:
        done.extend(_done(plan) for plan in plans)
        return failed
    with share_files.alone(settings.directory):
        for plan in list(plans):
            if plan.folder.present:
                try:
                    share_directories.make(plan)
                except (BackupError, OSError) as error:
                    failed.append(_failed(plan.folder, error))
                    plans.remove(plan)
                    continue
                share_files.write(settings.share_file(plan.folder.name), plan.share_after)
        if changed:
            share_files.write(settings.list_file, _listed(plans, former, settings)[0])
            share_files.write(settings.smb_conf, main)
        for plan in plans:
            if not plan.folder.present:
                share_files.remove(settings.share_file(plan.folder.name))
            _write_rule(plan, settings)
        # in force by now: told even when smbd can't be asked to look
        done.extend(_done(plan) for plan in plans)
        samba.reload(plans, changed)
    return failed


def _listed(plans: Sequence[Plan], former: Mapping[str, str], settings: Settings) -> Tuple[str, Dict[str, str]]:
    """The list of the shares that will be in force, and those of them that no plan tells of: they stay as they are."""
    planned = {plan.folder.name for plan in plans}
    kept = {name: path for name, path in former.items() if name not in planned}
    return share_texts.list_of(sorted([plan.folder.name for plan in plans if plan.folder.present] + list(kept)), settings), kept


def _failed(folder: Folder, error: Exception) -> Failed:
    if not isinstance(error, BackupError):
        error = BackupError("folder_failed", folder=folder.name, detail=str(error))
    return Failed(folder, error)


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
    if share_directories.group(group) is not None and not share_directories.is_local(group):
        _invalid(folder, "members", group, "is a group of a domain, whose members are kept there", "Remove the key.")


def _invalid(folder: Folder, key: str, value: Any, problem: str, mend: str) -> None:
    raise BackupError("invalid_input", where="backup_shared_folders, {0}, {1}".format(folder.name, key), value=value, problem=problem, mend=mend)


# -- what has to be done -----------------------------------------------------------------------------------------------
class Plan(NamedTuple):
    """What one folder needs."""

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
    warnings: List[Remark]


def _plan(folder: Folder, listed: bool, settings: Settings) -> Plan:
    before = share_files.read(settings.share_file(folder.name)) if listed else ""
    rule = share_files.read(settings.rule_file(folder.name))
    if not folder.present:
        return Plan(folder, before, "", rule, "", [], {}, "", "", "", False, quotas.Plan("", "", False, ""), [])
    groups = [name for name in (folder.group, folder.readers) if name]
    found = share_directories.look(folder)
    wanted = share_texts.rights(folder)
    warnings: List[Remark] = []
    quota = quotas.plan(folder.path, folder.quota_gib, share_texts.quota_known(before))
    if quota.why and folder.quota_gib:
        warnings.append(Remark("quota_impossible", quota=folder.quota_gib, why=quota.why))
    members = {}
    for group, names in ((folder.group, folder.members), (folder.readers, folder.readers_members)):
        known = share_directories.group(group) if group else None
        if names is not None and group and sorted(names) != sorted(known.gr_mem if known else []):
            members[group] = sorted(names)
    return Plan(
        folder, before, share_texts.share(folder, quota), rule, share_texts.rule(folder),
        [name for name in groups if share_directories.group(name) is None], members,
        "make" if not found.there else "" if found.rights == wanted else "rights", found.rights, wanted,
        folder.recycle_days > 0 and not found.bin, quota, warnings)


def _write_rule(plan: Plan, settings: Settings) -> None:
    if plan.rule_after:
        share_files.write(settings.rule_file(plan.folder.name), plan.rule_after)
    else:
        share_files.remove(settings.rule_file(plan.folder.name))


def _done(plan: Plan) -> Done:
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
            differences = share_texts.difference(plan.share_before, plan.share_after) if plan.share_before else []
            changes.append("recurso de Samba" + (": " + ", ".join(differences) if plan.share_before else ""))
        if plan.rule_before != plan.rule_after or plan.bin:
            changes.append("papelera de {0} días".format(folder.recycle_days) if folder.recycle_days else "sin papelera")
        if plan.quota.needed:
            changes.append("cuota de {0} GiB".format(folder.quota_gib) if folder.quota_gib else "sin cuota")
    event = ""
    if changes:
        event = "path_withdrawn" if not folder.present else "path_changed" if plan.share_before else "path_assigned"
    return Done(folder, event, changes, plan.warnings, _shown(plan.share_before, plan.rights_before, plan), _shown(plan.share_after, plan.rights_after, plan))


def _shown(share: str, rights: str, plan: Plan) -> str:
    return share + ("".join("# {0}\n".format(line) for line in rights.splitlines()) if plan.folder.present and plan.directory else "")


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def unknown(folders: Sequence[Folder], settings: Settings) -> List[str]:
    """Shares in force that the inventory does not name: removed from it without being withdrawn."""
    named: Set[str] = {folder.name for folder in folders}
    return sorted(set(in_force(settings)) - named)
