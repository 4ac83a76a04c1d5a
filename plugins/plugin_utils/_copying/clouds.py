# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action does for media in a cloud around the module it runs: signatures before, answers meanwhile, the commit after."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ...module_utils._engine.copies import publishing as engine
from ...module_utils._engine.errors import BackupError
from ...module_utils._engine.media.azure_staged import is_file_of
from ...module_utils._engine.media.base import Slot
from ...module_utils._engine.restic import repositories
from .. import _forms as forms
from .._azure import sas
from .._azure.storage import Account, is_upload_of
from .._tasks import is_cloud, slot_of
from .line import line

_TAGS = ("system", "kind", "label", "trust_level", "criticality", "retention", "retention_until")


@contextmanager
def accounts(media: t.Any) -> Iterator[dict[str, Account]]:
    """The clouds among the media, by name."""
    with ExitStack() as stack:
        found = {}
        for medium in filter(is_cloud, media):
            found[str(medium.get("name"))] = account = _opened(medium)
            stack.callback(account.close)
        yield found


@contextmanager
def depositing(action: ActionBase, arguments: Mapping[str, t.Any], clouds: Mapping[str, Account], simulated: bool,
               resuming: bool = False) -> Iterator[list[t.Any]]:
    """The media as the server gets them, served while the body runs the module. Nothing is begun when a cloud would refuse.

    With `resuming` the bytes are those of a run before, and blocks that lie there are not sent again.
    """
    if not clouds:
        yield list(arguments["media"])
        return
    slot = slot_of(arguments)
    stocked = {name: account.prepare(slot, simulated) for name, account in clouds.items()}

    def answer(word: str, argument: str) -> str:
        return _signed(clouds, slot, word, argument, None)

    with line(action, slot.label, answer) as channel:
        yield [_given(clouds[medium["name"]], slot, channel, stocked[medium["name"]], resuming) if is_cloud(medium) else medium
               for medium in arguments["media"]]


def _given(account: Account, slot: Slot, channel: str, stocked: bool, resuming: bool) -> dict[str, t.Any]:
    given = account.for_resuming(slot, channel, stocked) if resuming else account.for_deposit(slot, channel, stocked)
    return _with_repository(account, slot, given, False)


def _with_repository(account: Account, slot: Slot, given: dict[str, t.Any], reads_only: bool) -> dict[str, t.Any]:
    """The medium's options, with what restic needs where the data of the kind lies in a repository."""
    if slot.kind == repositories.KIND:
        given["session"].update(account.for_repository(reads_only))
    return given


@contextmanager
def reading(action: ActionBase, arguments: Mapping[str, t.Any]) -> Iterator[t.Any]:
    """The medium as the server gets it, to read one copy of it."""
    slot = slot_of(arguments)
    with accounts([arguments["medium"]]) as clouds:
        account = clouds[str(arguments["medium"]["name"])]
        with line(action, slot.label, lambda word, argument: _signed(clouds, slot, word, argument, sas.READ)) as channel:
            yield _with_repository(account, slot, account.for_reading(slot, channel), True)


@contextmanager
def account_of(medium: t.Any) -> Iterator[Account]:
    """One cloud. Raises invalid_input for a medium that is none."""
    if not is_cloud(medium):
        raise BackupError("invalid_input", where="medium.type", value=medium.get("type", "local") if isinstance(medium, Mapping) else "",
                          problem="is not a cloud", mend="Give a medium of type azure_blob.")
    account = _opened(medium)
    try:
        yield account
    finally:
        account.close()


def _opened(medium: t.Any) -> Account:
    account = Account(medium)
    if account.auth.get("account_key"):
        Display().warning(f"Medio {account.name}: account_key abre la cuenta de almacenamiento entera y no dice quién la usó. Mejor una identidad "
                          "en auth (client_id, certificado, auth_source) con los roles de la guía del operador, 6.5.")
    return account


@contextmanager
def uploading(action: ActionBase, account: Account, blob: str, anew: bool = False) -> Iterator[t.Any]:
    """The medium as the server gets it, to stage a blob of that name or blobs one level below it; `anew` takes nothing for sent."""
    full = account.medium.below(blob)

    def answer(word: str, argument: str) -> str:
        asked = argument.partition("/")[2]
        if word != "sign" or not is_upload_of(asked, full):
            raise BackupError("azure_refused", location=forms.line(argument, 200), detail="the server asked for a signature of another name")
        return account.sign(asked, account.deposit)

    with line(action, blob, answer) as channel:
        given = account.for_upload(blob, channel)
        given["session"]["anew"] = anew
        yield given


@contextmanager
def downloading(action: ActionBase, account: Account, blob: str) -> Iterator[t.Any]:
    """The medium as the server gets it, to read one blob."""
    full = account.medium.below(blob)
    with line(action, blob, lambda _word, _argument: account.sign(full, sas.READ)) as channel:
        yield {**account.options, "session": {"keys": {full: account.sign(full, sas.READ)}, "channel": channel}}


@contextmanager
def keeping(medium: Mapping[str, t.Any]) -> Iterator[t.Any]:
    """The medium for a module that runs on the controller."""
    with accounts([medium]) as clouds:
        yield clouds[str(medium["name"])].for_keeping()


def publish(slot: Slot, digest: str, clouds: Mapping[str, Account], sealed: Mapping[str, str], told: Mapping[str, t.Any]) -> bool:
    """Commit what a server staged, on every cloud or on none, and put index tags on it; tags that fail cost a warning."""
    changed = engine.publish(slot, digest, [account.medium for account in clouds.values()], sealed)
    for account in clouds.values():
        if not account.may_read:
            continue
        try:
            account.tag(slot, {name: told.get(name) for name in _TAGS})
        except BackupError as error:
            Display().warning(f"{account.name}: {error.code}: no se pusieron las etiquetas de índice: {error.spanish}")
    return changed


def _signed(clouds: Mapping[str, Account], slot: Slot, word: str, argument: str, permissions: str | None) -> str:
    """A signature for a name below this copy's own directory, or for its repository, and for nothing else that a server might ask."""
    name, _slash, blob = argument.partition("/")
    account = clouds.get(name)
    if account is not None and word == "repository" and slot.kind == repositories.KIND and not blob:
        return str(account.for_repository(permissions == sas.READ)["repository"])
    directory, _slash, file = blob.rpartition("/")
    # to make one: by the rule of the copy's own files; to read one: whatever plain name lies there
    plain = is_file_of(file, slot.label) if permissions is None else is_upload_of(blob, directory)
    if account is None or word != "sign" or directory != account.directory(slot) or not plain:
        raise BackupError("azure_refused", location=forms.line(argument, 200), detail="the server asked for a signature outside the copy's own directory")
    return account.sign(blob, permissions or account.deposit)
