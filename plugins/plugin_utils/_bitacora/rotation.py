# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the key that seals the bitácora, each an entry that is signed with the place where it stands (chain.py has its form and judges it).

The order makes a controller that dies in between harmless: the new key is prepared beside (seal.key.next), then the entry is written, then the new
key takes its place. Before the entry nothing was changed; after it the next seal, or the next call, finishes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ...module_utils._engine.errors import BackupError
from . import anchored, chain, entries, recorder, seals, trust
from .any_store import Store

STATES = ("rotated", "added", "withdrawn", "lost", "restored")
_LONGEST = 1000
_NOTES = {
    "rotated": "Cambio de la clave del sello: {old} entrega a {new}",
    "added": "La clave {new}, de otro controlador, también sella esta bitácora",
    "withdrawn": "La clave {new}, de otro controlador, ya no sella esta bitácora",
    "lost": "La clave del sello {old} se declaró perdida; la reemplaza {new}",
    "restored": "Se declaró que los asientos sellados del {first} al {last} se perdieron con la bitácora",
}


class Wanted(NamedTuple):
    """What a person asks for. `key` is the public key it is about; `authority` who orders it, by which document."""

    state: str
    key: str
    reason: str
    authority: str
    run: str = ""


class Done(NamedTuple):
    """What was done, or would be: whether there is anything to do, the public key in force here then ("" while it is not made), and the entry."""

    changed: bool
    public: str
    n: int = 0
    lost_from: int = 0
    lost_to: int = 0


def change(given: trust.Settings, store: Store, wanted: Wanted, simulate: bool = False) -> Done:
    """Bring a change of key about. Safe to repeat, and to take up again.

    Raises BackupError: key_change_refused, seal_key_unusable, seal_key_changed, seal_key_strange, known_keys_unusable, head_not_sealed,
    bitacora_unwritable, invalid_input.
    """
    if given.seal_key is None:
        raise _refused("sealing is switched off (seal)", "el sello está desactivado (seal)")
    wanted = wanted._replace(key=wanted.key.strip().lower(), **{name: _text(name, getattr(wanted, name)) for name in ("reason", "authority")})
    if wanted.state != "restored" and not chain.is_key(wanted.key):
        raise BackupError("invalid_input", where="key", value=wanted.key, problem="is not a public key of the seals",
                          mend="Write its 64 hexadecimal digits, as seals, anchors and mails show it." + _in_force(given.seal_key))
    if not simulate:
        trust.settle(given.seal_key, store)
    return {"rotated": _rotate, "added": _vouch, "withdrawn": _vouch, "lost": _replace, "restored": _restored}[wanted.state](given, store, wanted, simulate)


def _text(name: str, value: str) -> str:
    """A reason as it is signed. Raises BackupError(invalid_input) when it is blank."""
    text = " ".join(value.split())[:_LONGEST]
    if not text:
        raise BackupError("invalid_input", where=name, value=value, problem="is blank", mend="Say why, and who orders it by which document, for the bitácora.")
    return str(json.loads(entries.canonical({name: text}))[name])


def _in_force(path: Path) -> str:
    return " The one in force here is {0}.".format(seals.Signer(path, make=False).public) if path.exists() else ""


def _rotate(given: trust.Settings, store: Store, wanted: Wanted, simulate: bool) -> Done:
    path = _path(given)
    if not path.exists():
        raise _refused("there is no key at {0}; if it is lost, say so (state lost)".format(path),
                       "no hay clave en {0}; si se perdió, declárelo (lost)".format(path))
    current = seals.Signer(path, make=False)
    if wanted.key != current.public:
        if _recorded(store, "rotated", old_key=wanted.key):
            return Done(False, current.public)
        raise _refused("the key in force here is {0}, not {1}".format(current.public, wanted.key),
                       "la clave vigente aquí es {0}, no {1}".format(current.public, wanted.key))
    trust.prove_head(given, store)
    if simulate:
        return Done(True, "")
    new = seals.Signer(seals.following(path))
    n = _write(store, wanted, current, new)
    trust.take(path, new.public, current.public, "rotated")
    return Done(True, new.public, n)


def _vouch(given: trust.Settings, store: Store, wanted: Wanted, simulate: bool) -> Done:
    current = trust.signer(given, store) if not simulate or _path(given).exists() else None
    if current is None:
        return Done(True, "")
    if wanted.key == current.public:
        raise _refused("that is the key of this very controller", "esa es la clave de este mismo controlador")
    mine = {current.public} | {key for key, row in trust.known(_path(given)).keys.items() if row.get("why") != "added"}
    last = [told["change"] for told in _changes(store)
            if told["old_key"] in mine and told["new_key"] == wanted.key and told["change"] in ("added", "withdrawn")]
    if (last[-1] if last else "withdrawn") == wanted.state:
        return Done(False, current.public)
    trust.prove_introduced(current.public, store)
    trust.prove_head(given, store, wanted.key)
    if simulate:
        return Done(True, current.public)
    n = _write(store, wanted, current, wanted.key)
    with trust.changing(_path(given)) as found:
        if wanted.state == "added":
            found.keys[wanted.key] = {"since": entries.now(), "why": "added"}
        else:
            found.keys.setdefault(wanted.key, {"since": "", "why": "added"})["until"] = entries.now()
    return Done(True, current.public, n)


