# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody wrote himself, in the forms of the mail programs that offices use, and the one word by which it takes a step."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from plugins.plugin_utils._mail import asked, plain, quoting, words

QUOTED = "> CONFORME o NO CONFORME\n> Gracias"
BELOW = {
    "Gmail in Spanish": "El lun, 23 nov 2026 a la(s) 10:30, Soporte (<soporte@example.org>) escribió:\n\n" + QUOTED,
    "Gmail, broken in two lines": "El lun., 23 de nov. de 2026 10:30 a. m., Soporte de la Oficina <\nsoporte@example.org> escribió:\n\n" + QUOTED,
    "Gmail in English": "On Mon, Nov 23, 2026 at 10:30 AM Soporte <soporte@example.org> wrote:\n\n" + QUOTED,
    "Thunderbird in Spanish": "El 23/11/2026 a las 10:30, Soporte escribió:\n" + QUOTED,
    "Thunderbird in English": "On 23/11/2026 10:30, Soporte wrote:\n" + QUOTED,
    "the iPhone in Spanish": "Enviado desde mi iPhone\n\n> El 23 nov. 2026, a la(s) 10:30, Soporte <soporte@example.org> escribió:\n> \n> CONFORME",
    "the iPhone in English": "Sent from my iPhone\n\n> On Nov 23, 2026, at 10:30, Soporte <soporte@example.org> wrote:\n> CONFORME",
    "Outlook in Spanish": "De: Soporte <soporte@example.org>\nEnviado el: lunes, 23 de noviembre de 2026 10:30\nPara: Carmen\nAsunto: x\n\nNO CONFORME",
    "Outlook on the web": "________________________________\nDe: Soporte\nEnviado: lunes\nPara: Carmen\n\nNO CONFORME",
    "Outlook in English": "From: Soporte\nSent: Monday\nTo: Carmen\nSubject: x\n\nNO CONFORME",
    "Outlook, bold": "*De:* Soporte\n*Enviado:* lunes\n*Para:* Carmen\n*Asunto:* x\n\nNO CONFORME",
    "Outlook of long ago": "-----Mensaje original-----\nDe: Soporte\nNO CONFORME",
    "Outlook for the telephone": "Obtener Outlook para Android\n________________________________\nNO CONFORME",
    "a signature": "-- \nCarmen Soto\nNO CONFORME es una palabra",
    "a forward": "---------- Forwarded message ---------\nDe: x\nNO CONFORME",
}


@pytest.mark.parametrize("name", BELOW)
def test_what_is_quoted_is_left_out(name: str) -> None:
    assert quoting.own("CONFORME\n\nCarmen\n\n" + BELOW[name]) == "CONFORME\n\nCarmen"
    assert quoting.own(("CONFORME\n\nCarmen\n\n" + BELOW[name]).replace("\n", "\r\n")) == "CONFORME\n\nCarmen"
    assert words.said([quoting.own(BELOW[name])]).step == ""


def test_what_is_written_below_a_quotation_is_kept() -> None:
    assert quoting.own("El 23/11/2026 a las 10:30, Soporte escribió:\n> ¿Conforme?\n\nCONFORME\n") == "CONFORME"
    assert quoting.own("El 23/11/2026 a las 10:30, Soporte escribió:\n¿Conforme?\n\nCONFORME\n") == ""


@pytest.mark.parametrize("text", ["El 22 de noviembre se borró todo", "De: la carpeta de contratos\nse perdió todo", "Para: nada",
                                  "En el 2026, a las 10:30: nada"])
def test_what_only_looks_like_a_quotation_is_kept(text: str) -> None:
    assert quoting.own(text) == text


SAID = {
    "CONFORME": "conform", "Conforme.": "conform", "conforme, gracias": "conform", "*CONFORME*": "conform", "Estoy conforme": "conform",
    "“CONFORME”": "conform",
    "Estimados señores:\n\nCONFORME\n\nCarmen Soto": "conform", "Buenos días\nDoy mi conformidad": "conform", "CONFORME\n\nAntes de imprimir piense": "conform",
    "Conforme. Todo en orden": "conform",
    "NO CONFORME": "object", "No conforme: faltan dos": "object", "No estoy conforme": "object", "no  conforme": "object",
    "VISTO BUENO": "endorse", "V°B°": "endorse", "V.B.": "endorse", "Doy visto bueno": "endorse", "Autorizo": "authorise", "Se autoriza.": "authorise",
    "No autorizo": "reject", "Rechazo la solicitud": "reject", "No se autoriza, falta sustento": "reject", "Retiro la solicitud": "withdraw",
    "": "", "Gracias": "", "Sí": "", "NO": "", "OK": "", "Inconforme": "", "Conformes": "", "Conforme a ley": "", "Conforme pero falta": "", "CONFORME?": "",
    "CONFORME\nNO CONFORME": "", "Autorizo\nCONFORME": "", "CONFORME\n\nSalvo dos archivos": "", "Hola, conforme": "", "Quedo conforme": "",
    "Le escribo por la solicitud\nCONFORME": "", "CONFORME\n\n\n\nCarmen\n\nno estoy conforme": "", "Autorizo si la jefa quiere": "", "No sé si conforme": "",
    "Visto bueno no doy": "", "Conforme con la NO conformidad": "", "c o n f o r m e": "", "CONFORME\u202e": "",
}


