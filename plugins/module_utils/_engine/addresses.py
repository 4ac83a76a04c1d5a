# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of servers, of IPv4 and IPv6 alike: people write `[2001:db8::5]` as in a URL, and the tools want it bare; beside a port it needs its brackets."""

from __future__ import annotations

from typing import Any

# A name or an address of IPv4 (no colon), one of IPv6 (two at least) with its zone, or that in brackets. A host with its port, `bd1:5432`, is none.
_SIX = r"[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9._-]+)?"
HOST = r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,254}|" + _SIX + r"|\[" + _SIX + r"\])"


def bare(host: str) -> str:
    """A host as ssh, libpq and the clients of MariaDB take it."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def beside(host: str) -> str:
    """A host as it stands before a colon."""
    return "[{0}]".format(host) if ":" in host and not host.startswith("[") else host


def with_port(host: str, port: Any) -> str:
    return "{0}:{1}".format(beside(host), port) if port else host


class Tunnelled:
    """Put before http.client's connection: to an address of IPv6 Python before 3.12 asks a proxy for `CONNECT ::1:443`, which is none."""

    def _tunnel(self) -> None:
        host, told = str(self._tunnel_host), self.__dict__     # type: ignore[attr-defined]
        told["_tunnel_host"] = beside(host)
        try:
            super()._tunnel()     # type: ignore[misc]
        finally:
            told["_tunnel_host"] = host
