# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepares a home directory for ansible-test: pip's configuration as a file, and the stand-in for get-pip in its cache."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ansible_test

PIP_VARIABLES_AS_FILE = {"cert": ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), "proxy": ("HTTPS_PROXY", "https_proxy")}


def pip_settings() -> configparser.ConfigParser:
    """All that pip goes by here, from files and from variables, as one configuration."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.add_section("global")
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True).stdout
    for line in listed.splitlines():
        # lines look like  global.cert='/path'  and, for a variable,  :env:.cert='/path'
        matched = re.match(r"(:env:|[\w-]+)\.([\w-]+)='(.*)'$", line)
        if matched and matched[2] != "config-file":
            section = "global" if matched[1] == ":env:" else matched[1]
            if not settings.has_section(section):
                settings.add_section(section)
            settings.set(section, matched[2], matched[3].replace("\\n", "\n"))
    for key, variables in PIP_VARIABLES_AS_FILE.items():
        found = next((os.environ[name] for name in variables if os.environ.get(name)), None)
        if found and not settings.has_option("global", key):
            settings.set("global", key, found)
    return settings


def get_pip_names() -> list[str]:
    """The file names under which this ansible-test looks for get-pip."""
    source = (Path(ansible_test.__file__).parent / "_internal" / "python_requirements.py").read_text(encoding="utf-8")
    return ["get_pip_{}.py".format(version.replace(".", "_")) for version in re.findall(r"\bpip='([\d.]+)'", source)]


def main(home: Path) -> None:
    """Writes both under `home`; raises SystemExit when this ansible-test no longer tells which get-pip it wants."""
    configuration = home / ".config" / "pip" / "pip.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.touch(mode=0o600)  # an index address may hold a password
    with configuration.open("w", encoding="utf-8") as stream:
        pip_settings().write(stream)
    names = get_pip_names()
    if not names:
        raise SystemExit("sanity_home: ansible-test no longer names its pip version in python_requirements.py")
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(Path(__file__).with_name("get_pip.py"), cache / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
