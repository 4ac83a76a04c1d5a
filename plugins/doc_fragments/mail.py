# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the option that says how mail is sent."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
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
          - V(none) sends in clear, and is refused with O(mail.password).
        type: str
        choices: [starttls, tls, none]
        default: starttls
      ca_file:
        description: Certificates (PEM) of the authority that signed the server's. By default those of the system.
        type: path
      username:
        description: The account.
        type: str
      password:
        description: Its password.
        type: str
      sender:
        description: Address that the mail comes from.
        type: str
        required: true
      to:
        description: Addresses that it goes to.
        type: list
        elements: str
        required: true
"""
