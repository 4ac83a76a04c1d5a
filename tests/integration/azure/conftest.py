# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service for the session, a container and a relay for each test, and media as servers and the controller have them."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media import catalogue
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.media.azure_blob import AzureBlob
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._azure import sas
from azure.storage.blob import BlobServiceClient, ContainerClient

sys.path.insert(0, str(Path(__file__).parent))
from bench import ACCOUNT, KEY, Azurite, Relay


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    service = Azurite(tmp_path_factory.mktemp("azurite") / "service")
    yield service
    service.stop()


class Bench:
    """A container, and ways to it."""

    def __init__(self, azurite: Azurite) -> None:
        self.azurite = azurite
        self.relay = Relay(azurite.port)
        self.container = "c" + uuid.uuid4().hex[:20]
        self.client: ContainerClient = BlobServiceClient(
            azurite.url, credential={"account_name": ACCOUNT, "account_key": KEY}, connection_verify=str(azurite.ca)).get_container_client(self.container)
        self.client.create_container()
        self.media: list[AzureBlob] = []

    def sign(self, permissions: str = "rcwldt", seconds: int = 3600, blob: str = "") -> str:
        return sas.sign(KEY, ACCOUNT, self.container, blob, permissions, seconds)

    def options(self, **changed: Any) -> dict[str, Any]:
        told = {"name": "nube", "type": "azure_blob", "storage_account_name": ACCOUNT, "endpoint": self.relay.url, "container": self.container,
                "ca_certs": str(self.azurite.ca), "retry_seconds": 20}
        told["session"] = {"keys": {"*": self.sign()}, **changed.pop("session", {})}
        return {**told, **changed}

    def medium(self, **changed: Any) -> AzureBlob:
        medium = catalogue.build(self.options(**changed))
        assert isinstance(medium, AzureBlob)
        self.media.append(medium)
        return medium

    def names(self) -> list[str]:
        return sorted(blob.name for blob in self.client.list_blobs())

    def close(self) -> None:
        for medium in self.media:
            medium.close()
        self.relay.close()


@pytest.fixture
def bench(azurite: Azurite) -> Iterator[Bench]:
    made = Bench(azurite)
    yield made
    made.close()
