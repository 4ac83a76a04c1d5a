# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throw-away Dovecot of an account that nobody has: its synchroniser brings a mailbox into a Maildir, and its IMAP shows what a Maildir holds.

No server is started and nothing of the system's own Dovecot is read: the programs get a configuration of this run alone.
"""

from __future__ import annotations

import contextlib
import os
from typing import Dict, Iterator, Optional

from ..errors import BackupError
from ..filesystem import descriptors, system_calls
from ..processes import programs, stranger
from ..processes.pipeline import Stage, capture
from ..processes.workspace import Workspace
from .imap_session import Piped

_USER = "buzon"
_LONGEST = 24 * 3600.0
_AGAIN = 2            # what dsync ends with when something changed that another pass brings
_CONFIGURATION = """log_path = /dev/stderr
base_dir = {top}/run
state_dir = {top}/run
mail_home = {top}/{user}
mail_location = maildir:~/Maildir:LAYOUT=fs:INDEX={top}/{user}/index
mail_save_crlf = yes
mail_fsync = never
ssl = no
namespace inbox {{
  inbox = yes
  prefix =
  separator = {separator}
}}
"""
_FAR = """imapc_host = 127.0.0.1
imapc_port = {port}
imapc_ssl = no
imapc_user = {user}
imapc_password = {word}
imapc_features = rfc822.size fetch-headers fetch-fix-broken-mails
mail_prefetch_count = {ahead}
"""


class Dovecot:
    """What runs in a workspace of ours: the Maildir lies in its directory `buzon`, which belongs to the account."""

    ahead = 0      # mails that the synchroniser asks for beyond the one that it writes

    def __init__(self, workspace: Workspace, separator: str) -> None:
        # it comes from a server or a manifest, and stands in a configuration
        if len(separator) > 1 or separator and (not separator.isprintable() or separator.isspace() or separator in '#$<{}"\\%'):
            raise BackupError("invalid_input", where="separator", value=separator[:20], problem="parts no levels of folders",
                              mend="The copy or the server that says so is not to be believed.")
        self.workspace, self.separator = workspace, separator
        self.account: Optional[programs.Account] = stranger.account() if os.geteuid() == 0 else None
        # the account passes through and lists nothing
        descriptors.give(workspace.held, gid=self.account.gid if self.account else -1, mode=0o710)
        self.held = descriptors.make_directory(workspace.held, _USER)
        if self.account:
            descriptors.give(self.held, self.account.uid, self.account.gid, 0o700)
        self.home = os.path.join(workspace.path, _USER)

    @contextlib.contextmanager
    def reaching(self, above: str) -> Iterator[None]:
        """The private directory that the workspace lies in can be passed through by the account, and by nobody else, while the block runs."""
        held = os.open(above, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if self.account:
                descriptors.give(held, -1, self.account.gid, 0o710)
            try:
                yield
            finally:
                if self.account:
                    descriptors.give(held, -1, os.getegid(), 0o700)
        finally:
            os.close(held)

    def close(self) -> None:
        os.close(self.held)

    def _configured(self, name: str, more: str = "") -> str:
        told = _CONFIGURATION.format(top=self.workspace.path, user=_USER, separator=self.separator or "/") + more
        held = descriptors.create(self.workspace.held, name)
        with os.fdopen(held, "w", encoding="utf-8") as file:
            file.write(told)
            file.flush()
            if self.account:
                descriptors.give(held, self.account.uid, self.account.gid, 0o600)
        return self.workspace.file(name)

    def _environment(self) -> Dict[str, str]:
        return programs.environment(USER=_USER, HOME=self.home)

    def synchronise(self, port: int, word: str, pass_number: int) -> str:
        """Bring what the server behind the door has. Gives what the program complained of; "" where it says that all was brought.

        Whether it did is not believed: who calls compares. Raises OSError where what it wrote can't be kept: that is asked for once, of all of it, in
        place of a wait of the program's for each mail.
        """
        path = self._configured("conf.{0}".format(pass_number), _FAR.format(port=port, user=_USER, word=word, ahead=self.ahead))
        stage = Stage("doveadm", [_doveadm(), "-c", path, "backup", "-R", "imapc:"], self._environment(), account=self.account,
                      accepted=frozenset((0, _AGAIN)), limit=_LONGEST)
        said = ""
        try:
            capture(stage)
        except BackupError as error:
            if error.fault.name != "stage_failed":
                raise
            said = str(error.details["detail"]) or str(error.details["status"])
        system_calls.settled(self.held)
        return said

    def session(self) -> Piped:
        """IMAP over the Maildir as it lies here: the program itself, by its standard input and output."""
        return Piped([_doveadm(), "-c", self._configured("conf.show"), "exec", "imap"], self._environment(), self.account)


def _doveadm() -> str:
    return programs.find("doveadm", "dovecot-imapd")
