# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each API listed to its end, two hundred repositories at a time; and what is no whole listing, or no answer of that API, is refused and changes nothing."""

from __future__ import annotations

import hashlib
import re
import time

import pytest
from fakes.forges import azure_devops, gitea, gitlab, server

from plugins.module_utils._engine.errors import BackupError
from plugins.module_utils._engine.policy import forges as forms
from plugins.plugin_utils._forges import catalogue, listing, memory, systems

KINDS = {
    "gitea": (gitea, "oti/", {"owner": "oti"}),
    "gitlab": (gitlab, "sistemas/portal/", {"owner": "sistemas/portal"}),
    "azure_devops": (azure_devops, "Portal Público/", {"owner": "entidad", "project": "Portal Público"}),
}


@pytest.fixture(params=sorted(KINDS))
def place(request, tmp_path):
    """A forge of each type with two hundred repositories; (fake, declaration, path below which they lie)."""
    dialect, below, more = KINDS[request.param]
    fake = dialect.open_fake(tmp_path / "forja")
    fake.repositories = [server.Row(number, f"{below}proyecto-{number}", f"{number}.git") for number in range(1, 201)]
    declared = {"name": "forja", "type": request.param, "url": fake.url, "token": server.TOKEN, "ca_certs": str(fake.ca), "criticality": "baja",
                "office": "OTI", "retry_seconds": 0, "wikis": False, **more}
    forms.check([declared])
    yield fake, declared, below
    fake.close()
    assert fake.mistakes == []


def listed(declared, before=(), taken=None, accept_gone=False):
    return listing.listed(catalogue.open_forge(declared), before, set() if taken is None else taken, accept_gone)


def events(outcome):
    return [(entry["event"], entry.get("system"), entry.get("forge_path")) for entry in outcome.entries if entry["event"] != "forge_listed"]


def remembered(*outcomes):
    """What a bitácora with the entries of these listings remembers."""
    entries = [{**entry, "type": entry["event"], "at_event": "2026-11-28T12:00:00Z"} for outcome in outcomes for entry in outcome.entries]
    return memory.folded(entry for entry in entries if entry["type"] in memory.CHANGES)


def refused(declared, before=(), **more):
    with pytest.raises(BackupError) as caught:
        listed(declared, before, **more)
    assert server.TOKEN not in str(caught.value) + caught.value.spanish
    return caught.value.code


def test_two_hundred_one_deleted_two_new_one_renamed(place):
    fake, declared, below = place
    first = listed(declared)
    assert len(events(first)) == 200 and {event for event, _system, _path in events(first)} == {"repository_found"}
    assert [known._replace(gone_at="") for known in remembered(first)] == first.known
    again = listed(declared, remembered(first))
    assert events(again) == [] and again.known == first.known and again.entries[0]["objects"] == 200
    del fake.repositories[4]
    fake.repositories[10].path = below + "otro-nombre"
    fake.repositories += [server.Row(number, f"{below}nuevo-{number}", "") for number in (301, 302)]
    second = listed(declared, remembered(first))
    assert sorted(events(second)) == [
        ("repository_found", "nuevo-301", below + "nuevo-301"), ("repository_found", "nuevo-302", below + "nuevo-302"),
        ("repository_gone", "proyecto-5", below + "proyecto-5"), ("repository_renamed", "proyecto-12", below + "otro-nombre")]
    assert "1 renombrados, 1 retirados" in second.entries[-1]["note_es"]
    # deleted and made again under the same name is another system
    fake.repositories.append(server.Row(400, below + "proyecto-5", ""))
    third = listed(declared, remembered(first, second), {known.system.lower() for known in second.known})
    assert [event for event, _system, _path in events(third)] == ["repository_found"] and re.fullmatch(r"proyecto-5-\w+", events(third)[0][1])
    rows = systems.rows([declared], remembered(first, second, third))
    assert len(rows) == 203 and [row["name"] for row in rows if not row["enabled"]] == ["proyecto-5"]
    # addresses are the inventory's own, whatever the forge says of clone_url
    assert all(row["source"]["url"].startswith(fake.url + "/") for row in rows)


def test_nothing_to_copy_is_no_success(place):
    """What a token that may read nothing, or a misspelt pattern, gives: no error of the forge, and no repository."""
    fake, declared, _below = place
    assert refused({**declared, "include": ["sitio-*"]}) == "RSP464"
    assert refused({**declared, "exclude": ["*"]}) == "RSP464"
    first = listed(declared)
    assert refused({**declared, "include": ["sitio-*"]}, first.known) == "RSP463", "what was copied yesterday is not gone by a misspelt pattern"
    fake.cut = lambda asked, told, headers: (
        ({"value": [], "count": 0} if isinstance(told, dict) and "value" in told else [] if isinstance(told, list) else told),
        {**headers, **{name: "0" for name in headers if name in ("X-Total", "X-Total-Count")}})
    assert refused(declared) == "RSP464"


