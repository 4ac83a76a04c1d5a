# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies that fit their cause, and what the system and libraries say, in Spanish."""

import errno
import os
import re

import pytest
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine import errors, spanish
from ansible_collections.perucompras.respaldo.plugins.module_utils._engine.errors import BackupError


@pytest.mark.parametrize("fault, detail, wanted", [
    ("source_unreachable", "no such collation sequence: es_PE", "aplicación detenida"),
    ("warning_unsent", "STARTTLS extension not supported by server.", "security: none"),
    ("letter_unsent", "127.0.0.1:25: STARTTLS extension not supported by server.", "security: none"),
    ("source_unreachable", "attempt to write a readonly database", "iníciela una vez"),
    ("source_unreachable", "others kept it locked for more than 30 s", "Repita cuando nadie"),
    ("source_unreachable", "its refs are kept as reftable, which is not read yet: …", "git refs migrate"),
    ("source_unreachable", "it is not a git repository", "Corrija la ruta"),
    ("source_unreachable", "git config ended with exit status 128: fatal: bad config line 6 in file x", "archivo config"),
    ("source_unreachable", "it begins no session there (FATAL:  could not access file \"no_hay\": No such file or directory)", "session_preload_libraries"),
    ("source_unreachable", "the server ended the connection (Error message from server: … has no equivalent in encoding \"LATIN1\")", "codificación"),
    ("source_unreachable", "the server ended the connection (PQgetResult() failed: out of memory)", "memoria"),
    ("source_unreachable", "the server ended the connection (terminating connection)", "por qué cortó"),
    ("source_unreachable", "the account may not read all of it (permission denied for table ev)", "pg_read_all_data"),
    ("source_unreachable", "the account or its password is not accepted (…)", "contraseña"),
    ("source_unreachable", "the server's pg_hba.conf does not let this account in from here (…)", "pg_hba.conf"),
    ("source_unreachable", "no server answers there (Connection refused)", "puerto"),
    ("source_unreachable", "permission denied", "permiso de lectura"),
    ("stage_failed", "gpg: /proc/self/fd/10: skipped: Unusable public key", "public_key_file"),
    ("stage_failed", "View 'siga.v' references invalid table(s)", "CREATE OR REPLACE VIEW"),
    ("stage_failed", "tar: write error: No space left on device", "Libere espacio"),
    ("medium_unreachable", "[Errno -2] Name or service not known", "DNS"),
    ("medium_unreachable", "407 Proxy Authentication Required", "proxy"),
    ("medium_unreachable", "the directory does not exist", "Monte el medio"),
    ("medium_unreachable", "InvalidBlobOrBlock: …", "otro rótulo"),
    ("medium_unreachable", "respaldo@nas: Permission denied (publickey).", "authorized_keys"),
])
def test_the_remedy_fits_the_cause(fault, detail, wanted):
    error = BackupError(fault, source="s", location="m", stage="tar", status="1", detail=detail)
    assert wanted in error.remedy and error.hint != errors.CATALOGUE[fault].hint


def test_a_cause_that_nobody_knows_keeps_the_remedy_of_its_error():
    error = BackupError("source_unreachable", source="s", detail="algo nuevo")
    assert error.remedy == errors.CATALOGUE["source_unreachable"].remedy and BackupError("copy_missing", label="a", location="b").cause is None


@pytest.mark.parametrize("row", errors.CAUSES, ids=lambda row: f"{row.fault} {row.pattern[:30]}")
def test_each_cause_is_of_an_error_and_needs_no_details(row):
    assert row.fault in errors.CATALOGUE and re.compile(row.pattern)
    assert "{" not in row.hint + row.remedy and row.hint.endswith(".") and row.remedy.endswith(".")


COMMON = ("EACCES", "EPERM", "ENOENT", "ENOSPC", "EROFS", "EIO", "EHOSTUNREACH", "ENETUNREACH", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EDQUOT", "ESTALE",
          "EEXIST", "ENOTDIR", "EISDIR", "ENOTEMPTY", "EBUSY", "EXDEV", "ELOOP", "ENAMETOOLONG", "EMFILE", "ENOMEM", "EPIPE", "EINVAL", "EFBIG")


@pytest.mark.parametrize("name", COMMON)
def test_what_the_system_says_is_told_in_spanish(name):
    number = getattr(errno, name)
    for said in (str(OSError(number, os.strerror(number))), str(OSError(number, os.strerror(number), "/srv/a")), f"/srv/a: {os.strerror(number)}"):
        told = BackupError("medium_unreachable", location="nas", detail=said).spanish
        assert os.strerror(number) not in told and "Errno" not in told and (said.count("/srv/a") == told.count("/srv/a"))


def test_libraries_are_told_in_spanish_or_quoted():
    told = spanish.of_detail("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)")
    assert told == "no se reconoce el certificado del servidor: «self-signed certificate»"
    assert spanish.of_detail("[Errno -3] Temporary failure in name resolution") == "el servidor de nombres (DNS) no responde"
