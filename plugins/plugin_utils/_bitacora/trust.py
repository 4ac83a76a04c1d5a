# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this controller knows of its bitácora from elsewhere than the bitácora: the keys that seal it, its anchors, and the last seal it made.

Whoever can write to the bitácora can make a chain that is whole. He can't make one that agrees with these. They lie in a file of mode 0600
beside the seal key (seal.key.known), written with each seal, and every verification uses them without being asked.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError
from .._places import expanded
from . import anchored, chain, entries, seals, who
from .any_store import RUNS_LOOKED_AT, Store
from .lasting import beside
from .store import CALLBACK, address_of, default_url

_LARGEST = 1024 * 1024
_LAST_LINE = 8192
MEMORY = "(memoria de este controlador)"


class Settings(NamedTuple):
    """How a bitácora is sealed here: its address, the key's file (None: it is not sealed) and the files of its anchors."""

    url: str
    seal_key: Path | None
    anchors: tuple[str, ...] = ()


class Known(NamedTuple):
    """The file of known keys: public key -> since, until and why; address of a bitácora -> the last seal made of it, as an anchor keeps it."""

    keys: dict[str, dict[str, str]]
    last: dict[str, dict[str, Any]]


class Protection(NamedTuple):
    """What a verification is given. `notices` tell what protects less than it could, or can't be read."""

    keys: tuple[str, ...] = ()
    anchors: tuple[Path, ...] = ()
    remembered: Mapping[str, Any] | None = None
    notices: tuple[chain.Finding, ...] = ()


# -- how it is set ---------------------------------------------------------------------------------------------------
def settings(url: str = "") -> Settings:
    """Those of the callback of this process, of a bitácora at an address or of its own; its defaults where Ansible is not loaded."""
    told = url or os.environ.get("RESPALDO_BITACORA", "")
    options: dict[str, Any] = {"seal": True, "seal_key": None, "anchors": []}
    loader = getattr(sys.modules.get("ansible.plugins.loader"), "callback_loader", None)
    callback = loader.get(CALLBACK) if loader is not None else None
    if callback is not None:
        callback.set_options()
        options = {name: callback.get_option(name) for name in options}
        told = told or callback.get_option("url") or ""
    url = told or default_url()
    key = expanded(options["seal_key"] or beside(url) / "seal.key")
    return Settings(url, key if options["seal"] else None, tuple(str(expanded(path)) for path in options["anchors"]))


# -- the file of known keys ------------------------------------------------------------------------------------------
def known_path(seal_key: Path) -> Path:
    return seal_key.with_name(seal_key.name + ".known")


def known(seal_key: Path) -> Known:
    """What is known beside a seal key; nothing when no run sealed yet. Raises BackupError(known_keys_unusable)."""
    path = known_path(seal_key)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return Known({}, {})
    except OSError as error:
        raise BackupError("known_keys_unusable", path=path, detail=error.strerror or error) from error
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if state.st_mode & 0o077 or state.st_uid not in (0, os.geteuid()):
            raise BackupError("known_keys_unusable", path=path, detail="others than its owner can reach it")
        try:
            told = json.loads(file.read(_LARGEST))
            keys = {str(key): {str(name): str(value) for name, value in row.items()} for key, row in told["keys"].items()}
            return Known(keys, {str(url): dict(seal) for url, seal in told["last"].items()})
        except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
            raise BackupError("known_keys_unusable", path=path, detail="it can't be read: {0}".format(error)) from error


@contextlib.contextmanager
def changing(seal_key: Path) -> Iterator[Known]:
    """What is known, to be changed by one run at a time and kept whole. Raises BackupError(known_keys_unusable)."""
    path = known_path(seal_key)
    making = path.with_name(".{0}.{1}".format(path.name, os.getpid()))
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            found = known(seal_key)
            yield found
            with contextlib.suppress(FileNotFoundError):
                os.unlink(making)      # of a process of the same number that died
            descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(found._asdict(), file, indent=1, sort_keys=True)
                file.flush()
                os.fsync(descriptor)
            os.rename(making, path)
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise BackupError("known_keys_unusable", path=path, detail=error.strerror or error) from error