def test_a_wiki_is_copied_where_there_is_no_code(place):
    fake, declared, below = place
    if declared["type"] == "azure_devops":
        return     # there wikis are repositories of their own
    fake.repositories = [server.Row(1, below + "portal", "1.git"), server.Row(2, below + "manual", "2.git", empty=True, wiki="2w.git")]
    if declared["type"] == "gitlab":
        fake.repositories.append(server.Row(3, below + "guia", "3.git", disabled=True, wiki="3w.git"))
    found = {system for _event, system, _path in events(listed({**declared, "wikis": True}))}
    assert found == {"portal", "manual.wiki", *(["guia.wiki"] if declared["type"] == "gitlab" else [])}


def test_a_wiki_that_the_account_may_not_see_stops_nothing_and_is_told(place):
    """403 for the pages of one wiki: the rest is listed, the wiki is told each time, and one that is copied already is not called gone for it."""
    fake, declared, below = place
    if declared["type"] == "azure_devops":
        # there they are repositories of their own, in one list, and a known one is asked for by its identity
        fake.repositories = [server.Row(1, below + "portal", "1.git", wiki="1w.git"), server.Row(2, below + "otro", "2.git")]
        before = listed({**declared, "wikis": True})
        assert len(before.known) == 3
        fake.trouble.append(lambda asked: (_ for _ in ()).throw(server.Refused(403, "no")) if asked.path.endswith("/wiki/wikis") else None)
        after = listed({**declared, "wikis": True}, before.known)
        assert events(after) == [] and after.known == before.known and "(403): la lista de wikis" in after.entries[-1]["note_es"]
        return
    fake.repositories = [server.Row(1, below + "portal", "1.git", wiki="1w.git"), server.Row(2, below + "manual", "2.git", wiki="2w.git")]
    declared = {**declared, "wikis": True}
    first = listed(declared)
    assert {system for _event, system, _path in events(first)} == {"portal", "portal.wiki", "manual", "manual.wiki"}

    def forbid(asked):
        if "wiki" in asked.path and ("portal" in asked.path or "/1/" in asked.path):
            raise server.Refused(403, "user should have a permission to read wiki")

    fake.trouble.append(forbid)
    fresh = listed(declared)
    assert {system for _event, system, _path in events(fresh)} == {"portal", "manual", "manual.wiki"}
    for outcome in (fresh, listed(declared, first.known)):
        assert f"(403): {below}portal.wiki" in outcome.entries[-1]["note_es"]
        assert any(f"{below}portal.wiki: la forja no deja ver" in line for line in outcome.lines)
    again = listed(declared, first.known)
    assert events(again) == [] and again.known == first.known
    fake.trouble.clear()
    assert not any("403" in line for line in listed(declared, first.known).lines)


def test_what_the_list_lacks_is_asked_for_before_it_is_gone(place):
    fake, declared, below = place
    first = listed(declared)

    def lost(asked, told, headers):
        """Two that are there are not in the list, whose totals agree: as when pages shift while they are read."""
        rows = told["value"] if isinstance(told, dict) and "value" in told else told
        if isinstance(rows, list):
            kept = [row for row in rows if not str(row.get("full_name") or row.get("path") or row.get("name")).endswith(("proyecto-7", "proyecto-8"))]
            told = {"value": kept, "count": len(kept)} if isinstance(told, dict) else kept
            headers = {**headers, **{name: "198" for name in headers if name in ("X-Total", "X-Total-Count")}}
        return told, headers
    fake.cut = lost
    assert events(listed(declared, remembered(first))) == []
    fake.repositories[6].path = ("ajeno/" if declared["type"] != "gitlab" else "ajeno/otro/") + "proyecto-7"
    moved = listed(declared, remembered(first))
    assert events(moved) == [("repository_gone", "proyecto-7", below + "proyecto-7")] and "Pasó a ajeno/" in moved.entries[0]["note_es"]


