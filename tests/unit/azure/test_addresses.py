# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of IPv6 wherever an inventory may name a server, a proxy or a service."""

from __future__ import annotations

import contextlib
import re
import socket
import threading

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import addresses
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media import catalogue
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.azure_http import Place, Service
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.policy import far_media, forges, places, systems
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.mariadb_client import Connection
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.postgresql_server import Server
from ansible_collections.perucompras.respaldo.plugins.plugin_utils import _http

HOSTS = ["bd1", "bd1.example.org", "10.0.0.5", "::1", "2001:db8::5", "fe80::1%eth0", "[::1]", "[2001:db8::5]", "::ffff:10.0.0.5", "[fe80::1%eth0]"]
NONE = ["bd1:5432", "10.0.0.5:5432", "[::1]:10000", "[::1", "::1]", "[]", "-oProxyCommand=x", "bd1/x", "[bd1]", "a b", "bd1\n"]


def problems(check, value):
    found = []
    check(value, "host", found)
    return found


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_of_any_kind(host):
    bare = host.strip("[]")
    assert not problems(systems.HOST, host) and not problems(far_media.KEEPER, {"host": host})
    medium = catalogue.build({"name": "nas", "path": "/nas", "host": host, "user": "u"})
    assert medium.address.host == medium.host == bare and medium.place == ("u@[{0}]:/nas" if ":" in bare else "u@{0}:/nas").format(bare)
    postgresql, mariadb = Server(host, 5432), Connection(host, 3306)
    assert postgresql.host == mariadb.host == bare
    for told in (postgresql.address(), mariadb.address()):
        assert re.search(r" at \[[^\]]+\]:\d+$" if ":" in bare else r" at [^:]+:\d+$", told), told


@pytest.mark.parametrize("host", NONE)
def test_what_is_no_host_is_refused(host):
    """A port beside it too: it was taken, and no tool found that server."""
    assert problems(systems.HOST, host) and problems(far_media.KEEPER, {"host": host})
    with pytest.raises(BackupError, match="host"):
        catalogue.build({"name": "nas", "path": "/nas", "host": host})


@pytest.mark.parametrize("url", ["https://[2001:db8::5]", "https://[::1]:8443", "https://[::1]:8443/forja"])
def test_addresses_of_services(url):
    assert not problems(places._ADDRESS, url) and not problems(forges._ADDRESS, url)
    assert catalogue._ENDPOINT.match(url) and catalogue._PROXY.match("http://u:p@[::1]:3128")


@pytest.fixture
def proxy():
    """A proxy on ::1 that hears what it is asked for, and refuses."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    heard = []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _from = listener.accept()
                with connection:
                    heard.append(connection.recv(65536).split(b"\r\n")[0].decode())
                    connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield "http://[::1]:{0}".format(listener.getsockname()[1]), heard
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(30)


def test_through_a_proxy_to_an_address_of_ipv6(proxy):
    """Python before 3.12 asks for `CONNECT ::1:443`, which no proxy understands."""
    address, heard = proxy
    client = _http.Client({"proxy": address}, "x", "y", lambda _heard: "")
    with pytest.raises(_http.Trouble, match="407"):
        client.ask("GET", "https://[2001:db8::5]:8200/v1", {}, _http.Limits(10, 20, 1 << 10, 0))
    service = Service(Place("https://[2001:db8::5]", "copias", proxy=address), lambda _blob, _refused: pytest.fail("not reached"))
    connection, _kept = service._connection()
    with pytest.raises(OSError, match="407"):
        connection.connect()
    assert [line.rpartition(" ")[0] for line in heard] == ["CONNECT [2001:db8::5]:8200", "CONNECT [2001:db8::5]:443"]
    assert connection._tunnel_host == "2001:db8::5", "the name that its certificate must have"


def test_beside_a_port():
    assert addresses.with_port("::1", 22) == addresses.with_port("[::1]", 22) == "[::1]:22" and addresses.with_port("bd1", 0) == "bd1"
