# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller does itself on a medium that servers may only add to (`append_only`), by a key of its own (`keeper`) that no server is given.

It gives copies their names, removes them and looks at what lies there. For the time of one task it permits a server to read one copy, or to work
in one repository: a line in `.respaldo/permisos/SERVER` of the medium, which the gate there reads, gone when the task ends.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._engine.errors import BackupError
from ..module_utils._engine.media.base import Slot
from ..module_utils._engine.media.catalogue import build
from ..module_utils._engine.media.ssh import Ssh
from ..module_utils._engine.policy import schema
from ..module_utils._engine.restic import names, repositories

# Seconds after which a permission ends by itself, when the controller died before it took it back.
_READING, _WORKING = 24 * 3600, 7 * 24 * 3600
_OPTIONS = ("host", "port", "user", "ssh_key", "identity_file", "known_hosts")
# What holds media in the arguments of our modules.
_PLACES = ("medium", "source", "media")
# Characters; a key of 16,384 bits has some 13,000.
_LONGEST_KEY = 1 << 16

_PERMIT = """
cd -- "$1" && mkdir -p -- ".respaldo/permisos/$2" && cd -- ".respaldo/permisos/$2" || exit 1
find . -type f -mmin +12000 -exec rm -f -- {} + || exit 1
name=$3; until=$(($(date +%s) + $4)); shift 4
for words; do printf '%s %s\\n' "$until" "$words"; done >".$name.new" && mv -- ".$name.new" "$name" && echo good
"""

_TAKE_BACK = 'rm -f -- "$1/.respaldo/permisos/$2/$3"'


def is_kept(medium: t.Any) -> bool:
    """Whether a medium is one that servers may only add to."""
    return isinstance(medium, Mapping) and str(medium.get("append_only") or "").lower() in ("true", "yes", "on", "1", "y", "t")


