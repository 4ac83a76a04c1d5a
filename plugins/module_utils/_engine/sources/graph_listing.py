# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Microsoft Graph says that a mailbox holds: its folders, hidden ones too, and a row of each mail, page by page.

Folders that only search in others hold nothing of their own and are left out. A row has what the index keeps; the bytes are asked for apart. Not each
folder that holds mails is listed (those that came by IMAP have another class), and pages may end early: the list of all mails tells of what lies beside.
"""

from __future__ import annotations

import datetime
import re
import urllib.parse
from typing import Any, Dict, FrozenSet, Iterator, List, NamedTuple, Set, Tuple

from .graph_service import Refused, Service

_ID = re.compile(r"[A-Za-z0-9_=+/-]{1,1024}")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?Z")
_SEARCH = "mailSearchFolder"
_MOST_FOLDERS = 50_000
_LONGEST = 1000            # characters of a text
_MOST_CATEGORIES = 100
# of a mail that was answered or sent on: PidTagLastVerbExecuted of [MS-OXOMSG]
_VERB = "Integer 0x1081"
_VERBS = {"102": "\\Answered", "103": "\\Answered", "104": "$Forwarded"}
_FOLDERS = {"$select": "id,displayName,isHidden,childFolderCount,parentFolderId", "$top": "100", "$count": "true", "includeHiddenFolders": "true"}
_ROW = "id,changeKey,internetMessageId,receivedDateTime,lastModifiedDateTime,isRead,isDraft,flag,categories"


class Folder(NamedTuple):
    """A folder that holds mails: its identifier, its name and those of the folders that it lies in, from the top."""

    id: str
    names: Tuple[str, ...]
    hidden: bool
    unlisted: int = 0      # folders below it that the service counts and does not list


class Mail(NamedTuple):
    """A mail as the service tells of it."""

    id: str
    change: str
    date: str                   # ISO 8601 in UTC
    flags: Tuple[str, ...]      # of IMAP, sorted
    categories: Tuple[str, ...]
    message_id: str


def quoted(identifier: str) -> str:
    return urllib.parse.quote(identifier, safe="")


def inbox(service: Service) -> str:
    """The identifier of the folder that mails come to. Raises Refused."""
    return _identifier(service, service.table("mailFolders/inbox", **{"$select": "id"}))


class Tree(NamedTuple):
    """All folders that are listed, each after the one it lies in."""

    folders: Tuple[Folder, ...]
    searching: FrozenSet[str]      # those that hold nothing of their own
    top: str                       # the one above them all, which is in no list
    unlisted: int                  # folders at the top that the list counts and does not have
    uncounted: int                 # where the list counts nothing, folders that the one above them all counts: calendars and contacts too


def tree(service: Service) -> Tree:
    """Raises Refused where a folder was removed meanwhile."""
    found: List[Folder] = []
    seen: Set[str] = set()
    searching: Set[str] = set()
    counted: Dict[str, int] = {"": 0}      # what is told to lie in a folder
    listed: Dict[str, int] = {}
    told: Set[str] = set()                 # folders whose list counts itself
    top = ""
    pending: List[Tuple[str, str, Tuple[str, ...]]] = [("", "mailFolders", ())]
    while pending:
        parent, below, above = pending.pop()
        for page in service.pages(below, **_FOLDERS):
            count = page.get("@odata.count")
            if parent not in told and isinstance(count, int) and count >= 0:      # of what this list has, which childFolderCount need not be
                told.add(parent)
                counted[parent] = count
            for row in page["value"]:
                identifier = _identifier(service, row)
                name = _name(service, row)
                if len(above) > _LONGEST:
                    raise service.unbelieved("a folder without a name")
                if identifier in seen or len(seen) > _MOST_FOLDERS:
                    raise service.unbelieved("a folder twice, or folders without end")
                seen.add(identifier)
                listed[parent] = listed.get(parent, 0) + 1
                top = top if parent else str(row.get("parentFolderId"))
                if _SEARCH in str(row.get("@odata.type", "")):
                    searching.add(identifier)
                    continue
                found.append(Folder(identifier, (*above, name), row.get("isHidden") is True))
                below_it = row.get("childFolderCount")
                counted[identifier] = below_it if isinstance(below_it, int) else 0
                pending.append((identifier, "mailFolders/{0}/childFolders".format(quoted(identifier)), (*above, name)))
    lacking = {each: max(0, count - listed.get(each, 0)) for each, count in counted.items()}
    ordered = sorted((each._replace(unlisted=lacking[each.id]) for each in found), key=lambda each: (each.names, each.id))
    return Tree(tuple(ordered), frozenset(searching), top, lacking[""], 0 if "" in told else _counted_above(service, listed.get("", 0)))


def _counted_above(service: Service, listed: int) -> int:
    count = service.table("mailFolders/msgfolderroot", **{"$select": "id,childFolderCount"}).get("childFolderCount")
    return max(0, count - listed) if isinstance(count, int) else 0


def completed(service: Service, listed: Tree) -> Tuple[Tree, List[Tuple[str, str]]]:
    """The tree with the folders that are in no list and hold mails, as the list of all mails tells of them; and mails, each with its folder's identifier,
    whose folder is not told of either. Raises Refused."""
    known = {each.id: each.names for each in listed.folders}
    strange: Dict[str, List[str]] = {}
    for page in service.pages("messages", **{"$select": "id,parentFolderId", "$top": "1000"}):
        for row in page["value"]:
            above = row.get("parentFolderId") if isinstance(row, dict) else None
            if isinstance(above, str) and _ID.fullmatch(above) and above not in known and above not in listed.searching:
                strange.setdefault(above, []).append(_identifier(service, row))
        if len(strange) > _MOST_FOLDERS:
            raise service.unbelieved("a folder twice, or folders without end")
    found: Dict[str, Folder] = {}
    above_them: List[str] = []
    for identifier in sorted(strange):
        try:
            row = service.table("mailFolders/" + quoted(identifier), **{"$select": "id,displayName,isHidden,parentFolderId"})
        except Refused as error:
            if error.status != 404:
                raise
            continue
        above_them.append(str(row.get("parentFolderId")))
        found[identifier] = Folder(identifier, (*known.get(above_them[-1], ()), _name(service, row)), row.get("isHidden") is True)
    folders = [each._replace(unlisted=max(0, each.unlisted - above_them.count(each.id))) for each in listed.folders]
    tree = listed._replace(folders=tuple(sorted([*folders, *found.values()], key=lambda each: (each.names, each.id))),
                           unlisted=max(0, listed.unlisted - above_them.count(listed.top)))
    return tree, [(folder, mail) for folder, mails in sorted(strange.items()) if folder not in found for mail in mails]


def _name(service: Service, row: Dict[str, Any]) -> str:
    name = row.get("displayName")
    if not isinstance(name, str) or len(name) > _LONGEST:
        raise service.unbelieved("a folder without a name")
    return name


class Counted:
    """The mails of a folder, and whether they are as many as the service says: what is removed while pages are read moves others between them."""

    def __init__(self, service: Service, folder: Folder) -> None:
        self._service, self._folder = service, folder
        self.told, self.listed = -1, 0

    def mails(self) -> Iterator[Mail]:
        """Each once. Raises Refused where the folder is gone."""
        seen: Set[str] = set()
        query = {"$select": _ROW, "$top": "200", "$count": "true", "$orderby": "receivedDateTime",
                 "$expand": "singleValueExtendedProperties($filter=id eq '{0}')".format(_VERB)}
        for page in self._service.pages("mailFolders/{0}/messages".format(quoted(self._folder.id)), **query):
            count = page.get("@odata.count")
            if self.told < 0 and isinstance(count, int):
                self.told = count
            for row in page["value"]:
                mail = _mail(self._service, row)
                if mail.id not in seen:
                    seen.add(mail.id)
                    self.listed += 1
                    yield mail

    @property
    def whole(self) -> bool:
        return self.told in (-1, self.listed)


def listed_beside(service: Service, identifiers: Set[str]) -> Set[str]:
    """Which of some mails the list of all mails has, in whatever folder. Raises Refused."""
    found: Set[str] = set()
    for page in service.pages("messages", **{"$select": "id", "$top": "1000"}):
        found.update(identifiers.intersection(_identifier(service, row) for row in page["value"]))
    return found


def there(service: Service, identifier: str) -> bool:
    """Whether a mail is in the mailbox still, in whatever folder."""
    try:
        service.table("messages/" + quoted(identifier), **{"$select": "id"})
    except Refused as error:
        if error.status == 404:
            return False
        raise
    return True


def state_of(service: Service, identifier: str) -> str:
    """The changeKey that a mail has now. Raises Refused."""
    return str(service.table("messages/" + quoted(identifier), **{"$select": "id,changeKey"}).get("changeKey"))


def _identifier(service: Service, row: Any) -> str:
    identifier = row.get("id") if isinstance(row, dict) else None
    if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
        raise service.unbelieved("what has no identifier")
    return identifier


def _mail(service: Service, row: Any) -> Mail:
    identifier = _identifier(service, row)
    change, message = row.get("changeKey"), row.get("internetMessageId")
    if not isinstance(change, str) or not 0 < len(change) <= _LONGEST:
        raise service.unbelieved("a mail without a changeKey")
    dated = next((each for each in (row.get("receivedDateTime"), row.get("lastModifiedDateTime")) if isinstance(each, str)), "")
    flag, categories = row.get("flag"), row.get("categories")
    flags = [name for name, is_so in (("\\Seen", row.get("isRead") is True), ("\\Draft", row.get("isDraft") is True),
                                      ("\\Flagged", isinstance(flag, dict) and flag.get("flagStatus") == "flagged")) if is_so]
    told = categories if isinstance(categories, list) else []
    return Mail(identifier, change, _utc(service, dated), tuple(sorted(flags + _verbs(row))),
                tuple(str(each)[:_LONGEST] for each in told[:_MOST_CATEGORIES]), message[:_LONGEST] if isinstance(message, str) else "")


def _verbs(row: Dict[str, Any]) -> List[str]:
    found = row.get("singleValueExtendedProperties")
    return sorted({_VERBS[str(each["value"])] for each in found if isinstance(each, dict) and str(each.get("value")) in _VERBS
                   and str(each.get("id", "")).lower() == _VERB.lower()} if isinstance(found, list) else ())


def _utc(service: Service, told: str) -> str:
    """A date as an index has it; one before 1970, which no file can have, is the first second of that year."""
    match = _DATE.fullmatch(told)
    try:
        found = datetime.datetime(*(int(each) for each in match.groups())) if match else None      # type: ignore[arg-type]
    except ValueError:
        found = None
    if found is None:
        raise service.unbelieved("a mail without a date")
    return max(found, datetime.datetime(1970, 1, 1, 0, 0, 1)).strftime("%Y-%m-%dT%H:%M:%SZ")
