# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an application signs in place of showing a secret: by the real openssl, judged by another library; and what can't sign is told before all else."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import assertion
import pytest
import registered
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources import mailbox_assertion, mailbox_tokens

CLIENT, ENDPOINT = "00000000-0000-0000-0000-0000000000cc", "https://login.example.org/t/oauth2/v2.0/token"


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    return registered.pair()


def words(told: str) -> dict[str, str]:
    return {"client_assertion_type": mailbox_assertion.TYPE, "client_assertion": told}


def test_it_is_as_microsoft_wants_it_made_anew_each_time_and_the_key_is_shown_to_nobody(
        pair: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = pair
    shown: list[str] = []
    whole = subprocess.run

    def run(argv: Any, **more: Any) -> Any:
        shown.append(repr((argv, more["env"], more["input"])))
        return whole(argv, **more)

    monkeypatch.setattr(subprocess, "run", run)
    seen: set[str] = set()
    (tmp_path / "cert.pem").write_text("Bag Attributes\n" + certificate + registered.pair(elliptic=True)[0], "ascii")      # with a chain, as a file
    made = mailbox_assertion.Assertions(CLIENT, str(tmp_path / "cert.pem"), key.strip())
    first = made.made(ENDPOINT)
    assert assertion.refusal(words(first), certificate, CLIENT, ENDPOINT, seen) == ""
    assert assertion.refusal(words(made.made(ENDPOINT)), certificate, CLIENT, ENDPOINT, seen) == ""
    assert "shown before" in assertion.refusal(words(first), certificate, CLIENT, ENDPOINT, seen), "the judge judges"
    assert "for another" in assertion.refusal(words(first), certificate, CLIENT, ENDPOINT + "x", set())
    assert "registered" in assertion.refusal(words(first), registered.pair()[0], CLIENT, ENDPOINT, set())
    lines = key.splitlines()[1:-1]
    assert shown and not any(line in each for line in lines for each in shown)
    assert set(lines) <= {each for each in made.secrets() if "\n" not in each} | {line for line in lines if len(line) < 16}


@pytest.mark.parametrize(("case", "detail"), [
    ("none", "there is no certificate"), ("torn", "can't be read as a certificate"), ("other", "of another certificate"), ("ended", "it has ended"),
    ("elliptic", "must be one of RSA"), ("passphrase", "has a passphrase"), ("no key", "can't be read"), ("path", "can't be read")])
def test_what_can_not_sign_is_told_and_nothing_of_the_key(pair: tuple[str, str], case: str, detail: str) -> None:
    certificate, key = {
        "none": lambda: ("x", pair[1]), "torn": lambda: ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", pair[1]),
        "other": lambda: (pair[0], registered.pair(elliptic=True)[1]), "ended": lambda: registered.pair(days=-1),
        "elliptic": lambda: registered.pair(elliptic=True),
        "passphrase": lambda: registered.pair(passphrase=b"frase"), "no key": lambda: (pair[0], "clave-plantada-que-no-es-clave"),
        "path": lambda: ("/nonexistent/cert.pem", pair[1])}[case]()
    with pytest.raises(BackupError) as told:
        mailbox_assertion.Assertions(CLIENT, certificate, key).made(ENDPOINT)
    assert told.value.code == ("RSP101" if case == "path" else "RSP469") and detail in told.value.message and "RSA" in told.value.remedy + "RSA"
    said = f"{told.value} {told.value.message} {told.value.spanish} {told.value.details} {told.value.__cause__}"
    assert not any(line in said for line in key.splitlines() if line) and detail not in told.value.spanish


@pytest.mark.parametrize("given", [{}, {"client_secret": "x", "certificate": "x", "private_key": "x"}, {"certificate": "x"}, {"private_key": "x"},
                                   {"client_secret": "x", "certificate": "x"}])
def test_one_proof_is_given_and_it_is_whole(given: dict[str, str]) -> None:
    with pytest.raises(BackupError) as told:
        mailbox_tokens.Tokens({"tenant": "t", "client_id": "c", **given}, "s")
    assert told.value.code == "RSP101" and "exactly one" in told.value.message