def note_key(found: Known, public: str, why: str, retires: str = "") -> None:
    """A key is known from now on; another is no more in force, which does not make it unknown."""
    found.keys.setdefault(public, {"since": entries.now(), "why": why})
    if retires:
        found.keys.setdefault(retires, {"since": "", "why": why})["until"] = entries.now()


def remember(seal_key: Path, public: str, url: str, line: Mapping[str, Any]) -> None:
    """A seal was made and is stored: `line` is what an anchor keeps of it. Raises BackupError(known_keys_unusable)."""
    with changing(seal_key) as found:
        note_key(found, public, "first use")
        # of two runs that end together the later seal is kept, unless it is of another bitácora
        before = found.last.get(url, {})
        if before.get("origin") != line["origin"] or before.get("n", 0) < line["n"]:
            found.last[url] = dict(line)


# -- verification ----------------------------------------------------------------------------------------------------
def protection(store: Store, given: Settings | None = None) -> Protection:
    """What this controller knows of a bitácora. Nothing of one that is not its own: what it knows is of its own.

    It is read before the bitácora is, so that it knows of nothing that was written since.
    """
    given = given or settings()
    if address_of(given.url) != store.url:
        return Protection()
    notices: list[chain.Finding] = []
    anchors = []
    for anchor in given.anchors:
        try:
            chain.lines_of(Path(anchor), anchored.content)
            anchors.append(Path(anchor))
        except OSError as error:
            detail = error.strerror or error
            notices.append(chain.notice("anchor_unreadable", anchor=anchor, detail=detail, detail_es=getattr(detail, "spanish", detail)))
    sealed = bool(store.select("SELECT 1 FROM entries WHERE type = 'seal' LIMIT 1"))
    keys, remembered = _own(given, store, sealed, notices)
    if not sealed and not remembered:
        _tell(notices, "no run has sealed it yet" if given.seal_key else "sealing is switched off (seal)",
              "ninguna ejecución la ha sellado todavía" if given.seal_key else "el sello está desactivado (seal)")
    elif not given.anchors and not store.select("SELECT 1 FROM entries WHERE type = 'anchor_sent' LIMIT 1"):
        _tell(notices, "no anchor outside this controller is configured (anchors); its own memory is all there is",
              "no hay ancla fuera de este controlador (anchors); solo cuenta con su propia memoria")
    return Protection(keys, tuple(anchors), remembered, tuple(notices))


def _own(given: Settings, store: Store, sealed: bool, notices: list[chain.Finding]) -> tuple[tuple[str, ...], Mapping[str, Any] | None]:
    """The keys that are known here, and the last seal."""
    path = given.seal_key or beside(given.url) / "seal.key"
    try:
        found = known(path)
        keys = set(found.keys)
        if path.exists():
            keys.add(seals.Signer(path, make=False).public)
    except (BackupError, OSError, ImportError) as error:
        said = error.spanish if isinstance(error, BackupError) else error
        _tell(notices, "what is known of its keys can't be read: {0}".format(error), "no se puede leer lo que se sabe de sus claves: {0}".format(said))
        return (), None
    remembered = found.last.get(store.url)
    if remembered is None and not sealed and (given.seal_key is None or not _should_be_sealed(store)):
        # A bitácora whose first run has not ended, or one that was never to be sealed: the key beside it may be of another.
        return (), None
    if not keys and sealed:
        _tell(notices, "no key is known on this controller", "este controlador no conoce ninguna clave")
    return tuple(sorted(keys)), remembered


def _should_be_sealed(store: Store) -> bool:
    """Whether a run ended that left no seal. One that ended at this moment still makes it: its process lives until that is done."""
    ended = {str(entry.get("run")) for entry in store.entries(type=("run_ended", "run_interrupted"), limit=RUNS_LOOKED_AT)}
    if not ended:
        return False
    me = who.identity()
    at_work = {str(entry.get("run")) for entry in store.entries(type="run_started", limit=RUNS_LOOKED_AT)
               if not who.is_elsewhere(entry, me) and not who.is_dead(entry, me)}
    return bool(ended - at_work)


def _tell(notices: list[chain.Finding], detail: str, detail_es: str) -> None:
    notices.append(chain.notice("unsealed", detail=detail, detail_es=detail_es))