def test_a_list_that_is_not_whole_is_none(place):
    fake, declared, below = place
    before = remembered(listed(declared))

    def cut(change):
        def answer(asked, told, headers):
            return change(told, headers) if "repositories" in asked.path or asked.path.endswith(("/repos", "/projects")) else (told, headers)
        fake.cut = answer
        return refused(declared, before)

    if declared["type"] == "azure_devops":
        assert cut(lambda told, headers: ({**told, "value": told["value"][:9]}, headers)) == "RSP461"
        assert cut(lambda told, headers: ({**told, "value": [{**told["value"][0], "id": "../../x"}], "count": 1}, headers)) == "RSP461"
        assert cut(lambda told, headers: ({**told, "value": [{**told["value"][0], "name": "a/../b"}], "count": 1}, headers)) == "RSP461"
        assert cut(lambda told, headers: ({"value": [], "count": 0}, headers)) == "RSP463"
    else:
        assert cut(lambda told, headers: (told[:-1], headers)) == "RSP462"
        name = "full_name" if declared["type"] == "gitea" else "path_with_namespace"
        for path in ("oti/../../etc", "oti", "https://x/y", "oti/a b", 7, None):
            assert cut(lambda told, headers, path=path: ([{**told[0], name: path}], headers)) == "RSP461"
        for number in ("1", 0, -1, True, None):
            assert cut(lambda told, headers, number=number: ([{**told[0], "id": number}], headers)) == "RSP461"
        assert cut(lambda _told, headers: ([], {**headers, "X-Total": "0", "X-Total-Count": "0", "X-Next-Page": ""})) == "RSP463"
    for body in (b"<html>", b"{}", b"[1]", b"null", b'"x"', b"[" * 5000):
        assert cut(lambda _told, headers, body=body: (body, headers)) == "RSP461"


def test_most_gone_at_once_is_believed_only_when_a_person_says_so(place):
    fake, declared, _below = place
    before = remembered(listed(declared))
    fake.repositories = fake.repositories[:90]
    assert refused(declared, before) == "RSP463"
    assert len(events(listed(declared, before, accept_gone=True))) == 110
    fake.repositories = [server.Row(number, row.path, "") for number, row in enumerate(fake.repositories, 1)][:0]
    assert refused(declared, before) in ("RSP460", "RSP463")     # of an owner that has nothing some say 404


def test_most_left_out_at_once_is_no_less_than_gone(place):
    """By a pattern that somebody mistyped, or by a forge that calls everything disabled: nothing was copied any more, and the run ended well."""
    fake, declared, _below = place
    before = remembered(listed(declared))
    assert refused({**declared, "include": ["proyetco-*"]}, before) == "RSP463"
    assert refused({**declared, "exclude": ["proyecto-1*"]}, before) == "RSP463"
    assert len(events(listed({**declared, "exclude": ["proyecto-1*"]}, before, accept_gone=True))) == 111
    assert len(events(listed({**declared, "exclude": ["proyecto-2*"]}, before))) == 12
    assert refused({**declared, "include": ["proyetco-*"]}, before[:1]) == "RSP463"
    if declared["type"] != "gitea":
        for row in fake.repositories:
            row.disabled = True
        assert refused(declared, before) == "RSP463"


def test_trouble_is_told_and_the_token_goes_nowhere_else(place):
    fake, declared, _below = place
    status, headers = 0, {}

    def trouble(_asked):
        if status:
            raise server.Refused(status, "motivo", **headers)
    fake.trouble.append(trouble)
    for status, headers, code in ((503, {}, "RSP459"), (429, {"Retry_After": "30"}, "RSP459"), (401, {}, "RSP460"), (403, {}, "RSP460"), (404, {}, "RSP460"),
                                  (302, {"Location": "https://otra.example.net/"}, "RSP460"), (307, {"Location": "https://localhost:1/"}, "RSP460"),
                                  (203, {}, "RSP460"), (204, {}, "RSP460")):
        assert refused(declared) == code, status
    # busy for a moment, it is asked again, after as long as it says
    status, headers, calls = 429, {"Retry_After": "1"}, len(fake.requests)
    fake.trouble[:] = [lambda asked: trouble(asked) if len(fake.requests) == calls + 1 else None]
    clock = time.monotonic()
    assert len(listed({**declared, "retry_seconds": 60}).known) == 200 and time.monotonic() - clock >= 1
    status = 0
    assert refused({**declared, "token": "otra"}) == "RSP460"
    assert refused({**declared, "ca_certs": ""}) == "RSP459"      # an authority that nobody trusts
    fake.mistakes.clear()


def test_a_list_without_end_ends_in_a_time(tmp_path, monkeypatch):
    """Each page in good time, and after each another one: no limit of one answer is ever met."""
    fake = gitea.open_fake(tmp_path / "forja")
    fake.repositories = [server.Row(1, "oti/uno", "1.git")]
    declared = {"name": "forja", "type": "gitea", "url": fake.url, "token": server.TOKEN, "ca_certs": str(fake.ca), "criticality": "baja",
                "office": "OTI", "retry_seconds": 0, "wikis": False, "owner": "oti"}
    forge = catalogue.open_forge(declared)
    forge.page_all = lambda: ([forge.api.get("/api/v1/orgs/oti") for _page in iter(int, 1)], None)
    monkeypatch.setattr(listing, "LONGEST_LISTING", 1.0)
    with pytest.raises(BackupError) as caught:
        listing.listed(forge, (), set())
    fake.close()
    assert caught.value.code == "RSP459" and "no termina" in caught.value.spanish, caught.value.spanish