@pytest.mark.parametrize("text", SAID)
def test_a_word_takes_a_step_only_where_it_is_clear(text: str) -> None:
    found = words.said([text])
    assert found.step == SAID[text] and bool(found.why) == (not found.step)


def test_a_denial_keeps_its_reason_within_bounds() -> None:
    assert words.said(["NO CONFORME: faltan dos archivos.\nSon los de mayo."]).reason == "faltan dos archivos. Son los de mayo"
    assert len(words.said(["NO CONFORME " + "x" * 10_000]).reason) <= 500


def test_text_and_html_must_agree() -> None:
    assert words.said(["CONFORME", "CONFORME"]).step == "conform" and words.said(["", "CONFORME"]).step == "conform"
    assert words.said(["CONFORME", "NO CONFORME"]).step == words.said(["CONFORME", "Hola"]).step == words.said([]).step == ""


@pytest.mark.slow
@given(some.text(max_size=500))
def test_no_text_breaks_anything(text: str) -> None:
    for each in (text, plain.text_of(text), quoting.own(text)):
        words.said([each])
        asked.asked(text[:100], each)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["<" * 200_000, "<!--" * 50_000, "&" * 200_000, "<div>" * 40_000, "<a " * 60_000,
                                  "El 1 " * 40_000, ">" * 200_000, "De: x\n" * 30_000,
                                  "El 1\n" * 40_000, "no " * 60_000])
def test_hostile_texts_cost_little(text: str) -> None:
    began = time.process_time()
    words.said([quoting.own(plain.text_of(text)), quoting.own(text)])
    asked.asked("x", text)
    assert time.process_time() - began < 30


def test_html_is_read_as_a_person_reads_it() -> None:
    assert plain.text_of("<head><title>x</title><style>p</style></head><p>CONFORME</p><div>Carmen<br>Soto&nbsp;V</div><script>NO</script>"
                         "<blockquote><p>uno</p><p>dos</p></blockquote>tres") == "CONFORME\nCarmen\nSoto V\n> uno\n> dos\ntres"


def test_the_lines_of_a_request_are_understood() -> None:
    found = asked.asked("Carpeta perdida",
                        "Buenos días\nOficina: Logística\nSISTEMA:  siga\n- Ruta: \"contratos/2026\"\nRuta: b\nPerdido: 22/11/2026 a las 10:30\n")
    assert (found.office, found.system, found.paths, found.lost_at) == ("Logística", "siga", ("contratos/2026", "b"), "2026-11-22 10:30")
    assert found.what.startswith("Carpeta perdida Buenos días")
    assert asked.asked("", "Fecha de pérdida: 2026-11-22").lost_at == "2026-11-22" and asked.asked("", "Perdido: ayer").lost_at == ""
    assert len(asked.asked("x", "y" * 10_000).what) < 700 and len(asked.asked("", "Ruta: a\n" * 500).paths) <= 50


@pytest.mark.parametrize(("lines", "until"), [
    ("Conservar la copia hasta: 31/03/2027", "2027-03-31"), ("- CONSERVAR HASTA EL : 2027-03-31 (fin del proceso)", "2027-03-31"),
    ("Conservar hasta: 31/03/2027\nConservar hasta: 2027-03-31", "2027-03-31"), ("Conservar hasta: 31/03/2027\nConservar hasta: 31/03/2036", ""),
    ("Conservar hasta: 31/03/2027 o 31/03/2036", ""), ("Conservar hasta: siempre", ""), ("Conservar hasta: 31/03/2027\nConservar hasta: siempre", "")])
def test_a_copy_is_kept_until_one_day_or_until_that_of_the_policy(lines: str, until: str) -> None:
    found = asked.asked("Correo", lines)
    assert (found.keeps, found.until) == (True, until) and found.lost_at == ""
    assert asked.asked("Conservar hasta: 31/03/2027", "Se perdió").keeps is False, "a subject says nothing"
