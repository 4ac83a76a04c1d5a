# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPGP encryption by gpg: to the copy's password and to the custodians' public keys at once.

Each key opens the copy alone: whoever holds the password, or any custodian with a private key. gpg gets a home of its
own, so nothing of the server's keyrings is read or changed, and no agent outlives the call.
"""

from __future__ import annotations

import re
import subprocess
from typing import FrozenSet, Iterator, List, Sequence

from ..errors import BackupError
from ..processes import programs
from ..processes.pipeline import Stage, capture
from .keys import Keys

EXTENSION = ".gpg"
FORMATS = ("gpg", "7z")     # what a copy may be encrypted as; 7z: see seven_zip.py

# The passwords are random (over 190 bits), so stretching adds nothing: the lowest count spares a second a file.
_WRITE = ["--cipher-algo", "AES256", "--s2k-cipher-algo", "AES256", "--s2k-digest-algo", "SHA512", "--s2k-mode", "3",
          "--s2k-count", "65536", "--compress-algo", "none", "--trust-model", "always"]


class Gpg:
    """gpg with a home of its own under a private directory; use as a context manager."""

    extension = EXTENSION
    description = "OpenPGP, AES-256"

    def __init__(self, keys: Keys, scratch: str) -> None:
        self.keys = keys
        self.home = scratch
        self.program = programs.find("gpg", "gnupg")
        self.secrets: List[programs.Secret] = []

    def __enter__(self) -> "Gpg":
        try:
            for index, key in enumerate(self.keys.private_keys):
                self._import(index, key)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _import(self, index: int, key: str) -> None:
        secret = self._secret(key)
        try:
            capture(Stage("gpg --import", self._argv("--import", secret.path), self._environment(), (secret.descriptor,)))
        except BackupError as error:
            raise BackupError("invalid_input", where="decryption.private_keys[{0}]".format(index), value="(a key)",
                              problem="is not an OpenPGP private key: " + error.details["detail"],
                              mend="Give the key as written by gpg --armor --export-secret-keys.") from error

    def __exit__(self, *_unused: object) -> None:
        for secret in self.secrets:
            secret.close()
        if self.keys.private_keys:
            subprocess.run([programs.find("gpgconf", "gpgconf"), "--homedir", self.home, "--kill", "all"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def encryptor(self) -> Stage:
        """The stage that encrypts."""
        options = list(_WRITE)
        descriptors: List[int] = []
        if self.keys.password:
            options.append("--symmetric")
            descriptors += self._password(options)
        for key in self.keys.recipients:
            secret = self._secret(key)
            options += ["--recipient-file", secret.path]
            descriptors.append(secret.descriptor)
        if self.keys.recipients:
            options.append("--encrypt")
        return Stage("gpg --encrypt", self._argv(*options), self._environment(), tuple(descriptors))

    def decryptor(self) -> Stage:
        """The stage that decrypts, by the password or by an imported private key."""
        options = ["--decrypt"]
        descriptors = self._password(options) if self.keys.password else []
        return Stage("gpg --decrypt", self._argv(*options), self._environment(), tuple(descriptors))

    def fingerprints(self) -> List[str]:
        """The fingerprints of the recipients' keys. Raises BackupError invalid_input for a text that is no public key."""
        found = []
        for index, listing in enumerate(self._listings()):
            prints = [line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")]
            if not prints:
                raise _no_key(index, "no key in it")
            found.append(prints[0])
        return found

    def key_ids(self) -> List[FrozenSet[str]]:
        """The ids of each recipient's key and its subkeys, in capitals: what is encrypted to it names one of them. Raises as fingerprints does."""
        found = []
        for index, listing in enumerate(self._listings()):
            ids = frozenset(line.split(":")[4].upper() for line in listing.splitlines() if line.startswith(("pub:", "sub:")))
            if not ids:
                raise _no_key(index, "no key in it")
            found.append(ids)
        return found

    def _listings(self) -> Iterator[str]:
        for index, key in enumerate(self.keys.recipients):
            secret = self._secret(key)
            try:
                yield capture(Stage("gpg --show-keys", self._argv("--with-colons", "--show-keys", secret.path),
                                    self._environment(), (secret.descriptor,)))
            except BackupError as error:
                raise _no_key(index, error.details["detail"]) from error

    def refused(self, stage: str, detail: str) -> bool:
        """Whether a stage failed since neither the password nor a key opens the file."""
        return stage == "gpg --decrypt" and bool(re.search("Bad session key|No secret key|No passphrase|Bad passphrase", detail))

    def _password(self, options: List[str]) -> List[int]:
        secret = self._secret(self.keys.password + "\n")
        options += ["--pinentry-mode", "loopback", "--passphrase-file", secret.path]
        return [secret.descriptor]

    def _secret(self, text: str) -> programs.Secret:
        self.secrets.append(programs.Secret(text))
        return self.secrets[-1]

    def _argv(self, *options: str) -> Sequence[str]:
        agent = [] if self.keys.private_keys else ["--no-autostart"]
        return [self.program, "--homedir", self.home, "--batch", "--no-tty", "--quiet", "--no-permission-warning",
                "--no-symkey-cache", "--no-options", "--lock-never"] + agent + list(options)

    def _environment(self) -> "dict[str, str]":
        return programs.environment(HOME=self.home, GNUPGHOME=self.home)


def _no_key(index: int, detail: str) -> BackupError:
    return BackupError("invalid_input", where="encryption.recipients[{0}]".format(index), value="(a key)",
                       problem="is not an OpenPGP public key: " + detail,
                       mend="Give the armoured public key of the custodian, as written by gpg --armor --export.")


def restore_command() -> str:
    """The stock command that decrypts in a pipe; gpg asks for the password."""
    return "gpg --decrypt"
