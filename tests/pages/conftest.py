# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of an invented institution, and the Chromium of Debian that opens them from the disk."""

from __future__ import annotations

import shutil

import pytest
from institution import make_pages
from playwright.sync_api import sync_playwright

OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    return make_pages(tmp_path_factory.mktemp("institution"))


@pytest.fixture(scope="session")
def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "install Debian's package chromium, as tools/setup.sh does"
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def show(browser, pages):
    """show(name, width): the page in a tab of that width, with `asked`, all it asked for, and `said`, all its console and errors told."""
    opened = []

    def open_page(name, width=1280, height=900):
        context = browser.new_context(viewport={"width": width, "height": height}, locale="es-PE")
        opened.append(context)
        tab = context.new_page()
        tab.asked, tab.said = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("console", lambda message: tab.said.append(message.text))
        tab.on("pageerror", lambda error: tab.said.append(str(error)))
        tab.on("dialog", lambda dialog: (tab.said.append(dialog.message), dialog.dismiss()))
        tab.goto(pages[name].as_uri())
        return tab

    yield open_page
    for context in opened:
        context.close()