def verify(store: Store, anchors: Sequence[Path] = (), keys: Sequence[str] = (), given: Settings | None = None, indexes: bool = False) -> chain.Report:
    """Verify the chain with all that this controller knows, and with anchors and keys that somebody brings besides; the file's indexes where they are wanted.

    Raises BackupError(bitacora_unreadable), OSError on an anchor that was brought.
    """
    own = protection(store, given)
    report = store.verify([*own.anchors, *anchors], [*own.keys, *keys], own.remembered)
    return report._replace(findings=[*report.findings, *(store.judge_indexes() if indexes else ())], notices=[*report.notices, *own.notices])


def as_told_here(report: chain.Report) -> chain.Report:
    """What a run says of the chain while it goes on: that it has no end itself yet is nothing to tell."""
    own = os.environ.get("RESPALDO_RUN_ID") or "no run"
    return report._replace(notices=[notice for notice in report.notices if own not in notice.english])


def glance(store: Store, given: Settings | None = None, also: str = "") -> list[chain.Finding]:
    """What can be told without reading the chain: whether the last seal, and what was remembered and anchored last, agree with it. `also` is a key that is
    about to be known.

    It takes some milliseconds whatever the bitácora's size. Raises BackupError(bitacora_unreadable).
    """
    own = protection(store, given)
    own = own._replace(keys=(*own.keys, also)) if also else own
    lines = {path: anchored.last_line(path, _LAST_LINE) for path in own.anchors}
    wanted = [*lines.values(), json.dumps(own.remembered) if own.remembered else ""]
    if not own.keys and not any(wanted):
        return []
    columns = ", ".join(chain.COLUMNS)
    walk = chain.Walk()
    numbers = {number for text in wanted for number in _numbers(text)}
    changes = store.select("SELECT {0} FROM entries WHERE type = ? ORDER BY n".format(columns), (chain.KEY_CHANGED,))
    for row in [*changes, *store.select("SELECT {0} FROM entries WHERE type = 'seal' ORDER BY n DESC LIMIT 1".format(columns))]:
        entry = entries.Entry(*row)
        if entry.body is None or chain.digest_of_body(entry.body) != entry.body_digest or chain.digest_of_entry(entry._asdict()) != entry.digest:
            walk.findings.append(chain.notice("body_changed", entry.n))
            continue
        walk.n, walk.digest = entry.n - 1, entry.previous
        before = len(walk.findings)
        walk.note(entry.n, entry.type, entry.body)
        if entry.type == "seal" and walk.seals and walk.seals[-1][0] == entry.n:
            # whether it seals what is there is told below: the entries before it were not walked
            del walk.findings[before:]
            numbers.add(walk.seals[-1][1]["sealed_n"])
    head = store.select("SELECT max(n) FROM entries")[0][0] or 0
    listed = sorted(number for number in numbers if 0 < number <= head)
    rows = store.select("SELECT n, digest FROM entries WHERE n IN ({0})".format(", ".join(map(str, listed)))) if listed else []
    walk.n, walk.entries, walk.digests = head, head, list(rows)
    if walk.seals:
        n, seal = walk.seals[-1]
        if dict(walk.digests).get(seal["sealed_n"]) != seal["sealed_digest"]:
            walk.findings.append(chain.notice("seal_differs", n, sealed=seal["sealed_n"]))
        walk.judge_seals(own.keys)
    else:
        walk.trusted = frozenset(own.keys)
    for path, text in lines.items():
        if text:
            walk.judge_anchor(path, [text], own.keys)
    if own.remembered:
        walk.judge_memory(own.remembered)
    return walk.findings


