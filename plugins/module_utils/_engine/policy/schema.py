# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checking data that people write by hand: every mistake at once, each with its key, its value and the mend.

A check is a function `(value, where, problems) -> None` that appends what it finds; the functions below make checks.
Values of secrets, and of anything that may hold one, are never repeated in a problem.
"""

from __future__ import annotations

import datetime
import difflib
import re
from typing import Any, Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from .. import spanish
from ..errors import BackupError, in_both
from ..value_forms import names_in

HIDDEN = "(hidden)"

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NAME = re.compile(r"[A-Za-z0-9_]*")
_MAXIMUM_SHOWN = 80
_MEAN_ALL = ("all", "todas", "todos", "todo", "*")


class Problem(NamedTuple):
    where: str    # path of the key, e.g. backup_systems[2].source.database
    value: Any    # what stands there, or a word for it
    problem: str  # what is wrong with it
    mend: str     # what to write instead


Check = Callable[[Any, str, List[Problem]], None]
Shape = Dict[str, Any]      # the same in the words of JSON Schema, for editors (tools/schemas.py)


def shaped(shape: Shape) -> Callable[[Check], Check]:
    """Says what a check takes, as far as JSON Schema can say it."""
    def marked(check: Check) -> Check:
        setattr(check, "shape", shape)
        return check
    return marked


def shape_of(check: Check) -> Shape:
    """What a check takes; anything, where it does not say."""
    return dict(getattr(check, "shape", {}))


def shape_by(key: str, forms: Mapping[str, Check], default: str = "") -> Shape:
    """Of tables that are of the sort that `key` names; without it of the `default`."""
    rows = [{"if": dict({"properties": {key: {"const": name}}}, **({} if name == default else {"required": [key]})), "then": shape_of(form)}
            for name, form in forms.items()]
    return dict({"type": "object", "properties": {key: {"enum": list(forms)}}, "allOf": rows}, **({} if default else {"required": [key]}))


def raise_all(problems: Sequence[Problem]) -> None:
    """One RSP101 that tells every problem, a line each; nothing when there are none."""
    if not problems:
        return
    first = problems[0]
    if len(problems) == 1:
        raise BackupError("invalid_input", where=first.where, value=first.value, problem=first.problem, mend=first.mend)
    told = _lines(problems, {})
    told_es = _lines([Problem(where, spanish.of_word(value), spanish.of_detail(problem), spanish.of_detail(mend)) for where, value, problem, mend in problems],
                     {"''": "está vacío: ", "None": ""})
    error = BackupError("invalid_input", where=first.where, value=first.value, mend="Mend the {0} values named, each as its line says.".format(len(problems)),
                        problem=in_both(told, told_es))
    error.problems = tuple(problems)
    raise error


def _lines(problems: Sequence[Problem], instead: Mapping[str, str]) -> str:
    """A line for each; the first is told after where it is and what stands there. `instead` says what is said in the place of a value."""
    first = problems[0]
    return "\n".join(["{0}. {1}".format(first.problem, first.mend), *(
        "{0}: {1}{2}. {3}".format(where, instead.get(repr(value), repr(value) + " "), problem, mend) for where, value, problem, mend in problems[1:])])


def shown(value: Any) -> Any:
    """A value as it may be repeated in a message: short, without the contents of tables and lists, without what may be a credential of an address:
    all before an `@`, all after a `?`.
    """
    if isinstance(value, Mapping):
        return "(a table of keys)"
    if isinstance(value, (list, tuple)):
        return "(a list)"
    if isinstance(value, str):
        text = _without_credentials(value)
        return text if len(text) <= _MAXIMUM_SHOWN else text[:_MAXIMUM_SHOWN] + "..."
    return value


def _without_credentials(value: str) -> str:
    before, at, after = value.rpartition("@")
    scheme = _SCHEME.match(value)
    start = scheme.group() if scheme else ""
    if at and "?" in before:
        return start + HIDDEN     # which of both comes first nobody can say
    address, mark, query = (after if at else value).partition("?")
    return (start + HIDDEN + at if at else "") + address + mark + (HIDDEN if query else "")


def _shown_key(key: Any) -> str:
    """A key that nobody knows, as far as it is a name: `token:SECRET` without its blank is a key too."""
    text = str(key)
    name = _NAME.match(text).group()[:_MAXIMUM_SHOWN]     # type: ignore[union-attr]  # it matches always
    return name if name == text else name + "..."


def nearest(word: Any, known: Iterable[str]) -> Optional[str]:
    """The known word that was probably meant, or None."""
    by_lower = {each.lower(): each for each in known}
    found = difflib.get_close_matches(str(word).lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def meant(word: Any, known: Sequence[str]) -> str:
    """The mend of a misspelt word."""
    guess = nearest(word, known)
    return "Did you mean {0}? {1}".format(guess, one_of(known)) if guess else one_of(known)


def one_of(known: Sequence[str]) -> str:
    """The mend of what has to be one of these."""
    return "Known: {0}.".format(", ".join(known))


def text(pattern: str = "", example: str = "") -> Check:
    """A text that is not empty and, when given, matches a pattern from its beginning to its end."""
    @shaped(dict({"type": "string", "minLength": 1}, **({"pattern": "^({0})$".format(pattern)} if pattern else {})))
    def check(value: Any, where: str, problems: List[Problem]) -> None:
        if not isinstance(value, str):
            problems.append(Problem(where, shown(value), "is not a text", "Write it between quotes."))
        elif not value.strip():
            problems.append(Problem(where, value, "is empty", "Give a value, or remove the key."))
        elif "\x00" in value or (pattern and not re.fullmatch(pattern, value)):
            problems.append(Problem(where, shown(value), "is not well written", "Write it like {0}.".format(example or "plain text")))
    return check


def secret() -> Check:
    """A text whose value is never repeated."""
    @shaped({"type": "string", "minLength": 1})
    def check(value: Any, where: str, problems: List[Problem]) -> None:
        if not isinstance(value, str) or not value:
            problems.append(Problem(where, HIDDEN, "is not a text, or is empty", "Take it from the vault: \"{{ vault_... }}\"."))
    return check


def token() -> Check:
    """A secret that is sent in a header: letters, digits and signs on one line. The line end of a block of YAML is what it mostly has too much."""
    @shaped({"type": "string", "pattern": "^[!-~]+$"})
    def check(value: Any, where: str, problems: List[Problem]) -> None:
        secret()(value, where, problems)
        if isinstance(value, str) and value and not re.fullmatch(r"[!-~]+", value):
            problems.append(Problem(where, HIDDEN, "has blanks, line ends, or what is no ASCII", "Write it on the line of its name, as the service gave it."))
    return check


def absolute_path() -> Check:
    return text(r"/[^\x00-\x1f]*", "/an/absolute/path")


def choice(*known: str) -> Check:
    """One of some words, written exactly."""
    @shaped({"enum": list(known)})
    def check(value: Any, where: str, problems: List[Problem]) -> None:
        if value not in known:
            problems.append(Problem(where, shown(value), "is not known here", meant(value, known)))
    return check


def whole(minimum: int, maximum: Optional[int] = None) -> Check:
    """A whole number between bounds, both included."""
    @shaped(dict({"type": "integer", "minimum": minimum}, **({} if maximum is None else {"maximum": maximum})))
    def check(value: Any, where: str, problems: List[Problem]) -> None:
        limits = "at least {0}".format(minimum) if maximum is None else "from {0} to {1}".format(minimum, maximum)
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum or (maximum is not None and value > maximum):
            problems.append(Problem(where, shown(value), "is not a whole number " + limits, "Write a number {0}, without quotes.".format(limits)))
    return check


def flag() -> Check:
    @shaped({"type": "boolean"})
    def check(value: Any, where: str, problems: List[Problem]) -> None:
        if not isinstance(value, bool):
            problems.append(Problem(where, shown(value), "is neither true nor false", "Write true or false, without quotes."))
    return check


def date() -> Check:
    """A day as YYYY-MM-DD; YAML gives it as a date when it has no quotes."""
    @shaped({"type": "string", "format": "date"})
    def check(value: Any, where: str, problems: List[Problem]) -> None:
        if isinstance(value, datetime.date):
            return
        try:
            datetime.datetime.strptime(value, "%Y-%m-%d")
        except (TypeError, ValueError):
            problems.append(Problem(where, shown(value), "is not a date", "Write it like 2026-11-22."))
    return check


def listing(item: Check, minimum: int = 0) -> Check:
    """A list whose every item passes a check."""
    @shaped(dict({"type": "array", "items": shape_of(item)}, **({"minItems": minimum} if minimum else {})))
    def check(value: Any, where: str, problems: List[Problem]) -> None:
        if not isinstance(value, (list, tuple)):
            # of a text nothing is shown: where a list of tables belongs it may be a secret
            safe = "(a text)" if isinstance(value, str) else shown(value)
            problems.append(Problem(where, safe, "is not a list", "Write one item a line, each after a dash."))
            return
        if len(value) < minimum:
            problems.append(Problem(where, shown(value), "is empty", "Give at least {0}.".format(minimum)))
        for index, each in enumerate(value):
            item(each, "{0}[{1}]".format(where, index), problems)
    return check


def all_or_listing(item: Check) -> Check:
    """The word `all`, a list of at least one, or a text of one name or several."""
    several = listing(item, minimum=1)

    @shaped({"anyOf": [{"const": "all"}, shape_of(several), {"type": "string", "minLength": 1}]})
    def check(value: Any, where: str, problems: List[Problem]) -> None:
        if not isinstance(value, str):
            several(value, where, problems)
            return
        words = names_in(value)
        if value != "all" and any(word.lower() in _MEAN_ALL for word in words):
            problems.append(Problem(where, shown(value), "is not known here", "Did you mean all? Known: all."))
            return
        for word in words or [""]:
            item(word, where, problems)
    return check


def table(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    """Keys that must stand there and keys that may; any other key is a mistake."""
    known: Dict[str, Check] = dict(required)
    known.update(optional)

    @shaped({"type": "object", "additionalProperties": False, "required": list(required),
             "properties": {key: shape_of(each) for key, each in known.items()}})
    def check(value: Any, where: str, problems: List[Problem]) -> None:
        if not isinstance(value, Mapping):
            problems.append(Problem(where, shown(value) if not isinstance(value, str) else "(a text)", "is not a table of keys",
                                    "Write it with the keys {0}.".format(", ".join(known))))
            return
        for key in value:
            if key not in known:
                safe = _shown_key(key)
                problems.append(Problem("{0}.{1}".format(where, safe), safe, "is not a known key", meant(safe, list(known))))
        for key in required:
            if key not in value:
                problems.append(Problem("{0}.{1}".format(where, key), None, "is missing", "Add the key {0}.".format(key)))
        for key, each in known.items():
            if key in value:
                each(value[key], "{0}.{1}".format(where, key), problems)
    return check