def _replace(given: trust.Settings, store: Store, wanted: Wanted, simulate: bool) -> Done:
    """The key is lost. The new one is that at the key's place when it is another, else one that is made."""
    path = _path(given)
    here = seals.Signer(path, make=False) if path.exists() else None
    if here and here.public == wanted.key:
        raise _refused("that key is not lost, it is at {0}; rotate it".format(path), "esa clave no está perdida, está en {0}; cámbiela (rotated)".format(path))
    if here and _recorded(store, "lost", old_key=wanted.key, new_key=here.public):
        with trust.changing(path) as found:
            trust.note_key(found, here.public, "lost", retires=wanted.key)
        return Done(False, here.public)
    if wanted.key not in trust.known(path).keys and not store.select("SELECT 1 FROM entries WHERE type = 'seal' AND {0} = ? LIMIT 1".format(
            store.field("public_key")), (wanted.key,)):
        raise _refused("nothing was ever sealed here by {0}".format(wanted.key), "nunca se selló aquí nada con {0}".format(wanted.key))
    if simulate:
        return Done(True, here.public if here else "")
    new = here or seals.Signer(seals.following(path))
    n = _write(store, wanted, wanted.key, new)
    if here:
        with trust.changing(path) as found:
            trust.note_key(found, new.public, "lost", retires=wanted.key)
    else:
        trust.take(path, new.public, wanted.key, "lost")
    return Done(True, new.public, n)


def _restored(given: trust.Settings, store: Store, wanted: Wanted, simulate: bool) -> Done:
    """The bitácora was brought back from a copy, or begun anew: what was sealed since is lost. Older entries are not excused."""
    path = _path(given)
    current = trust.signer(given, store) if not simulate or path.exists() else None
    lost = _disagreeing(given, store)
    if current is None or not lost:
        if current and not simulate:
            _forget(path, store)
        return Done(False, current.public if current else "")
    first, last = min(lost), max(lost)
    if simulate:
        return Done(True, current.public, 0, first, last)
    n = _write(store, wanted, current, current, first, last)
    _forget(path, store)
    return Done(True, current.public, n, first, last)


def _forget(path: Path, store: Store) -> None:
    """The last seal that this controller remembers is none of this bitácora any more."""
    with trust.changing(path) as found:
        line = found.last.get(store.url)
        if line and not store.select("SELECT 1 FROM entries WHERE n = ? AND digest = ?", (line["n"], line["digest"])):
            del found.last[store.url]


def _disagreeing(given: trust.Settings, store: Store) -> list[int]:
    """The entries of the seals, remembered or anchored and signed by a key that is trusted, that the chain has not, and that no entry excuses."""
    own = trust.protection(store, given)
    kept = chain.kept_in(own.anchors, anchored.content)
    report = store.verify((), own.keys)
    trusted = chain.trusted_keys(own.keys, [told for told in _changes(store) if chain.is_change(told)])
    digests = {row[0]: row[9] for row in store.raw()}
    excused = [(told["lost_from"], told["lost_to"], told["at"]) for told in _changes(store)
               if told["change"] == "restored" and chain.is_change(told) and told["old_key"] in trusted]
    lines = [line for _anchor, texts in kept for line in map(_read, texts) if line and chain.is_signed(line, trusted)]
    if own.remembered:
        lines.append(own.remembered)
    if any(finding.name not in ("seal_forged", "key_unexplained", "seals_missing", "tail_missing") for finding in report.findings):
        raise BackupError("head_not_sealed", store=store.url, detail="; ".join(finding.english for finding in report.findings[:3]),
                          detail_es="; ".join(finding.spanish for finding in report.findings[:3]))
    return [line["n"] for line in lines
            if (digests.get(line["n"]), digests.get(line["sealed_n"])) != (line["digest"], line["sealed_digest"])
            and not any(first <= line["n"] <= last and line["sealed_at"] <= at for first, last, at in excused)]


def _read(text: str) -> Mapping[str, Any] | None:
    try:
        line = json.loads(text)
        return line if isinstance(line["n"], int) and isinstance(line["sealed_n"], int) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _path(given: trust.Settings) -> Path:
    if given.seal_key is None:
        raise BackupError("key_change_refused", detail="the seal is switched off", detail_es="el sello está desactivado")
    return given.seal_key


def _changes(store: Store) -> list[dict[str, Any]]:
    return [told for told in store.entries(type=chain.KEY_CHANGED) if all(name in told for name in chain.KEYED)]


def _recorded(store: Store, state: str, **keys: str) -> bool:
    return any(told["change"] == state and all(told[name] == key for name, key in keys.items()) and chain.is_change(told) for told in _changes(store))


def _write(store: Store, wanted: Wanted, old: seals.Signer | str, new: seals.Signer | str, first: int = 0, last: int = 0) -> int:
    """Write the entry of a change, signed by those of its keys that are here. Gives its number."""
    with store.exclusive():
        origin, head = store.ends()
        told: dict[str, Any] = {
            "change": wanted.state, "origin": origin["digest"], "old_key": _public(old), "new_key": _public(new), "after_n": head["n"],
            "after_digest": head["digest"], "at": entries.now(), "reason": wanted.reason, "authority": wanted.authority, "lost_from": first, "lost_to": last,
        }
        note = chain.key_note_of(told)
        for which, key in (("old_key", old), ("new_key", new)):
            if isinstance(key, seals.Signer):
                told["signature_of_" + which] = key.sign(note)
        said = {"note_es": _NOTES[wanted.state].format(old=_public(old), new=_public(new), first=first, last=last), "reason_text": wanted.reason,
                "run": wanted.run, "host": recorder.identity()["controller"]}
        # A writer of its own: the run numbers its entries itself, and does not know of this one.
        return store.append(chain.KEY_CHANGED, {**told, **said}, entries.now(), "key-{0}".format(wanted.run or entries.now())).n


def _public(key: seals.Signer | str) -> str:
    return key if isinstance(key, str) else key.public


def _refused(detail: str, detail_es: str) -> BackupError:
    return BackupError("key_change_refused", detail=detail, detail_es=detail_es)
