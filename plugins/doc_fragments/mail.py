# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that say how mail is sent: by which server, and to whom."""

from __future__ import annotations

_SERVER = r"""
options:
  mail:
    description: Send by mail, in plain text and HTML.
    type: dict
    suboptions:
      host:
        description: The mail server (SMTP).
        type: str
        required: true
      port:
        description: Its port.
        type: int
        default: 587
      security:
        description:
          - V(starttls) asks for TLS before anything else and fails without it; V(tls) speaks TLS from the start, usually on port 465.
          - V(none) sends in clear, and is refused with O(mail.password) and O(mail.oauth).
        type: str
        choices: [starttls, tls, none]
        default: starttls
      ca_file:
        description: Certificates (PEM) of the authority that signed the server's. By default those of the system.
        type: path
      username:
        description: The account. A relay that takes mail from this address asks for none.
        type: str
      password:
        description: Its password.
        type: str
      oauth:
        description:
          - Instead of a password, an application registered in Microsoft Entra ID that may send as O(mail.username) (C(SMTP.SendAsApp)).
          - Exchange Online takes no passwords any more.
        type: dict
        suboptions:
          tenant:
            description: Identity or name of the tenant.
            type: str
            required: true
          client_id:
            description: Identity of the application.
            type: str
            required: true
          client_secret:
            description: Its secret.
            type: str
            required: true
          scope:
            description: What the token is for.
            type: str
            default: https://outlook.office365.com/.default
          authority:
            description: Where tokens are given.
            type: str
            default: https://login.microsoftonline.com
          ca_certs:
            description: Certificate of the authority that signed its own, as text or as the path of its file on the controller.
            type: str
          proxy:
            description: Proxy by which it is reached.
            type: str
      sender:
        description: Address that the mail comes from.
        type: str
        required: true
"""


class ModuleDocFragment:
    # annotated: ansible-test reads the YAML of plain assignments, and takes each for a literal
    SERVER: str = _SERVER
    DOCUMENTATION: str = _SERVER + r"""
      to:
        description: Addresses that it goes to.
        type: list
        elements: str
        required: true
"""
