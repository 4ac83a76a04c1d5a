# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of forges: what is wrong is told before anything is asked; the systems are valid ones; what people are warned of."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleFilterError

from plugins.filter.with_forges import with_forges
from plugins.module_utils._engine.errors import BackupError
from plugins.module_utils._engine.policy import forges as forms
from plugins.plugin_utils._bitacora.store import open_store
from plugins.plugin_utils._decisions import due
from plugins.plugin_utils._decisions import forges as signs
from plugins.plugin_utils._forges import declared
from plugins.plugin_utils._inventory import names_of_other_hosts
from plugins.plugin_utils._reports import institution

SECRET = "ficha-secreta"
FORGE = {"name": "forja", "type": "gitea", "url": "https://git.example.org", "owner": "oti", "token": SECRET, "criticality": "baja", "office": "OTI"}
REPOSITORIES = [{"forge": "forja", "id": "7", "path": "oti/portal", "system": "portal", "gone": "", "gone_at": ""},
                {"forge": "forja", "id": "8", "path": "oti/viejo", "system": "viejo", "gone": "Ya no existe", "gone_at": "2026-11-28T12:00:00Z"},
                {"forge": "otra", "id": "8", "path": "oti/x", "system": "x", "gone": "", "gone_at": ""}]


@pytest.mark.parametrize(("change", "words"), [
    ({"type": "github"}, ["backup_forges[0].type", "gitea"]), ({"url": "http://git.example.org"}, ["backup_forges[0].url", "Use https"]),
    ({"url": "https://u:clave@git.example.org"}, ["backup_forges[0].url"]), ({"url": "git.example.org"}, ["backup_forges[0].url"]),
    ({"url": "https://git.example.org/?x=1"}, ["backup_forges[0].url"]), ({"token": ""}, ["backup_forges[0].token", "(hidden)"]),
    ({"token": None}, ["backup_forges[0].token"]),
    ({"token": SECRET + "\n"}, ["backup_forges[0].token", "line ends"]),
    ({"token": SECRET + "\r\nX-Y: z"}, ["backup_forges[0].token"]), ({"token": SECRET + "…"}, ["backup_forges[0].token"]),
    ({"owner": "a/b"}, ["backup_forges[0].owner", "slash"]), ({"owner": "../x"}, ["backup_forges[0].owner"]),
    ({"project": "P"}, ["backup_forges[0].project"]), ({"type": "azure_devops", "owner": "a/b"}, ["backup_forges[0].owner", "project"]),
    ({"type": "gitlab", "owner": "a//b"}, ["backup_forges[0].owner"]), ({"tokn": SECRET}, ["backup_forges[0].tokn", "Did you mean token?"]),
    ({"include": []}, ["backup_forges[0].include"]), ({"prefix": "-x"}, ["backup_forges[0].prefix"]), ({"criticality": "Alta"}, ["Did you mean alta?"]),
    ({"archived": "yes"}, ["backup_forges[0].archived"]), ({"proxy": "http://u:p@proxy:3128"}, ["backup_forges[0].proxy"]),
])
def test_a_mistake_is_told_with_its_key_and_without_the_token(change, words):
    with pytest.raises(BackupError) as caught:
        forms.check([{**FORGE, **change}])
    told = str(caught.value) + caught.value.hint
    assert caught.value.code == "RSP101" and all(word in told for word in words), told
    assert SECRET not in told and "clave" not in told


def test_what_is_right_passes():
    forms.check([FORGE, {**FORGE, "name": "b", "type": "gitlab", "owner": "a/b/c"}, {**FORGE, "name": "c", "url": "http://127.0.0.1:3000/git"},
                 {**FORGE, "name": "d", "type": "azure_devops", "project": "Portal Público"}])
    for wrong in ([FORGE, {**FORGE, "name": "Forja"}], "forja", [None], [{**FORGE, "type": "azure_devops", "owner": None}]):
        with pytest.raises(BackupError):
            forms.check(wrong)


