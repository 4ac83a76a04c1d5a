# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people ask of a mailbox, what the bitácora tells of it, and to which mailbox mails may come back."""

from __future__ import annotations

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._decisions import due, mails, requests

LIMA = due.zone("America/Lima")
BLANK = dict.fromkeys(("format", "sender", "since", "until", "subject", "folders"), "")


def test_days_are_those_of_lima_and_folders_may_have_commas() -> None:
    given = {**BLANK, "folders": " Enviados, 2025\n\nAño ", "since": "2026-11-01", "until": "2026-11-02", "subject": " acta  firmada "}
    told = mails.asked(given, "mailbox", LIMA)
    assert told == {"folders": ["Enviados, 2025", "Año"], "since": "2026-11-01T05:00:00Z", "until": "2026-11-03T04:59:59Z", "subject": "acta firmada"}
    assert mails.asked(told, "mailbox", LIMA) == told, "said again it is the same"
    assert mails.asked(BLANK, "database", LIMA) == mails.asked({"folders": []}, "mailbox", LIMA) == {}


@pytest.mark.parametrize(("given", "kind"), [({"subject": "SECRETO"}, "database"), ({"format": "pst"}, "mailbox"), ({"since": "ayer"}, "mailbox"),
                                             ({"until": "9999-12-31"}, "mailbox"), ({"since": "2026-11-02", "until": "2026-11-01"}, "mailbox")])
def test_what_can_not_be_meant_is_refused(given: dict, kind: str) -> None:
    with pytest.raises(BackupError) as told:
        mails.asked(given, kind, LIMA)
    assert told.value.code == "RSP101" and "SECRETO" not in told.value.in_both()


def test_the_bitacora_gets_no_sender_and_no_word() -> None:
    told = mails.described({"folders": ["Divorcio"], "sender": "luis@example.org", "subject": "SECRETO", "since": "2026-11-01T05:00:00Z"})
    assert told == ["1 carpeta", "recibidos desde 2026-11-01T05:00:00Z", "de un remitente", "con palabras del asunto"]
    assert mails.described({"folders": ["a", "b"], "format": "eml"}) == ["2 carpetas"] and mails.described({"format": "mailbox"}) == []


def test_mails_come_back_to_their_own_mailbox_or_to_one_that_the_request_names() -> None:
    def refused(into: str, office: str, request: requests.Request | None) -> str:
        with pytest.raises(BackupError) as told:
            mails.refuse_other_mailbox(into, "Ana", office, request)
        return told.value.code

    request = requests.Request("1", "restore", "Logística", "Carmen", "2026-11-01T10:00:00Z", requests.AUTHORISED, wanted=("Enviados", "Buzón: Luis  Rey"))
    mails.refuse_other_mailbox("", "Ana", "", None)
    mails.refuse_other_mailbox("Ana", "Ana", "Otra", None)
    mails.refuse_other_mailbox("Luis Rey", "Ana", "logística", request)
    for account in ("", "luis@example.org", "Luis@Example.org*respaldo", "dominio\\servicio\\luis@example.org"):
        mails.refuse_other_account(account, "luis@example.org")
    mails.refuse_other_account("quien@example.org", "")
    for account in ("jefa@example.org", "xluis@example.org", "luis@example.org.otra"):
        with pytest.raises(BackupError) as told:
            mails.refuse_other_account(account, "luis@example.org")
        assert told.value.code == "RSP101" and account in told.value.spanish and "no es la cuenta de ese buzón" in told.value.spanish
    assert refused("Luis Rey", "Logística", None) == "RSP754"
    assert [refused("Rosa", "Logística", request), refused("Luis Rey", "Otra", request)] == ["RSP763", "RSP762"]
