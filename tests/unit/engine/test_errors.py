# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: each fault fills, in both languages."""

from __future__ import annotations

import re
import string

import pytest
from _engine import errors
from _engine.errors import _FAULTS, CATALOGUE, BackupError
from _engine.faults import making, media, proving, records
from _engine.policy import schema


def words(template):
    return {name for _text, name, _form, _conversion in string.Formatter().parse(template) if name}


def test_codes_and_names_are_unique():
    assert len({fault.code for fault in _FAULTS}) == len({fault.name for fault in _FAULTS}) == len(_FAULTS) == len(CATALOGUE)


@pytest.mark.parametrize(("rows", "ranges"), [(making.ROWS, "123"), (media.ROWS, "4"), (proving.ROWS, "56"), (records.ROWS, "789")])
def test_each_row_stands_in_the_file_of_its_range(rows, ranges):
    assert {row[0][3] for row in rows} == set(ranges)


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.name)
def test_fault(fault):
    assert re.match(r"RSP[1-9]\d\d\Z", fault.code)
    details = {name: "«{0}»".format(name) for name in words("".join(fault[2:]))}
    error = BackupError(fault.name, **details)
    for text in (error.message, error.hint, error.spanish, error.remedy):
        assert text and "<" not in text and "{" not in text
    assert error.spanish != error.message and error.remedy != error.hint
    # a detail may have its own words in Spanish: `detail_es` beside `detail`
    assert {name[:-3] if name.endswith("_es") else name for name in words(fault.spanish)} <= words(fault.english)
    assert str(error) == error.message and error.code == fault.code


@pytest.mark.parametrize("told", [
    "GET https://c.blob.core.windows.net/x?sv=1&sig=SECRETO%2B1&se=2 failed", "URL can't contain control characters. '/c/x?sv=1&SIG=SECRETO1\\n' (found)",
    "through http://ana:SECRETO1@proxy:3128", "http://ana:cla@SECRETO1@proxy:3128", "restic: https://u:SECRETO1@h/x", "AccountKey=SECRETO1==;EndpointSuffix=x",
])
def test_no_error_tells_what_an_address_holds(told):
    error = BackupError("medium_unreachable", location=told, detail=told)
    assert "SECRETO" not in error.message + error.spanish + str(error) + str(error.details["detail"])
    assert BackupError("medium_unreachable", location="/n/sigma", detail="design=2 at ana@host").message.count("design=2 at ana@host") == 1


def test_a_missing_detail_never_fails_the_report():
    assert "<detail>" in BackupError("medium_full", location="disk").message


def test_what_is_told_of_media_and_keys_is_spanish_throughout():
    """The sentences of 0.2.0 that an operator reads at night: no half of them in English."""
    for english in ("is missing: servers may only add to this medium, so the controller needs a key of its own for it", "is not a public key of the seals",
                    "has no meaning without append_only", "is not a known key. Did you mean append_only? "):
        told = BackupError("invalid_input", where="backup_media[0]", value="x", problem=english, fix="y").spanish
        assert not {"servers", "missing", "meaning", "public", "known", "mean"} & set(told.replace(":", " ").split()), told


