# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of refs of a copy (refs.json) as data: every value has one strict form, or the copy is not used.

A copy that a taken server made is read on a clean one by root, so nothing in it may become an option of git, a path outside, a line of a file, or
configuration that names a program.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Tuple

from .git_tool import Refs

KEPT_CONFIG = re.compile(r"remote\.[^\x00-\x1f\x7f]+\.(url|pushurl|fetch)\Z|branch\.[^\x00-\x1f\x7f]+\.(remote|merge)\Z")
_VALUE = re.compile(r"[^-\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z")
_OID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\$?\Z")
# git-check-ref-format(1), rules 3, 4, 5, 7, 8, 9, 10
_NOT_IN_REF = re.compile(r"\.\.|[\x00-\x20\x7f~^:?*\[\\]|@\{|//|/\Z|\.\Z")
_LONGEST = 1 << 12       # characters of a value


def ref_name(name: str) -> bool:
    """Whether git takes it for the full name of a ref."""
    parts = name.split("/")
    return (name.startswith("refs/") and len(parts) > 1 and not _NOT_IN_REF.search(name)
            and not any(part == "" or part.startswith(".") or part.endswith(".lock") for part in parts))


def kept(key: Any, value: Any) -> bool:
    """Whether a setting of a repository is one that is copied and brought back: where it is fetched from, never what is run.

    A URL `helper::address` names a program by git-remote-helpers(7).
    """
    return (isinstance(key, str) and isinstance(value, str) and len(key) + len(value) < _LONGEST and bool(KEPT_CONFIG.match(key))
            and bool(_VALUE.match(value)) and not (key.endswith("url") and re.match(r"[A-Za-z0-9+.-]+::", value)))


def parse(text: bytes) -> Tuple[Dict[str, Any], Refs]:
    """The document and its refs. Raises ValueError, saying which value is not what it must be."""
    try:
        document = json.loads(text.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(document, dict):
        raise ValueError("it is no table")
    rows = _rows(document, "refs")
    oids: Dict[str, str] = {}
    for row in rows:
        if not isinstance(row, dict) or not _is(row.get("name"), ref_name) or not _is(row.get("oid"), _OID.match):
            raise ValueError("refs holds what is no ref: {0!r}".format(row)[:200])
        oids[row["name"]] = row["oid"]
    if not _is(document.get("branch"), lambda name: name == "" or ref_name(name)):
        raise ValueError("branch is no branch: {0!r}".format(document.get("branch"))[:200])
    if not _is(document.get("head"), lambda oid: oid == "" or _OID.match(oid)):
        raise ValueError("head is no commit: {0!r}".format(document.get("head"))[:200])
    if document.get("object_format") not in ("sha1", "sha256") or not isinstance(document.get("bare"), bool):
        raise ValueError("object_format or bare is not known")
    symbolic = document.get("symrefs")
    if not isinstance(symbolic, dict) or not all(_is(one, ref_name) for pair in symbolic.items() for one in pair):
        raise ValueError("symrefs holds what is no ref: {0!r}".format(symbolic)[:200])
    for name in ("owner", "group"):
        if not _is(document.get(name), lambda account: account == "" or _ACCOUNT.match(account)):
            raise ValueError("{0} is no account: {1!r}".format(name, document.get(name))[:200])
    lfs = document.get("lfs")
    if not isinstance(lfs, dict) or not isinstance(lfs.get("copied"), int):
        raise ValueError("lfs is not what it must be")
    return document, Refs(document["branch"], document["head"], oids)


def settings(document: Dict[str, Any]) -> Tuple[List[Tuple[str, str]], List[str]]:
    """The settings of a copy that are brought back, and the keys of those that are not."""
    good: List[Tuple[str, str]] = []
    bad: List[str] = []
    for row in _rows(document, "config"):
        if isinstance(row, list) and len(row) == 2 and kept(row[0], row[1]):
            good.append((row[0], row[1]))
        else:
            bad.append(repr(row[0] if isinstance(row, list) and row else row)[:80])
    return good, bad


def _rows(document: Dict[str, Any], name: str) -> List[Any]:
    rows = document.get(name)
    if not isinstance(rows, list):
        raise ValueError("{0} is no list".format(name))
    return rows


def _is(value: Any, rule: Any) -> bool:
    return isinstance(value, str) and len(value) < _LONGEST and bool(rule(value))
