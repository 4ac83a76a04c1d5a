# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of each kind under the production's host names, through a proxy with a password, and what other people's tools make of them:
the official SDK, azcopy and rclone read ours byte for byte, and what they write there is told as strays.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient
from bench import ACCOUNT, Proxy, azcopy
from databases.conftest import PASSWORD, Maria, Postgres, running
from test_cloud_plays import House, rows

HOST = f"{ACCOUNT}.blob.core.windows.net"


@pytest.fixture
def proxy(azurite):
    made = Proxy(azurite.port, "secreta")
    yield made
    made.close()


@pytest.fixture
def house(tmp_path, bench, proxy):
    made = House(tmp_path, bench)
    del made.cloud["endpoint"]
    made.cloud["proxy"] = made.proxy = proxy.url.replace("//", "//ana:secreta@")
    yield made
    made.close()


@pytest.fixture
def server(request):
    """A real server of databases of the test's own."""
    yield from running(*request.param)


class Tools:
    """azcopy, rclone and the SDK with one signature for the container, through the proxy."""

    def __init__(self, house, permissions):
        self.house, self.container = house, house.bench.container
        self.url = f"https://{HOST}/{self.container}"
        self.signature = house.bench.sign(permissions)
        ca = str(house.bench.azurite.ca)
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(house.top), "HTTPS_PROXY": house.proxy, "SSL_CERT_FILE": ca, "AZCOPY_DISABLE_SYSLOG": "true",
            "AZCOPY_LOG_LOCATION": str(house.top / "azcopy"), "AZCOPY_JOB_PLAN_LOCATION": str(house.top / "azcopy")}

    def run(self, *command):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def azcopy(self, source, target):
        self.run(azcopy(), "copy", source, target, "--recursive", "--skip-version-check", "--output-level", "essential")

    def rclone(self, source, target):
        self.run("rclone", "--config", "/dev/null", "--ca-cert", self.environment["SSL_CERT_FILE"], "copy", source, target)

    def address(self, path):
        return f"{self.url}/{path}?{self.signature}"

    def remote(self, path):
        return f":azureblob,sas_url='{self.url}?{self.signature}':{self.container}/{path}"

    def sdk(self, path):
        """The blobs below a path, by the official SDK."""
        client = ContainerClient.from_container_url(
            f"{self.url}?{self.signature}", connection_verify=self.environment["SSL_CERT_FILE"], proxies={"https": self.house.proxy})
        return {blob.name[len(path) + 1:]: client.download_blob(blob.name).readall() for blob in client.list_blobs(name_starts_with=path + "/")}


def contents(directory):
    return {path.name: path.read_bytes() for path in Path(directory).iterdir()}


def whole(directory):
    """The copy opens with stock tools: sha256sum takes its list."""
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=directory, check=True)


def test_each_kind_goes_there_and_comes_back_and_others_read_it(house, proxy):
    house.good("database.yml")
    house.good("source_code.yml")
    copied = {entry["kind"]: entry for entry in house.entries("copy_made")}
    told = {name: f"lima/{name}/{entry['system']}/{entry['label']}" for name, entry in copied.items()}
    assert copied["database"]["location"] == f"https://{HOST}/{house.bench.container}/{told['database']}"
    assert set(proxy.asked) == {f"{HOST}:443"}, "nobody went past the proxy, and nobody asked for another name"
    tools = Tools(house, "rl")
    for name, path in told.items():
        by_azcopy, by_rclone = house.top / "azcopied" / name, house.top / "rcloned" / name
        by_azcopy.mkdir(parents=True)
        tools.azcopy(tools.address(path + "/*"), str(by_azcopy))
        tools.rclone(tools.remote(path), str(by_rclone))
        assert contents(by_azcopy) == contents(by_rclone) == tools.sdk(path)
        assert set(contents(by_azcopy)) == {part["name"] for part in copied[name]["parts"]} | {"SHA256SUMS"}
        whole(by_azcopy)
    restore = "restore_host=localhost restore_requester=Ana restore_kind={0} restore_system={1} restore_target={2}"
    house.good("restore.yml", "-e", restore.format("database", "SIGA", house.top / "vuelta.sqlite"))
    assert rows(house.top / "vuelta.sqlite") == rows(house.top / "siga.sqlite")
    house.good("restore.yml", "-e", restore.format("source_code", "Portal", house.top / "vuelta"))
    heads = [subprocess.run(["git", "-C", path, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
             for path in (house.top / "fuentes", house.top / "vuelta")]
    assert heads[0] == heads[1]


def test_copies_made_by_other_tools_are_told_as_strays(house):
    """Even whole ones, byte for byte like ours: no entry of the bitácora names them."""
    house.good("database.yml")
    label = house.entries("copy_made")[0]["label"]
    tools = Tools(house, "rcwl")
    ours = house.top / "ours"
    tools.rclone(tools.remote(f"lima/database/SIGA/{label}"), str(ours))
    tools.azcopy(str(ours) + "/*", tools.address("lima/database/SIGA/SIGA_20200101"))
    tools.rclone(str(ours), tools.remote("lima/database/SIGA/SIGA_20200102"))
    assert contents(ours) == tools.sdk("lima/database/SIGA/SIGA_20200101") == tools.sdk("lima/database/SIGA/SIGA_20200102")
    house.good("reconcile.yml")
    assert sorted(entry["label"] for entry in house.entries("stray_found")) == ["SIGA_20200101", "SIGA_20200102"]


def test_a_proxy_that_asks_for_another_password_is_told(house, proxy):
    house.cloud["proxy"] = proxy.url.replace("//", "//ana:otra@")
    house.cloud["retry_seconds"] = 1
    done = house.run("database.yml")
    assert done.returncode != 0 and "RSP406" in done.stdout and "407" in done.stdout and "otra" not in done.stdout, done.stdout
    assert proxy.asked == []


@pytest.mark.parametrize("server", [(Postgres, "postgres", "postgresql"), (Maria, "mysql", "mariadb-server")], indirect=True, ids=["postgresql", "mariadb"])
def test_databases_of_servers_go_there_and_come_back(house, server):
    """Straight from the server's dump; criticality alta also proves the copy by restoring it from the cloud."""
    server.sql("CREATE DATABASE siga")
    server.sql("CREATE TABLE expediente (numero int PRIMARY KEY, asunto text, detalle text)", "siga")
    for first in range(0, 6000, 1000):
        server.sql("INSERT INTO expediente VALUES " + ",".join(f"({number}, 'Trámite N° {number}', '{os.urandom(400).hex()}')"
                                                               for number in range(first, first + 1000)), "siga")
    kind = "postgresql" if isinstance(server, Postgres) else "mariadb"
    reached = server.options(host="127.0.0.1", password=PASSWORD) if kind == "postgresql" else server.options()
    house.database = {"source": {"type": kind, "databases": ["siga"], **reached}}
    house.good("database.yml")
    copied = house.entries("copy_made")[0]
    assert copied["location"] == f"https://{HOST}/{house.bench.container}/lima/database/SIGA/{copied['label']}" and copied["source_type"] == kind
    assert copied["size"] > 2_000_000 and house.entries("copy_verified")[0]["trust_level"] == "T3"
    house.good("restore.yml", "-e", "restore_host=localhost restore_requester=Ana restore_kind=database restore_system=SIGA "
                                    "restore_target=siga_vuelta")
    listed = "SELECT numero, asunto, detalle FROM expediente ORDER BY numero"
    assert server.sql(listed, "siga_vuelta") == server.sql(listed, "siga")