DETAILS = (
    ("restored_differs", "/x: its size is not as copied", "/x: su tamaño no es como se copió"),
    ("restore_impeded", "/x: its owner, its mode is not as copied", "/x: su dueño, sus permisos no es como se copió"),
    ("source_changed", "30 files and folders vanished while 3 files were copied: a", "desaparecieron 30 archivos y carpetas mientras se copiaban 3: a"),
    ("blob_protected", "it is leased, it is under a legal hold", "tiene un arrendamiento (lease), está bajo retención legal"),
    ("answer_unreadable", "backup is not one entry", "backup no es un asiento"),
    ("answer_unreadable", "it names neither digest nor size of the copy", "no indica el resumen (SHA-256) ni el tamaño de la copia"),
    ("answer_unreadable", "copies is not its key label", "a copies le falta la clave label"),
    ("answer_unreadable", "failed is neither true nor false", "failed no es ni true ni false"),
    ("answer_foreign", "system 'SIGA', which was not asked for", "system 'SIGA', que no se pidió"),
    ("answer_foreign", "trust_level T4, and T2 was asked for", "trust_level T4, y se pidió T2"),
    ("medium_foreign", "it is no regular file", "no es un archivo normal"),
    ("gate_refused", "fetch needs a permission of the controller, and there is none", "fetch requiere un permiso del controlador, y no hay ninguno"),
    ("gate_refused", "database/SIGA is not a system of bd1", "database/SIGA no es un sistema de bd1"),
    ("keeper_missing", "keeper has neither ssh_key nor identity_file", "keeper no tiene ssh_key ni identity_file"),
    ("gate_key_wrong", "it is the key of bd2 too", "también es la clave de bd2"),
    ("rehearsal_unavailable", "the throw-away server did not answer within 60 seconds: x", "el servidor de prueba no respondió en 60 segundos: x"),
    ("restore_exchanged", "siga-wal appeared beside it", "siga-wal apareció a su lado"),
    ("no_answer", "it failed without a word", "falló sin decir nada"),
)


@pytest.mark.parametrize(("fault", "english", "spanish"), DETAILS)
def test_our_own_details_have_their_spanish(fault, english, spanish):
    details = dict.fromkeys(words(errors.CATALOGUE[fault].english), "X")
    told = BackupError(fault, **dict(details, detail=english))
    assert told.spanish.endswith(spanish) and english in told.message


def test_mistakes_of_the_inventory_are_told_in_spanish_all_at_once():
    problems: list[schema.Problem] = []
    schema.table({"a": schema.choice("alta", "baja"), "b": schema.flag(), "c": schema.text("[a-z]+", "nas"), "d": schema.whole(1, 9), "e": schema.whole(1)},
                 {})({"a": "x", "b": 1, "c": "?", "d": ["."], "e": None}, "v", problems)
    with pytest.raises(BackupError) as caught:
        schema.raise_all(problems)
    assert caught.value.spanish == (
        "v.a: 'x' no es un valor conocido. Valores conocidos: alta, baja.\nv.b: 1 no es ni true ni false. Escriba true o false, sin comillas.\n"
        "v.c: '?' no está bien escrito. Escríbalo así: nas.\nv.d: '(una lista)' no es un número entero de 1 a 9. Escriba un número de 1 a 9, sin comillas.\n"
        "v.e: no es un número entero desde 1. Escriba un número desde 1, sin comillas.")


@pytest.mark.parametrize(("value", "problem", "told"), (
    ("", "is not a month", "since: está vacío (no es un mes)"), ("  ", "is missing", "since: falta"), ("", "is empty", "since: está vacío"),
    (None, "is missing", "since: falta"), ("x", "is not a month", "since: 'x' no es válido (no es un mes)")))
def test_an_empty_value_is_said_to_be_empty_and_not_quoted(value, problem, told):
    assert BackupError("invalid_input", where="since", value=value, problem=problem, mend="x").spanish == told


def test_empty_values_among_several_mistakes_are_not_quoted():
    problems = [schema.Problem("a", "", "is not a month", "Write it."), schema.Problem("b", "", "is not a month", "Write it."),
                schema.Problem("c", None, "is missing", "Write it.")]
    with pytest.raises(BackupError) as caught:
        schema.raise_all(problems)
    lines = caught.value.spanish.splitlines()
    assert [line.partition(" no es")[0].partition(" falta")[0] for line in lines] == ["a: está vacío:", "b: está vacío:", "c:"], lines


@pytest.mark.parametrize(("where", "told"), (("PostgreSQL at this server's socket:5433", "PostgreSQL en el socket de este servidor:5433"),
                                             ("MariaDB at bd2.example.org:3306", "MariaDB en bd2.example.org:3306"),
                                             ("a repository at /srv", "a repository at /srv")))
def test_where_an_engine_is_has_no_english_in_spanish(where, told):
    assert told in BackupError("source_unreachable", source=where, detail="x").spanish
