# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that say how mail is sent, by which server and to whom, and of the mailbox that is read."""

from __future__ import annotations

# Of an application that a token is asked for, below the option that names it.
_APPLICATION = r"""        type: dict
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
"""

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
""" + _APPLICATION + r"""      sender:
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
    MAILBOX: str = r"""
options:
  mailbox:
    description: The mailbox.
    type: dict
    required: true
    suboptions:
      host:
        description: The mail server.
        type: str
        required: true
      port:
        description: Its port.
        type: int
        default: 993
      security:
        description: Whether TLS is spoken from the start or after STARTTLS. Its certificate is verified; nothing is read in clear.
        type: str
        choices: [tls, starttls]
        default: tls
      ca_file:
        description: Certificates (PEM) of the authority that signed the server's. By default those of the system.
        type: path
      username:
        description: The account.
        type: str
        required: true
      password:
        description: Its password.
        type: str
      token:
        description: Instead of it a token of OAuth2, sent by XOAUTH2, which something else keeps fresh.
        type: str
      oauth:
        description:
          - Instead of both, an application registered in Microsoft Entra ID (client credentials), with the permission C(IMAP.AccessAsApp) and rights on the
            mailbox of O(mailbox.username). A token is asked for in each run.
""" + _APPLICATION + r"""      folder:
        description: The folder that is read.
        type: str
        default: INBOX
      taken:
        description: Where mails go that led to what they asked for, or that ask for nothing. Made when it is not there.
        type: str
        default: Atendidos
      set_aside:
        description: Where mails go that a person must look at. Made when it is not there.
        type: str
        default: Revisar
      most:
        description: How many mails one run reads.
        type: int
        default: 100
      largest_mib:
        description: A larger mail is set aside without being read.
        type: int
        default: 25
"""