def without_keys(arguments: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The arguments of a module as a server may get them: no key of the controller's among its media."""
    given = dict(arguments)
    for name in _PLACES:
        if isinstance(given.get(name), Mapping):
            given[name] = _without_key(given[name])
        elif isinstance(given.get(name), (list, tuple)):
            given[name] = [_without_key(each) if isinstance(each, Mapping) else each for each in given[name]]
    return given


def _without_key(medium: Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {name: value for name, value in medium.items() if name != "keeper"}


def as_keeper(medium: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The medium as the controller takes it: a directory behind a shell, by its own key. Raises keeper_missing."""
    name, keeper = str(medium.get("name")), medium.get("keeper") or {}
    if not isinstance(keeper, Mapping) or not (keeper.get("ssh_key") or keeper.get("identity_file")):
        raise BackupError("keeper_missing", medium=name, detail="keeper has neither ssh_key nor identity_file")
    strange = sorted(set(map(str, keeper)) - set(_OPTIONS))
    if strange:
        raise BackupError("keeper_missing", medium=name, detail="keeper has options that are not known: " + ", ".join(strange))
    if keeper.get("ssh_key") and keeper.get("ssh_key") == medium.get("ssh_key"):
        raise BackupError("keeper_missing", medium=name, detail="keeper has the very key that the server has")
    theirs = {option: value for option, value in _without_key(medium).items() if option not in ("append_only", "ssh_key", "identity_file")}
    return {**theirs, **{option: value for option, value in keeper.items() if value}}


def refuse_wrong_keys(media: Sequence[tuple[str, t.Any]]) -> None:
    """That the controller has its key for each kept medium among these, each with its place in the inventory. Raises BackupError RSP101."""
    schema.raise_all([problem for where, medium in media if is_kept(medium) for problem in _wrong_key(where, medium.get("keeper") or {})])


def _wrong_key(where: str, keeper: Mapping[str, t.Any]) -> list[schema.Problem]:
    path = str(keeper.get("identity_file") or "")
    if not path:
        key, place, shown = str(keeper.get("ssh_key") or ""), where + ".ssh_key", schema.HIDDEN
        if key == schema.HIDDEN:
            return []     # still encrypted: whether it is one is seen when it is used
    else:
        place, shown = where + ".identity_file", path
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                key, mode = file.read(_LONGEST_KEY), os.fstat(file.fileno()).st_mode
        except OSError as error:
            return [schema.Problem(place, shown, f"can't be read on the controller: {error.strerror}", "Put the controller's key for this medium there, made "
                                   "by ssh-keygen -t ed25519, readable by the account that runs the play (guide 6.5).")]
        if mode & 0o077:
            return [schema.Problem(place, shown, "can be read by others than its owner, and ssh takes no such key", "Give it mode 0600.")]
    if "PRIVATE KEY-----" not in key:
        return [schema.Problem(place, shown, "is not a private key", "Give the file that ssh-keygen wrote, the one without .pub.")]
    return []


@contextlib.contextmanager
def opened(media: Sequence[t.Any]) -> Iterator[list[Ssh]]:
    """The kept media among those given, by the controller's key."""
    with contextlib.ExitStack() as stack:
        found = []
        for medium in filter(is_kept, media):
            kept = build(as_keeper(medium))
            if not isinstance(kept, Ssh):
                raise BackupError("keeper_missing", medium=str(medium.get("name")), detail="the medium has no host")
            stack.callback(kept.close)
            found.append(kept)
        yield found


@contextlib.contextmanager
def permitting(action: ActionBase, task_vars: Mapping[str, t.Any], media: Sequence[t.Any], words: Sequence[str], seconds: int) -> Iterator[None]:
    """While the body runs, the server of the task may do what `words` say on the kept media among those given."""
    server, name = str(action._task.delegate_to or task_vars.get("inventory_hostname") or ""), secrets.token_hex(16)
    try:
        with opened(media if words else ()) as kept:
            for medium in kept:
                medium.ask(_PERMIT, medium.path, server, name, str(seconds), *words)
        yield
    finally:
        with contextlib.suppress(BackupError), opened(media if words else ()) as kept:     # one that stays ends by itself
            for medium in kept:
                medium.ask(_TAKE_BACK, medium.path, server, name)


def reading(action: ActionBase, task_vars: Mapping[str, t.Any], slot: Slot, named: Sequence[str],
            media: Sequence[t.Any]) -> contextlib.AbstractContextManager[None]:
    """To read one published copy, and the repositories that may have its data."""
    words = [f"copy {slot.kind} {slot.system} {slot.label}"]
    if slot.kind == repositories.KIND:
        return permitting(action, task_vars, media, [*words, *(f"repository {name}" for name in named)], _WORKING)
    return permitting(action, task_vars, media, words, _READING)


def making(action: ActionBase, task_vars: Mapping[str, t.Any], slot: Slot, named: Sequence[str],
           media: Sequence[t.Any]) -> contextlib.AbstractContextManager[None]:
    """To make a copy. One whose data goes to a repository needs that, and the second key that lies with the copies before it."""
    words = [f"shelf {slot.kind} {slot.system}", *(f"repository {name}" for name in named)] if slot.kind == repositories.KIND else []
    return permitting(action, task_vars, media, words, _WORKING)


def mark_partial(media: Sequence[t.Any], slot: Slot, repository: str, password: str) -> None:
    """What a partial run could read becomes known as such: the tags of a snapshot are the controller's to change. Costs a warning at most."""
    try:
        with opened(media[:1]) as kept:
            for medium in kept:
                opened_there = repositories.Repository(repositories.on(medium, repository), password)
                with opened_there.restic:
                    for row in opened_there.snapshots():
                        tags = row.get("tags") or ()
                        if slot.label in tags and names.PARTIAL_TAG not in tags:
                            opened_there.mark(str(row["id"]), names.PARTIAL_TAG)
    except BackupError as error:
        Display().warning(f"{slot.label}: {error.code}: la instantánea parcial no se pudo marcar como tal y la siguiente depuración la retira: {error.spanish}")
