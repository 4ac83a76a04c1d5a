# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a mailbox's source (_source_options.py: MAILBOX_SOURCE), and those of its tokens, which source.py has too."""

from __future__ import annotations

OAUTH = r"""
      oauth:
        description:
          - "V(imap), V(graph): the application of Microsoft's identity platform that reads the mailbox, by client credentials. V(graph) needs it; V(imap) takes
            it in place of O(source.password), by OAUTHBEARER or XOAUTH2. The server that copies asks for the tokens."
        type: dict
        suboptions:
          tenant:
            description: The directory (tenant) of the application.
            type: str
            required: true
          client_id:
            description: The application.
            type: str
            required: true
          client_secret:
            description: Its secret, unless it shows a certificate. It goes to O(source.oauth.authority) only.
            type: str
            default: ""
          certificate:
            description: In place of a secret the certificate (PEM) that the application is registered with, as text or as the path of a file on this server.
            type: str
            default: ""
          private_key:
            description: The RSA key of O(source.oauth.certificate), PEM without a passphrase. It signs here (by C(openssl)) and goes nowhere.
            type: str
            default: ""
          scope:
            description: What the token is for. By default C(https://outlook.office365.com/.default), with V(graph) the endpoint's C(/.default).
            type: str
            default: ""
          authority:
            description: The identity service. By default C(https://login.microsoftonline.com); national clouds have others.
            type: str
            default: ""
          ca_certs:
            description: Certificates (PEM) to trust for it, and with V(graph) for the endpoint, in place of the system's; text, or a file of this server.
            type: str
            default: ""
          proxy:
            description: Proxy (C(http://host:port)) for it, and with V(graph) for the endpoint.
            type: str
            default: ""
      endpoint:
        description: "V(graph): the service. By default C(https://graph.microsoft.com); national clouds have others."
        type: str
        default: ""
"""


class ModuleDocFragment:

    READING: str = r"""
options:
  source:
    description: The mailbox that is copied.
    required: true
    type: dict
    suboptions:
      host:
        description: "V(imap): the server of the mailbox, by the name that its certificate has. It is asked by IMAP over TLS from the first byte."
        type: str
        default: ""
      user:
        description: The account that reads the mailbox; of V(graph) the mailbox, by its address or identifier.
        type: str
        default: ""
      password:
        description: Its password, unless O(source.oauth) is given. The synchroniser never gets it. One that is refused is not tried again.
        type: str
        default: ""
      port:
        description: Port; 0 is 993.
        type: int
        default: 0
      ca_certs:
        description: Certificates (PEM) of the authority to trust in place of the system's, as text or as the path of a file on this server.
        type: str
        default: ""
""" + OAUTH.lstrip("\n") + r"""      work_dir:
        description:
          - Directory on this server with room for the mailbox, which lies there in a private directory until it was copied. Accounts without rights must be
            able to pass through it and those above. By default the system's own for temporary files.
        type: path
        default: ""
      on_missing:
        description:
          - What becomes of a copy that would not have all mails that the server has. V(refuse) makes it fail (RSP132). V(partial) copies the others, names
            those that are missing by folder and UID in the manifest, and tells of them in the warnings; such a copy is partial and never counts as a good one.
        type: str
        choices: [refuse, partial]
        default: refuse
      compare:
        description:
          - Of which mails the bytes are compared with the server's, beside number, UID and size of all. Of V(sample), 20 in each folder and those whose size
            the server tells differently; or of V(all), which reads the mailbox twice. With V(graph) a mail that is read again may have other separators and
            headers that Exchange writes anew; it is as it was when all else is.
        type: str
        choices: [sample, all]
        default: sample
      type:
        description: How it is read, by IMAP or by Microsoft Graph.
        type: str
        choices: [imap, graph]
        default: imap
"""
