# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The board, the bitácora of a month, the compliance matrix and the index of the evidence pack, in a real Chromium: on a desktop, on a phone, on paper."""

from __future__ import annotations

import re
import subprocess

import pytest
from institution import HOSTILE

PAGES = ("board", "bitacora", "compliance", "index")
PAPER = {"board": (1047, 12), "bitacora": (1047, 20), "compliance": (1047, 25), "index": (688, 3)}  # CSS pixels between the margins, most sheets

# Contrast of WCAG 2 of every text that is seen, over the colour that is really behind it. Only opaque and half transparent colours: no page has images.
CONTRAST = """() => {
  const parse = text => { const found = text.match(/[\\d.]+/g).map(Number); return found.length < 4 ? [...found, 1] : found };
  const over = (top, under) => top.slice(0, 3).map((value, i) => value * top[3] + under[i] * (1 - top[3])).concat(1);
  const straight = value => value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const light = colour => 0.2126 * straight(colour[0]) + 0.7152 * straight(colour[1]) + 0.0722 * straight(colour[2]);
  const behind = element => {
    const up = [];
    for (let each = element; each; each = each.parentElement) up.unshift(parse(getComputedStyle(each).backgroundColor));
    return up.reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const bad = new Map(); let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.textContent.trim() || ["SCRIPT", "STYLE"].includes(element.tagName) || !element.getClientRects().length) continue;
    const style = getComputedStyle(element), ground = behind(element), ink = over(parse(style.color), ground);
    const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a), ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
    seen++;
    const text = node.textContent.trim().slice(0, 40);
    if (ratio < (large ? 3 : 4.5)) bad.set(element.className + ": " + style.color + " on " + ground, ratio.toFixed(2) + " " + text);
  }
  return [seen, [...bad]];
}"""