def test_what_is_asked_for_and_what_is_not(place):
    fake, declared, below = place
    fake.repositories = [server.Row(1, below + "vivo", ""), server.Row(2, below + "vacio", "", empty=True), server.Row(3, below + "copia", "", fork=True),
                         server.Row(4, below + "viejo", "", archived=True), server.Row(5, below + "pruebas-1", ""),
                         server.Row(6, below + "con-wiki", "", wiki="w")]

    def names(**more):
        return sorted(known.system for known in listed({**declared, **more}).known)

    assert names() == ["con-wiki", "copia", "pruebas-1", "viejo", "vivo"]
    assert names(wikis=True) == ["con-wiki", "con-wiki.wiki", "copia", "pruebas-1", "viejo", "vivo"]
    assert names(exclude=["PRUEBAS-*"], forks=False) == ["con-wiki", "viejo", "vivo"]
    assert names(include=["v*", below + "copia"]) == ["copia", "viejo", "vivo"]
    if declared["type"] != "azure_devops":     # whose repositories are disabled, not archived
        assert "viejo" not in names(archived=False)
    # what is asked for no more is gone too, with the reason; and comes back as the same system
    before = remembered(listed(declared))
    less = listed({**declared, "exclude": ["vivo"]}, before)
    assert events(less) == [("repository_gone", "vivo", below + "vivo")] and "exclude" in less.entries[0]["note_es"]
    assert events(listed(declared, less.known)) == [("repository_found", "vivo", below + "vivo")]
    # what is emptied stays a system: its copy then fails and tells
    fake.repositories[0].empty = True
    assert events(listed(declared, before)) == []
    if declared["type"] != "gitea":
        fake.repositories[2].disabled = True
        assert events(listed(declared, before)) == [("repository_gone", "copia", below + "copia")]


def test_all_that_the_account_sees(place):
    fake, declared, below = place
    if declared["type"] == "azure_devops":
        fake.repositories.append(server.Row(500, "Otro/cosa", ""))
        told = {name: value for name, value in declared.items() if name != "project"}
        assert {"Otro-cosa", "Portal-Publico-proyecto-1"} <= {known.system for known in listed(told).known}
        return
    fake.repositories.append(server.Row(500, "ajena/cosa", ""))
    found = listed({name: value for name, value in declared.items() if name != "owner"})
    assert len(found.known) == 201 and {"ajena-cosa", below.replace("/", "-") + "proyecto-1"} <= {known.system for known in found.known}


@pytest.mark.parametrize(("path", "identity", "name"), [
    ("oti/portal", "7", "portal"), ("oti/sub.git", "7", "sub.git"), ("oti/.github", "7", "_github-7"), ("oti/-x", "7", "_x-7"),
    ("oti/a..b", "7", "a_b-7"), ("oti/" + "x" * 90, "123", "x" * 60 + "-123"), ("oti/SIGA", "8", "SIGA-8"), ("otra/x", "7", "otra-x"),
    ("oti/x.wiki", "7.wiki", "x.wiki"),
    ("oti/Ñandú Sur", "7", "Nandu-Sur"), ("oti/日本", "7", "__-7"), ("oti/fin.", "7", "fin_-7"),
])
def test_names_of_systems(path, identity, name):
    assert systems.name_of({"name": "forja", "type": "gitea", "owner": "oti"}, path, identity, {"siga"}) == name


def test_of_two_with_one_name_the_first_has_it_for_every_reader():
    def found(forge, identity, system, event="repository_found"):
        return {"type": event, "forge": forge, "forge_id": identity, "forge_path": "oti/portal", "system": system}

    told = [found("a", "17", "portal"), found("b", "9", "Portal"), found("c", "9", "portal"), found("a", "17", "portal", "repository_renamed"),
            found("b", "9", "Portal", "repository_gone"), found("d", "5", "siga"), found("e", "9", "portal")]
    known = memory.folded(told)
    assert [each.system for each in known[:3]] == ["portal", "Portal-9", "portal-" + hashlib.sha256(b"9").hexdigest()[:16]]
    assert [each.system for each in known[3:]] == ["siga"] and known == memory.folded(told)      # a fourth was made by nobody's listing
    assert [each.system for each in memory.as_written([known[1]._replace(system="portal")], known)] == ["Portal-9"]


def test_no_two_have_one_name():
    taken = set()
    for identity in ("1", "2", "1"):
        taken.add(systems.name_of({"name": "forja", "type": "gitea", "owner": "oti"}, "oti/mismo", identity, taken).lower())
    assert len(taken) == 3
