# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed Message-IDs: known again whatever a mail program makes of them, and no use for another request, letter, person or institution."""

from __future__ import annotations

import base64
import email
import email.policy
from email.message import EmailMessage

import pytest

from plugins.plugin_utils._mail import identities
from plugins.plugin_utils._mail.identities import Mark

KEY = bytes(range(32))
HEAD = "csoto@example.org"
OURS = identities.mark(KEY, "oti.example.org", "2026-0001", "conformity", HEAD, "0123456789abcdef")
MARK = Mark("2026-0001", "conformity")


def test_a_letter_is_known_again() -> None:
    assert identities.read(KEY, OURS, HEAD) == MARK
    assert OURS.endswith("@oti.example.org>") and len(OURS) < 150


@pytest.mark.parametrize("ticket", ["2026-0001", "GLPI #4 512", "Ñandú/2026", "x" * 64, "𐐷" * 64, "a.b@c>d"])
def test_every_number_that_a_help_desk_may_give_goes_there_and_back(ticket: str) -> None:
    made = identities.mark(KEY, "example.org", ticket, "closing", HEAD, "abcdefgh")
    assert identities.read(KEY, made, HEAD) == Mark(ticket, "closing")
    assert made.isascii() and made == made.lower() and len(made) < 900


@pytest.mark.parametrize("written", [OURS.upper(), " " + OURS + "\r\n", OURS.title()])
def test_what_a_server_makes_of_it_is_still_ours(written: str) -> None:
    assert identities.read(KEY, written, HEAD) == MARK


@pytest.mark.parametrize("addressee", ["CSoto@Example.ORG", " csoto@example.org "])
def test_an_address_is_one_whatever_its_letters(addressee: str) -> None:
    assert identities.read(KEY, OURS, addressee) == MARK


@pytest.mark.parametrize("addressee", ["otro@example.org", "csoto@example.org.pe", "", "csoto@example.orgcsoto@example.org"])
def test_it_is_no_use_to_another_person(addressee: str) -> None:
    assert identities.read(KEY, OURS, addressee) is None


def _changed(part: int, value: str) -> str:
    local, domain = OURS[1:-1].split("@")
    parts = [*local.split("."), domain]
    parts[part] = value
    return "<{0}@{1}>".format(".".join(parts[:-1]), parts[-1])


@pytest.mark.parametrize("written", [
    _changed(1, base64.b32encode(b"2026-0002").decode().rstrip("=").lower()), _changed(2, "closing"), _changed(3, "0123456789abcdee"),
    _changed(4, "a" * 32), _changed(4, "a"), _changed(5, "evil.example"), _changed(0, "pedido"), OURS[1:-1], OURS[:-1], OURS + OURS,
    "<2026-0001@oti.example.org>", "",
    "<>", "<" + "a" * 100_000 + "@oti.example.org>", OURS.replace(".", "\0", 1), "\udcff" + OURS,
])
def test_a_part_that_is_not_as_it_was_signed_makes_it_nobodys(written: str) -> None:
    assert identities.read(KEY, written, HEAD) is None


def test_another_key_reads_nothing() -> None:
    assert identities.read(bytes(32), OURS, HEAD) is None


def test_parts_can_not_be_moved_between_fields() -> None:
    one = identities.mark(KEY, "example.org", "ab", "c_d", HEAD, "abcdefgh")
    other = identities.mark(KEY, "example.org", "ab", "c", HEAD, "dabcdefgh")
    assert one.split(".")[-2].split("@")[0] != other.split(".")[-2].split("@")[0]


@pytest.mark.parametrize("wrong", [
    {"key": b"short"}, {"ticket": ""}, {"letter": ""}, {"letter": "Conformity"}, {"letter": "a.b"}, {"nonce": "short"}, {"nonce": "has space"},
    {"addressee": " "},
    {"domain": ""}, {"domain": "a b"}, {"domain": "x>\r\nBcc: y"}, {"domain": "a.b\n"}, {"letter": "x\n"}, {"nonce": "abcdefgh\n"}, {"ticket": "𐐷" * 200},
])
def test_a_letter_that_could_not_be_read_again_is_not_made(wrong: dict) -> None:
    with pytest.raises(ValueError):
        identities.mark(**{"key": KEY, "domain": "example.org", "ticket": "2026-0001", "letter": "closing", "addressee": HEAD, "nonce": "abcdefgh", **wrong})


def test_a_short_key_reads_nothing_either() -> None:
    with pytest.raises(ValueError):
        identities.read(b"", OURS, HEAD)


def test_an_answer_refers_to_the_newest_letter_first_and_to_each_once() -> None:
    older = identities.mark(KEY, "example.org", "2026-0001", "opened", HEAD, "abcdefgh")
    others = identities.mark(KEY, "example.org", "2026-0007", "conformity", "otro@example.org", "abcdefgh")
    foreign = "<CAF117@mail.example.com>"
    assert identities.referred(KEY, [OURS, " ".join([foreign, older, others, OURS])], HEAD) == [MARK, Mark("2026-0001", "opened")]
    assert identities.referred(KEY, [foreign, older + "\r\n\t" + OURS], HEAD) == [MARK, Mark("2026-0001", "opened")]
    assert identities.referred(KEY, [], HEAD) == identities.referred(KEY, ["", "<", others], HEAD) == []


def test_a_hostile_list_of_references_costs_little_and_the_newest_still_counts() -> None:
    assert identities.referred(KEY, ["<a@b>" * 1_000_000 + OURS], HEAD) == [MARK]
    assert identities.referred(KEY, [OURS + "<a@b>" * 1000], HEAD) == []
    assert identities.referred(KEY, ["<" * 1_000_000], HEAD) == []


@pytest.mark.parametrize("policy", [email.policy.SMTP, email.policy.default])
def test_a_mail_carries_it_whole(policy: email.policy.EmailPolicy) -> None:
    longest = identities.mark(KEY, "a" * 60 + ".example.org", "𐐷" * 64, "conformity", HEAD, "a" * 16)
    for each in (OURS, longest):
        letter = EmailMessage(policy=policy)
        letter["Message-ID"] = each
        letter.set_content("Hola")
        assert identities.read(KEY, email.message_from_bytes(letter.as_bytes(), policy=email.policy.default)["Message-ID"], HEAD)