def focused(tab):
    """What has the focus, whether it shows, and whether it is within the window."""
    return tab.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
        return {tag: e.tagName, text: e.textContent.trim().slice(0, 60), href: e.getAttribute("href"),
                ring: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2,
                inside: b.bottom > 0 && b.top < innerHeight && b.right > 0 && b.left < innerWidth} }""")


def tabbed(tab, most=400):
    """Everything that Tab reaches, in its order, up to the end of the page."""
    found = []
    for _time in range(most):
        tab.keyboard.press("Tab")
        there = focused(tab)
        if there["tag"] == "BODY":
            break
        found.append(there)
    return found


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_asked_of_a_network_and_nothing_goes_wrong(show, pages, name, width):
    tab = show(name, width)
    tab.wait_for_load_state("networkidle")
    assert tab.asked == [pages[name].as_uri()]
    assert tab.said == []


@pytest.mark.parametrize("name", PAGES)
def test_the_policy_of_a_page_lets_nothing_out(show, name):
    tab = show(name)
    answer = tab.evaluate("""() => new Promise(done => { const image = new Image(); image.onerror = () => done("refused"); image.onload = () => done("let out");
        image.src = "https://mal.example/x.png"; document.body.append(image) })""")
    assert answer == "refused"
    assert any("Content Security Policy" in told for told in tab.said)


@pytest.mark.parametrize("width", [1280, 800, 390, 320])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_its_window(show, name, width):
    tab = show(name, width)
    wide, room = tab.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room
    # what is wider scrolls in a place of its own, which the keyboard reaches
    hidden = tab.evaluate("""() => [...document.querySelectorAll("table")].filter(t => t.getBoundingClientRect().width > document.documentElement.clientWidth)
        .filter(t => !t.closest(".table, .scroll, section")).length""")
    assert hidden == 0


@pytest.mark.parametrize("width, column", [(1280, "observaciones"), (390, "resultado")])
def test_what_the_bitacora_says_of_a_copy_is_seen_before_anybody_scrolls(show, width, column):
    tab = show("bitacora", width)
    assert tab.evaluate("name => document.querySelector('th.c-' + name).getBoundingClientRect().right", column) <= width


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_every_text_has_the_contrast_that_wcag_asks_for(show, name, width):
    tab = show(name, width)
    tab.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
    seen, bad = tab.evaluate(CONTRAST)
    assert seen > 40
    assert bad == []


def test_the_contrast_test_sees_a_pale_text(show):
    tab = show("index")
    tab.evaluate("() => document.querySelector('h1').style.color = '#aaaaaa'")
    assert [told.split()[1] for _where, told in tab.evaluate(CONTRAST)[1]] == ["Paquete"]


@pytest.mark.parametrize("name, cells, states", [
    ("board", ".heat td", {"g": "B", "l": "T", "f": "F", "d": "D", "m": "A", "n": "·"}),
    ("compliance", ".grid td.state", {"met": "●", "late": "▲", "missing": "■", "excused": "◆", "pending": "○", "none": "·"}),
])
def test_no_colour_stands_without_its_sign(show, name, cells, states):
    tab = show(name)
    found = tab.evaluate("""cells => { const found = {}; for (const cell of document.querySelectorAll(cells)) {
        const state = cell.className.replace("state ", ""); (found[state] = found[state] || new Set()).add(cell.textContent.trim().split(" ")[0]) }
        return Object.fromEntries(Object.entries(found).map(([state, signs]) => [state, [...signs]])) }""", cells)
    assert found == {state: [sign] for state, sign in states.items()}
    # and each sign is told in words beside
    legend = tab.locator(".legend").first.inner_text()
    assert all(sign in legend for sign in states.values())


def test_lights_and_proofs_have_a_sign_and_a_word(show):
    tab = show("board")
    lights = tab.eval_on_selector_all(".light", "all => all.map(each => [each.className, each.querySelector('b').textContent])")
    words = {"light good": "●Al día", "light late": "▲Por hacer hoy", "light missing": "■Vencida"}
    assert {(state, words[state]) for state, _text in lights} == {tuple(each) for each in lights} and len(lights) == 4
    signs = tab.eval_on_selector_all("td.t-good, td.t-late:not(.num), td.t-missing:not(.num)",
                                     "all => all.map(each => each.className + each.textContent.trim()[0])")
    assert set(signs) <= {"t-good●", "t-late▲", "t-missing■"} and len(signs) > 50


@pytest.mark.parametrize("name", PAGES)
def test_hostile_names_are_text(show, name):
    tab = show(name)
    assert tab.title() not in ("", "mal")
    assert tab.evaluate("document.images.length") == 0
    assert tab.locator("script").count() == (2 if name == "board" else 0)
    if name != "index":
        text = tab.evaluate("document.body.textContent")
        assert HOSTILE[0] in text and HOSTILE[2] in text and "49" not in re.findall(r"&amp;(.{0,12})", text)[0]
    if name == "compliance":
        assert HOSTILE[1] in tab.evaluate("document.body.textContent")


@pytest.mark.parametrize("name", PAGES)
def test_tab_reaches_every_link_that_is_seen_and_shows_where_it_is(show, name):
    tab = show(name, 1280)
    if name in ("bitacora", "compliance"):
        # thousands of links: their order is that of the page
        found = tabbed(tab, 30)
    else:
        found = tabbed(tab)
        seen = tab.evaluate("[...document.querySelectorAll('a:not(.skip)')].filter(each => each.checkVisibility()).map(each => each.getAttribute('href'))")
        assert [each["href"] for each in found if each["tag"] == "A" and each["href"] != "#principal"] == seen
    assert found
    assert [each for each in found if not each["ring"]] == []
    assert [each for each in found if not each["inside"]] == []


def test_the_board_by_keyboard_alone(show):
    tab = show("board")
    tab.keyboard.press("Tab")
    assert focused(tab)["text"] == "Ir al contenido"
    while focused(tab)["tag"] != "SUMMARY":
        tab.keyboard.press("Tab")
    assert not tab.locator("#hoy").evaluate("each => each.open")
    tab.keyboard.press("Enter")
    assert tab.locator("#hoy").evaluate("each => each.open")
    while not (focused(tab)["href"] or "").startswith("#n"):
        tab.keyboard.press("Tab")
    link = focused(tab)
    tab.keyboard.press("Enter")
    dialog = tab.locator("#detalle")
    dialog.wait_for(state="visible")
    assert f"Asiento {link['text']}" in dialog.inner_text()
    tab.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert focused(tab)["text"] == link["text"]
    while focused(tab)["tag"] != "TD":
        tab.keyboard.press("Tab")
    first = tab.locator("#dice").text_content()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("End")
    tab.keyboard.press("ArrowLeft")
    assert tab.locator("#dice").text_content() == "Antivirus, 23/11/2026: Buena" != first
    tab.keyboard.press("Enter")
    dialog.wait_for(state="visible")
    assert "Antivirus_20261123" in dialog.inner_text()
    assert tab.said == []


def test_a_cell_of_compliance_leads_to_its_entries(show):
    tab = show("compliance")
    cell = tab.get_by_role("link", name="Catálogos Electrónicos, 2026-10: justificada; 4 de 5")
    cell.focus()
    tab.keyboard.press("Enter")
    row = tab.locator(":target")
    assert "Catálogos Electrónicos" in row.inner_text()
    # a window scrolls by whole pixels, and a row may begin within one
    assert -1 < row.evaluate("each => each.getBoundingClientRect().top") < 900
    excuse = tab.locator("tr[id^=n]", has_text="Catálogos Electrónicos").filter(has_text="Ausencia justificada").get_attribute("id")
    entry = row.locator(f"a[href='#{excuse}']")
    entry.focus()
    tab.keyboard.press("Enter")
    assert "Corte de energía en el centro de datos" in tab.locator(":target").inner_text()


def test_every_link_within_a_page_has_its_place(show):
    for name in PAGES:
        tab = show(name)
        broken = tab.evaluate("""() => [...document.querySelectorAll("a[href^='#']")].map(each => each.getAttribute("href").slice(1))
            .filter(id => !document.getElementById(id) && !/^n\\d+$/.test(id))""")
        assert broken == []
        if name == "board":
            told = tab.evaluate("""() => { const known = new Set(JSON.parse(document.getElementById("datos").textContent).rows.map(row => "#n" + row[0]));
                return [...document.querySelectorAll("a[href^='#n']")].filter(each => !known.has(each.getAttribute("href"))).length }""")
            assert told == 0
        elif name == "compliance":
            assert tab.evaluate("[...document.querySelectorAll(\"a[href^='#n']\")].filter(each => !document.getElementById(each.hash.slice(1))).length") == 0


def test_the_index_leads_to_every_file_of_the_pack(show, pages):
    tab = show("index")
    linked = tab.evaluate("[...document.querySelectorAll('a')].map(each => each.getAttribute('href'))")
    there = {str(path.relative_to(pages["index"].parent)) for path in pages["index"].parent.rglob("*") if path.is_file()}
    assert set(linked) == there - {"INDICE.html"}
    tab.get_by_role("link", name="cumplimiento/cumplimiento.html").press("Enter")
    tab.wait_for_url("**/cumplimiento.html")
    assert "Cumplimiento" in tab.title()


# -- paper -------------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PAGES)
def test_on_paper_no_column_is_cut(show, tmp_path, name):
    width, most = PAPER[name]
    tab = show(name, width)
    tab.emulate_media(media="print")
    wide = tab.evaluate("""() => [...document.querySelectorAll("table")].map(each => each.getBoundingClientRect())
        .filter(box => box.width && box.right > innerWidth + 1).length""")
    assert wide == 0 and tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True, print_background=True)
    told = subprocess.run(["pdfinfo", tmp_path / "page.pdf"], capture_output=True, text=True, check=True).stdout
    count = int(re.search(r"Pages: +(\d+)", told)[1])
    assert 1 <= count <= most
    words = subprocess.run(["pdftotext", "-bbox", tmp_path / "page.pdf", "-"], capture_output=True, text=True, check=True).stdout
    sheet = float(re.search(r'<page width="([\d.]+)"', words)[1])
    edges = [(float(left), float(right)) for left, right in re.findall(r'<word xMin="([-\d.]+)" yMin="[-\d.]+" xMax="([-\d.]+)"', words)]
    assert len(edges) > 100 and min(left for left, _right in edges) > 0 and max(right for _left, right in edges) < sheet
    text = subprocess.run(["pdftotext", "-layout", tmp_path / "page.pdf", "-"], capture_output=True, text=True, check=True).stdout.split("\f")[:count]
    assert all(f"{number} de {count}" in sheet_text for number, sheet_text in enumerate(text, 1))
    if name == "bitacora":
        # its heading on every sheet that has rows, and the digest at every foot
        assert all("Huella" in each and "Observaciones" in each for each in text if re.search(r"\d\d/10/2026 +\d\d:\d\d", each))
        assert all("digesto" in each for each in text)
    if name == "board":
        assert all("Bitácora hasta el asiento" in each for each in text)


def test_the_board_opens_its_months_for_paper_and_not_what_is_only_due_today(show):
    tab = show("board")
    tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = false)")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate("[...document.querySelectorAll('details')].filter(each => !each.open).map(each => each.id)") == ["hoy"]