def test_the_systems_of_a_forge_are_valid_ones():
    found = with_forges([{"name": "SIGA"}], [{**FORGE, "prefix": "g-", "media": ["nas"]}], REPOSITORIES)
    assert found[0] == {"name": "SIGA"} and [row["enabled"] for row in found[1:]] == [True, False]
    assert found[1] == {"name": "portal", "kind": "source_code", "criticality": "baja", "office": "OTI", "media": ["nas"], "enabled": True, "source": {
        "type": "git", "url": "https://git.example.org/oti/portal.git", "username": "respaldo", "password": SECRET}}
    from plugins.module_utils._engine.policy.systems import SYSTEM

    problems = []
    for row in found[1:]:
        SYSTEM(row, "x", problems)
    assert problems == []
    assert with_forges([{"name": "SIGA"}], []) == [{"name": "SIGA"}] and with_forges("x", None) == "x"
    with pytest.raises(AnsibleFilterError) as caught:
        with_forges([], [{**FORGE, "url": "ftp://x"}])
    told = str(caught.value)
    assert SECRET not in told and told.startswith("RSP101: backup_forges[0].url: 'ftp://x' no es válido (no está bien escrito). Escríbalo así:")
    assert "[backup_forges[0].url: 'ftp://x' is not well written. Write it like" in told and caught.value.__suppress_context__


@pytest.fixture
def remembering(tmp_path, monkeypatch):
    """A bitácora that knows a repository of the forge of host git1, beside a simulated one and one of nobody's."""
    url = str(tmp_path / "b.sqlite")
    monkeypatch.setenv("RESPALDO_BITACORA", url)
    with open_store(url) as store:
        for number, more in (("7", {}), ("9", {"simulated": True})):
            store.append("repository_found", {"forge": "forja", "forge_id": number, "forge_path": "oti/portal", "system": "portal" + number, **more},
                         "2026-11-28T12:00:00Z", "test")
    hosts = {"git1": {"backup_forges": [{**FORGE, "token": "{{ vault_nothing_of_this_is_opened }}"}]}, "bd1": {}}
    hostvars = SimpleNamespace(raw_get=lambda host: hosts[host])
    return {"hostvars": hostvars, "groups": {"all": list(hosts)}, "inventory_hostname": "bd1"}


def test_readers_of_all_hosts_know_them_without_a_token(remembering):
    of_all = institution.of_all_hosts(remembering)
    assert [system["name"] for system in of_all["git1"]["systems"]] == ["portal7"] and "bd1" not in of_all
    assert of_all["git1"]["systems"][0]["source"]["url"] == "https://git.example.org/oti/portal.git"
    assert "vault" not in str(of_all)
    assert names_of_other_hosts(remembering) == {("source_code", "portal7"): "git1"}
    assert declared.of_host(remembering["hostvars"], "bd1") == []


def test_what_people_are_warned_of():
    def entry(event, at, **more):
        return {"type": event, "at_event": at, "forge": "forja", **more}

    now = datetime.datetime(2026, 11, 28, tzinfo=datetime.timezone.utc)
    entries = [entry("forge_listed", "2026-11-20T00:00:00Z"), entry("repository_gone", "2026-11-27T00:00:00Z", forge_id="1", system="viejo"),
               entry("repository_gone", "2026-11-01T00:00:00Z", forge_id="2", system="antiguo"), entry("repository_gone", "2026-11-27T00:00:00Z", forge_id="3"),
               entry("repository_found", "2026-11-28T00:00:00Z", forge_id="3"), entry("forge_failed", "2026-11-27T00:00:00Z", error_code="RSP459"),
               entry("forge_failed", "2026-11-28T00:00:00Z", error_code="RSP459", error_message_es="no responde")]
    told = signs.signs(entries, now)
    assert [(each.key, each.level) for each in told] == [("forge:forja", 2), ("forge:forja:gone", 1)]
    assert "no responde" in told[0].text and told[1].text.endswith(": viejo")
    assert signs.signs([*entries, entry("forge_listed", "2026-11-28T01:00:00Z")], now)[0].key == "forge:forja:gone"


def test_a_repository_that_is_gone_is_not_only_disabled():
    rules = {"kinds": {"source_code": {"frequency_numeral": "6.4"}}, "time_zone": "America/Lima"}
    now = datetime.datetime(2026, 11, 28, tzinfo=datetime.timezone.utc)
    gone = with_forges([], [FORGE], REPOSITORIES)[1]
    assert due.decide(gone, rules, None, now).why.endswith(", o su repositorio se retiró de la forja")
    assert due.decide({**gone, "source": {"type": "paths"}}, rules, None, now).why == "El sistema está deshabilitado en el inventario"
