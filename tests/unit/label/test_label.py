# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import random
import string

import pytest
from _engine import label
from _engine.errors import BackupError

DAY = datetime.date(2026, 11, 22)


@pytest.mark.parametrize("given, expected", [
    ("SIGA", "SIGA"),
    ("Trámite Documentario", "TramiteDocumentario"),
    ("Señalización Ñandú", "SenalizacionNandu"),
    ("Sen\u0303al", "Senal"),  # the same letter in two code points
    ("  SIGA  web ", "SIGAweb"),
    ("SIGA\u00a0BD", "SIGABD"),
    ("catálogo-electrónico_v2.1", "catalogo-electronico_v2.1"),
    ("über", "uber"),
    ("x" * 64, "x" * 64),
    ("ñ" * 64, "n" * 64),
    ("_interno", "_interno"),
])
def test_names_are_folded_by_the_rule(given, expected):
    assert label.canonical(given) == expected
    assert label.canonical(expected) == expected


@pytest.mark.parametrize("given, problem", [
    ("", "is empty"),
    ("   ", "is empty"),
    ("\u0301", "is empty"),
    ("a/b", "slash"),
    ("a\\b", "slash"),
    ("／etc", "slash"),
    ("../etc", "slash"),
    ("a..b", "two dots"),
    ("a…b", "two dots"),
    ("..", "two dots"),
    (".", "starts with"),
    (".hidden", "starts with"),
    ("-rf", "starts with"),
    ("SIGA.", "ends with a dot"),
    ("a\nb", "control"),
    ("a\tb", "control"),
    ("a\x00b", "control"),
    ("a\u202eb", "control"),
    ("R&D", "can't hold: &"),
    ("СИГА", "can't hold"),
    ("$(id)", "can't hold"),
    ("x" * 65, "65 characters"),
    ("x" * 300, "300 characters"),
    (7, "not a text"),
    (None, "not a text"),
])
def test_what_can_not_be_a_name_is_refused_in_words(given, problem):
    with pytest.raises(BackupError) as caught:
        label.canonical(given, where="backup_systems[2].name")
    error = caught.value
    assert error.code == "RSP101"
    assert error.message.startswith("backup_systems[2].name: ")
    assert problem in error.message
    assert error.hint
    assert len(error.message) < 250


def test_label_has_the_form_of_numeral_6_7():
    made = label.make("SIGA", DAY)
    assert made == ("SIGA_20261122", "SIGA_2026 11 22", "SIGA", DAY, 1)


def test_second_copy_of_the_day_and_the_ones_after():
    taken = set()
    for expected in ("SIGA_20261122", "SIGA_20261122_02", "SIGA_20261122_03"):
        made = label.make("SIGA", DAY, taken)
        assert made.name == expected
        taken.add(made.name)
    assert made.printed == "SIGA_2026 11 22_03"


def test_only_labels_of_the_same_system_and_day_count():
    taken = {"SIGA_20261121", "SIAF_20261122", "SIGA_20261121_20261122", "not a label", "SIGA_20261122.dump"}
    assert label.make("SIGA", DAY, taken).name == "SIGA_20261122"


def test_case_does_not_make_another_label():
    assert label.make("siga", DAY, {"SIGA_20261122"}).name == "siga_20261122_02"


def test_sequence_follows_the_highest_even_with_holes():
    assert label.make("SIGA", DAY, {"SIGA_20261122_07"}).name == "SIGA_20261122_08"


def test_a_hundred_copies_in_a_day_and_the_end():
    taken = {"SIGA_20261122_99"}
    made = label.make("SIGA", DAY, taken)
    assert made.name == "SIGA_20261122_100" and label.parse(made.name) == made
    with pytest.raises(BackupError, match="999 copies"):
        label.make("SIGA", DAY, {"SIGA_20261122_999"})


def test_leap_day_and_its_absence():
    leap = label.make("SIGA", datetime.date(2028, 2, 29))
    assert leap.name == "SIGA_20280229" and label.parse(leap.name) == leap
    with pytest.raises(BackupError, match="does not exist"):
        label.parse("SIGA_20270229")


@pytest.mark.parametrize("text", [
    "", "SIGA", "SIGA_2026112", "SIGA_20261122_2", "SIGA_20261122_01", "SIGA_20261122_", "_20261122", "SIGA_2026 1122", "SIGA_20261322",
    "../SIGA_20261122", "SIGA_20261122/x", "SIGA_20261122\n", "SIGA_20261122_1000", "SIGA_２０２６1122", None,
])
def test_what_is_not_a_label_is_refused(text):
    with pytest.raises(BackupError) as caught:
        label.parse(text)
    assert caught.value.code == "RSP101"


def test_systems_whose_name_looks_like_a_label():
    for system in ("A_20260101", "A_20260101_02", "A_02", "A_", "20261122", "A__"):
        for taken in ((), ("%s_20261122" % system,)):
            made = label.make(system, DAY, taken)
            assert label.parse(made.name) == made
            assert label.parse(made.printed) == made


def test_round_trips_of_random_names_and_dates():
    chance = random.Random(20190049)
    letters = string.ascii_letters + string.digits + "._- ñÑáéíóúü"
    made_labels = {}
    for _round in range(3000):
        system = "".join(chance.choice(letters) for _letter in range(chance.randint(1, 70)))
        try:
            name = label.canonical(system)
        except BackupError:
            continue
        on = datetime.date.fromordinal(chance.randint(1, datetime.date.max.toordinal()))
        taken = {label.make(name, on).name} if chance.random() < 0.5 else set()
        made = label.make(system, on, taken)
        assert made.name not in taken
        assert label.parse(made.name) == made == label.parse(made.printed)
        assert made.name.isascii() and not set(made.name) & set(" /\\\n") and made.name[0] not in ".-"
        # one label, one meaning
        assert made_labels.setdefault(made.name, made) == made
