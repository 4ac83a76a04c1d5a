# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies by declared commands: a real Redis, asked by its own client."""

from __future__ import annotations

import os
import pwd
import subprocess

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.sources.command import Command

from .conftest import free_port, tool

SECRET = "clave-de-redis-que-nadie-debe-ver"


def script(path, text):
    path.write_text("#!/bin/sh\nset -eu\n" + text)
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def redis(tmp_path, start):
    port = free_port()
    directory = tmp_path / "redis"
    directory.mkdir()
    (directory / "redis.conf").write_text("bind 127.0.0.1\nport {0}\ndir {1}\nrequirepass {2}\nrepl-diskless-sync-delay 0\n".format(port, directory, SECRET))
    start([tool("redis-server"), str(directory / "redis.conf")], port)

    def ask(*words):
        return subprocess.run([tool("redis-cli"), "-p", str(port), *words], env=dict(os.environ, REDISCLI_AUTH=SECRET), check=True,
                              stdout=subprocess.PIPE).stdout.decode().strip()

    ask("SET", "sistema", "SIGA")
    return port, ask


@pytest.fixture
def commands(redis, tmp_path):
    port, _ask = redis
    login = 'p=$(cat "$RESPALDO_PASSWORD_FILE"); '
    dump = login + 'printf "AUTH %s\\n" "$p" >/dev/null; REDISCLI_AUTH="$p" exec {0} -p {1} --rdb -\n'.format(tool("redis-cli"), port)
    verify = 'd=$(mktemp -d); trap \'rm -rf "$d"\' EXIT; cat > "$d/x.rdb"; {0} "$d/x.rdb" >&2\n'.format(tool("redis-check-rdb"))
    rehearse = 'cat > "$RESPALDO_SCRATCH/dump.rdb"; {0} "$RESPALDO_SCRATCH/dump.rdb" >&2; rm "$RESPALDO_SCRATCH/dump.rdb"\n'
    restore = 'test "$RESPALDO_OVERWRITE" = true || test ! -e "$RESPALDO_TARGET"; cat > "$RESPALDO_TARGET"\n'
    return {"dump": [script(tmp_path / "dump", dump)], "verify": [script(tmp_path / "verify", verify)],
            "rehearse": [script(tmp_path / "rehearse", rehearse.format(tool("redis-check-rdb")))],
            "restore": [script(tmp_path / "restore", restore)]}


def test_redis(bench, redis, commands, tmp_path):
    source = Command(extension="rdb", password=SECRET, **commands)
    made = bench.make(source)
    assert "command_verify" in made.fields["checks"]
    assert SECRET not in str(made.manifest) + str(made.fields)
    methods, _result = bench.round_trip(source, tmp_path / "back.rdb")
    assert methods == ["command_rehearse"]
    assert b"SIGA" in (tmp_path / "back.rdb").read_bytes()
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        source.restore(copy, str(tmp_path / "back.rdb"), False)
    assert caught.value.fault.name == "restore_failed"


def test_wrong_password(bench, redis, commands):
    with pytest.raises(BackupError) as caught:
        bench.make(Command(password="otra", **commands))
    assert caught.value.fault.name in ("source_unreachable", "structure_unreadable", "copy_too_small")
    assert bench.left() == []


def test_verify_finds_a_broken_dump(bench, commands):
    with pytest.raises(BackupError) as caught:
        bench.make(Command(dump=[tool("printf"), "REDIS0009 roto"], verify=commands["verify"]))
    assert caught.value.fault.name == "structure_unreadable"
    assert bench.left() == []


def test_dump_that_fails_after_its_bytes(bench, tmp_path):
    dump = script(tmp_path / "dump", "printf bytes; echo 'se cayó' >&2; exit 3\n")
    with pytest.raises(BackupError) as caught:
        bench.make(Command(dump=[dump], verify=[tool("cat")]))
    assert caught.value.fault.name == "source_unreachable"
    assert "se cayó" in caught.value.message
    assert bench.left() == []


def test_the_password_is_in_no_process(bench, tmp_path):
    look = script(tmp_path / "look", 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null || true\n'
                                     'test "$(cat "$RESPALDO_PASSWORD_FILE")" = "$(cat {0})" || exit 9\n'.format(tmp_path / "known"))
    (tmp_path / "known").write_text(SECRET)
    source = Command(dump=[look], verify=[tool("grep"), "-a", "-c", ""], password=SECRET)
    bench.make(source)
    with bench.open() as copy:
        content = []
        copy.stream("", (), content.append)
    assert b"RESPALDO_PASSWORD_FILE" in b"".join(content)
    assert SECRET.encode() not in b"".join(content)


def test_runs_as_another_account(bench, tmp_path):
    source = Command(dump=[tool("id"), "-un"], verify=[tool("grep"), "-x", "nobody"], run_as="nobody", password=SECRET,
                     environment={"IDIOMA": "es"})
    assert bench.make(source).fields["size_original"] == len(pwd.getpwnam("nobody").pw_name) + 1


@pytest.mark.parametrize("options", [
    {"dump": ["/bin/true"]},
    {"dump": ["true"], "verify": ["/bin/cat"]},
    {"dump": "/bin/true; id", "verify": ["/bin/cat"]},
    {"dump": ["/bin/true"], "verify": ["/bin/cat"], "extension": "../x"},
    {"dump": ["/bin/true"], "verify": ["/bin/cat"], "environment": {"LD_PRELOAD": "x"}},
])
def test_refused(options):
    with pytest.raises(BackupError) as caught:
        Command(**options)
    assert caught.value.fault.name == "invalid_input"


def test_no_rehearsal_is_told(bench, tmp_path):
    source = Command(dump=[tool("id")], verify=[tool("grep"), "uid"])
    bench.make(source)
    with bench.open() as copy, pytest.raises(BackupError) as caught:
        source.rehearse(copy, str(tmp_path))
    assert "no rehearsal" in caught.value.message