def _numbers(text: str) -> list[int]:
    """The entries a line of an anchor speaks of."""
    try:
        seal = json.loads(text)
        return [number for number in (seal["n"], seal["sealed_n"]) if isinstance(number, int) and not isinstance(number, bool)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


# -- sealing ---------------------------------------------------------------------------------------------------------
def signer(given: Settings, store: Store) -> seals.Signer:
    """What signs the bitácora: the key in force here, made on first use. A change of key that was cut short is finished first.

    Raises BackupError: seal_key_unusable, seal_key_changed, known_keys_unusable.
    """
    path = given.seal_key
    if path is None:
        raise BackupError("seal_key_unusable", path="-", detail="sealing is switched off (seal)")
    settle(path, store)
    found = known(path)
    in_force = [public for public, row in found.keys.items() if "until" not in row and row.get("why") != "added"]
    if in_force and not path.exists():
        raise BackupError("seal_key_changed", path=path, known=", ".join(in_force), detail="the file is gone")
    made = seals.Signer(path)
    if in_force and made.public not in in_force:
        raise BackupError("seal_key_changed", path=path, known=", ".join(in_force), detail="its public key is {0}".format(made.public))
    return made


def begin(seal_key: Path) -> None:
    """The key of the seals and the file of known ones are there from the start of a bitácora's first run: the recovery kit of that night copies both.

    Why they can't be made is told when the run is sealed, as ever.
    """
    with contextlib.suppress(BackupError, OSError, ImportError):
        if not seal_key.exists() and not known_path(seal_key).exists():
            made = seals.Signer(seal_key)
            with changing(seal_key) as found:
                note_key(found, made.public, "first use")


def sealer(given: Settings, store: Store) -> seals.Signer:
    """What signs the head of the bitácora, after proving that the head goes on from what was sealed. A key that is made just now knows of nothing before.

    Raises BackupError: seal_key_unusable, seal_key_changed, seal_key_strange, known_keys_unusable, head_not_sealed.
    """
    fresh = given.seal_key is not None and not given.seal_key.exists()
    made = signer(given, store)
    remembers = protection(store, given).remembered is not None
    if remembers:
        prove_head(given, store)
    prove_introduced(made.public, store)
    if not fresh and not remembers:
        prove_head(given, store)
    return made


def prove_introduced(public: str, store: Store) -> None:
    """Raises BackupError(seal_key_strange) when others seal the bitácora and nobody vouched for this key: in a container that is thrown away with its key,
    each run would seal by another."""
    sealed = store.select("SELECT 1 FROM entries WHERE type = 'seal' LIMIT 1")
    mine = store.select("SELECT 1 FROM entries WHERE type = 'seal' AND {0} = ? LIMIT 1".format(store.field("public_key")), (public,))
    if sealed and not mine and not any(told.get("new_key") == public and told.get("change") in ("rotated", "added", "lost") and chain.is_change(told)
                                       for told in store.entries(type=chain.KEY_CHANGED)):
        raise BackupError("seal_key_strange", store=store.url, key=public)


def settle(path: Path, store: Store) -> None:
    """Finish a change of key whose entry is written and whose new key was not put in place: the controller died in between."""
    following = seals.following(path)
    if not following.exists():
        return
    public = seals.Signer(following, make=False).public
    for entry in reversed(store.entries(type=chain.KEY_CHANGED)):
        if entry.get("new_key") == public and entry.get("change") in ("rotated", "lost") and chain.is_change(entry):
            take(path, public, str(entry["old_key"]), str(entry["change"]))
            return


def take(path: Path, public: str, old: str, why: str) -> None:
    """The key that was prepared takes the place of the one before, which is gone with this. Raises BackupError(known_keys_unusable)."""
    with changing(path) as found:
        note_key(found, public, why, retires=old)
    try:
        os.rename(seals.following(path), path)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise BackupError("seal_key_unusable", path=path, detail=error.strerror or error) from error


def prove_head(given: Settings, store: Store, also: str = "") -> None:
    """Raises BackupError(head_not_sealed) when what is about to be sealed is not what was sealed before: a signature must not make it true.

    A line of an anchor that nobody signed says nothing of the bitácora. That another controller seals too, by a key that nobody vouched for, is told by
    each verification; what was sealed here is not changed by it. Nor is it by a seal or a change of key that somebody who may only append made up: he
    would end all sealing for good. What is remembered must agree in any case.
    """
    passed = {"anchor_forged", "key_unexplained"} | ({"seal_forged", "seal_differs", "key_forged"} if protection(store, given).remembered else set())
    found = [finding for finding in glance(store, given, also) if finding.name not in passed]
    if found:
        raise BackupError("head_not_sealed", store=store.url, detail="; ".join(finding.english for finding in found[:3]),
                          detail_es="; ".join(finding.spanish for finding in found[:3]))
