# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the official clients, unmodified, are led to the fake."""

from __future__ import annotations

from typing import Any

from azure.core.credentials import AccessToken
from login import token

from .server import SUBSCRIPTION, FakeArm


class Bearer:
    """What the official clients ask for a token."""

    def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:
        return AccessToken(token("https://management.azure.com"), 2 ** 32)


def client(kind: Any, arm: FakeArm, version: str, **more: Any) -> Any:
    """A client of a class such as RecoveryServicesClient, for one version of the API."""
    options = {"base_url": arm.url, "credential_scopes": ["https://management.azure.com/.default"], "api_version": version, "connection_verify": str(arm.ca)}
    return kind(Bearer(), SUBSCRIPTION, **{**options, **more})
