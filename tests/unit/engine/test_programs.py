# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs, their environment, accounts and secrets."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess

import pytest
from _engine.errors import BackupError
from _engine.processes import programs


def test_find():
    assert os.access(programs.find("sh", "dash"), os.X_OK)
    with pytest.raises(BackupError) as caught:
        programs.find("no-such-program", "its-package")
    assert "its-package" in caught.value.hint


def test_environment_holds_nothing_of_the_caller(monkeypatch):
    monkeypatch.setenv("VAULT_PASSWORD", "secret")
    assert set(programs.environment()) == {"PATH", "LC_ALL", "HOME", "TZ"}
    assert programs.environment(HOME="/root")["HOME"] == "/root"


def test_secret_is_read_by_its_program():
    secret = programs.Secret("contraseña")
    got = subprocess.run(["cat", secret.path], stdout=subprocess.PIPE, pass_fds=(secret.descriptor,), check=True).stdout
    assert got.decode() == "contraseña"
    secret.close()


def test_secret_is_private_and_has_no_name():
    secret = programs.Secret("x")
    status = os.fstat(secret.descriptor)
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_nlink == 0
    secret.close()


def test_secret_reaches_only_those_it_is_passed_to():
    secret = programs.Secret("x")
    ended = subprocess.run(["cat", secret.path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, close_fds=False, check=False)
    assert ended.returncode != 0
    secret.close()


def test_secret_closes_once():
    secret = programs.Secret("x")
    descriptor = secret.descriptor
    secret.close()
    secret.close()
    with pytest.raises(OSError):
        os.fstat(descriptor)


def test_secret_larger_than_a_pipe():
    secret = programs.Secret("x" * (5 << 20))
    assert os.fstat(secret.descriptor).st_size == 5 << 20
    secret.close()


def test_own_account():
    name = pwd.getpwuid(os.geteuid()).pw_name
    own = programs.account(name)
    assert (own.uid, own.name) == (os.geteuid(), name)
    own.become()


def test_account_that_is_not_there():
    with pytest.raises(BackupError) as caught:
        programs.account("no-such-account")
    assert caught.value.code == "RSP101"


def test_account_of_another_needs_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(BackupError) as caught:
        programs.account("root")
    assert "become" in caught.value.hint and "Haga que Ansible sea root en ese servidor: ansible_become: true en el inventario." in caught.value.remedy


@pytest.mark.parametrize("parent", [None, programs.memory()])
def test_private_directory(parent):
    with programs.private_directory(parent) as path:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
        with open(os.path.join(path, "file"), "w") as file:
            file.write("x")
    assert not os.path.exists(path)
