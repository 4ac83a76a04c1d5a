# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the sources; each fragment has its argument spec in module_utils/_source_options.py: DATABASE_SOURCE, GIT_SOURCE, PATHS_SOURCE, any_source().

A module that extends one says itself, in `description`, what its source is for. Ansible merges options, but no suboptions; so what fragments have in common is
a text here, and they are made of such texts.
"""

from __future__ import annotations

import re

from .mailbox import OAUTH

_DATABASE = r"""
      databases:
        description: "PostgreSQL, MariaDB: names of the databases (a list, or a text with commas between), or V(all)."
        type: raw
      host:
        description: "PostgreSQL, MariaDB: address of the server. Empty uses the local socket."
        type: str
        default: ""
      port:
        description: Port; 0 is the engine's own.
        type: int
        default: 0
      user:
        description: Account of the engine. Empty uses the operating system account's.
        type: str
        default: ""
      run_as:
        description: Operating system account that runs the engine's tools, such as V(postgres).
        type: str
        default: ""
      socket:
        description: "MariaDB: path of the local socket."
        type: path
        default: ""
      bin_dir:
        description: "PostgreSQL, MariaDB: directory of the engine's tools, when they are not on the system's path."
        type: path
        default: ""
      globals:
        description: "PostgreSQL, MariaDB: copy roles and users too. Their password hashes are included only in encrypted copies."
        type: bool
        default: true
      owners:
        description:
          - "PostgreSQL: bring owners and privileges back. V(false) leaves them out, so that all of a restored database is the restoring account's, which then
            needs no superuser, only the right to make databases. That account is all that code of the copy can act as: functions of CHECK constraints,
            of indexes, of computed columns and of casts run while a copy is loaded."
        type: bool
        default: true
      rehearse_on_live:
        description:
          - "PostgreSQL, MariaDB: where no throw-away server can be had for a rehearsal (V(T3)), load the copy into the server that this source names instead
            of leaving it untold (RSP508 to RSP510). Code of those who own its tables then runs there as the account of this source, often a superuser; of
            MariaDB as an account made for it, which may name any account as definer. It is told in the warnings of the result."
        type: bool
        default: false
      strict:
        description:
          - "PostgreSQL: let a rehearsal or a restore fail (RSP511) when an object of the copy can't be made (a constraint that rows break, an index whose
            function finds no name). Otherwise all else comes back, rows and all, and it is told with its SQL."
        type: bool
        default: false
      jobs:
        description:
          - "PostgreSQL: how many pieces of a large database are copied, and brought back, at a time. With V(1) each database is one stream. With more, the rows
            of each large table are a piece of their own, all of one moment: a session holds a snapshot and a lock (ACCESS SHARE) on every table. Where these
            can't be had, it is copied in one stream and told. On a medium that takes one file at a time (of Azure, behind SSH), and as 7z, pieces are
            written one after the other."
        type: int
        default: 1
      jobs_from:
        description: "PostgreSQL: bytes of a database, as its server counts them, from which O(source.jobs) is heeded."
        type: int
        default: 4294967296
      scratch_server:
        description:
          - "PostgreSQL, MariaDB: another server where copies are rehearsed (V(T3)), instead of a throw-away one that is made on this host: for a standby, for a
            host without the server's programs, without root or without room. Give it an address or a socket that is not the live server's (RSP515)."
          - The copy is loaded there into a throw-away database, by the tools of this host, compared and dropped. What a run that was killed leaves is
            dropped by the next one and told. Of PostgreSQL owners and privileges are left out, of MariaDB events.
          - Code of the copy runs there with the rights of this account, so it should be a server without other data.
        type: dict
        suboptions:
          host:
            description: Its address; of PostgreSQL also the directory of its socket.
            type: str
            default: ""
          port:
            description: Its port; 0 is the engine's own.
            type: int
            default: 0
          user:
            description: An account of it that may make databases; of MariaDB also accounts.
            type: str
            default: ""
          password:
            description: The password of that account. It reaches the tools as O(source.password) does.
            type: str
            default: ""
          run_as:
            description: Operating system account of this host that the tools run as there.
            type: str
            default: ""
          socket:
            description: "MariaDB: its socket."
            type: path
            default: ""
      on_missing:
        description:
          - "PostgreSQL, MariaDB: what becomes of a copy that would not have all that the server has. With V(tell) what nobody can use there either (an invalid
            database, a view whose table is gone) is left out and told in the warnings, and a table whose rows can't be read makes the copy fail (RSP205,
            RSP513)."
          - "With V(partial) such a table is left out and told too, and all the rest is copied: such a copy is partial and never counts as a good one, so that
            the last one that lacks nothing stays. V(refuse) lets no copy lack anything (RSP514)."
        type: str
        choices: [tell, refuse, partial]
        default: tell
      dump:
        description: "V(command): program and arguments that write the copy to standard output."
        type: list
        elements: str
        default: []
      verify:
        description: "V(command): program and arguments that read the copy on standard input and exit with 0 only when it is whole."
        type: list
        elements: str
        default: []
      restore:
        description: "V(command): program and arguments that read the copy on standard input and restore it into C($RESPALDO_TARGET)."
        type: list
        elements: str
        default: []
      rehearse:
        description: "V(command): program and arguments that restore the copy into C($RESPALDO_SCRATCH) and compare it (trust level T3)."
        type: list
        elements: str
        default: []
      extension:
        description: "V(command): extension of the file."
        type: str
        default: dump
"""

_GIT = r"""
      type:
        description: Type of the source.
        type: str
        choices: [git]
        default: git
      path:
        description: A repository on this server, bare or not.
        type: path
        default: ""
      password:
        description: Password or token for http and https.
        type: str
        default: ""
      work_dir:
        description: Directory on this server that keeps mirrors of repositories elsewhere, so that the next copy fetches only what is new.
        type: path
        default: ""
      url:
        description: A repository elsewhere, by ssh, http or https. Give either this or O(source.path).
        type: str
        default: ""
      identity_file:
        description: Private SSH key, a file on this server.
        type: path
        default: ""
      ssh_key:
        description: Private SSH key as text. It is never written to a disk.
        type: str
        default: ""
      known_hosts:
        description: Lines of a C(known_hosts) file, or the path of one on this server, for O(source.url). The key is always checked.
        type: str
        default: ""
      ca_certs:
        description: For https, certificates (PEM) of the authority to trust in place of the system's, as text or as the path of a file on this server.
        type: str
        default: ""
      proxy:
        description: For http and https, the address of the proxy, without an account.
        type: str
        default: ""
      username:
        description: Account for http and https.
        type: str
        default: ""
      lfs:
        description: "Large files (Git LFS): V(auto) includes the objects there are and names the missing, V(require) makes a missing one an error."
        type: str
        choices: [auto, require, skip]
        default: auto
"""

_PATHS = r"""
      paths:
        description: Files and directories, with full paths. Links are copied as links.
        type: list
        elements: path
        default: []
      exclude:
        description: Patterns left out, as C(tar --exclude) reads them.
        type: list
        elements: str
        default: []
"""

_COMPARE = r"""
      compare:
        description: "V(imap): of which mails the bytes are compared, see M(perucompras.respaldo.backup_mailbox)."
        type: str
        choices: [sample, all]
        default: sample
"""

_FILES = r"""
      exclude_caches:
        description: "V(restic): leave out directories marked by a C(CACHEDIR.TAG)."
        type: bool
        default: false
      one_file_system:
        description: "V(restic): do not enter other file systems mounted below the folders."
        type: bool
        default: false
      repository:
        description:
          - "V(restic): whose repository the copies go to, its own (V(system)), one for all systems of the server, or one for all of the office."
          - Systems that share one save the room of what they have in common, and wait for each other.
        type: str
        choices: [system, server, office]
        default: system
      snapshot:
        description:
          - "V(restic): snapshot of the file system that is copied instead of the living files, so that all are of one moment. V(lvm), V(btrfs) and
            V(zfs) make it an error (RSP221) where there can be none; V(auto) takes one of Btrfs where it can and warns where not. It needs root."
          - All that was written before is in it. With V(btrfs) a file that a program writes at that very moment, and does not sync, may be of some
            hundredths of a second before the others, as after a loss of power.
          - It is mounted for restic alone, at the folders' own paths, and removed whatever happens; what a killed run left goes with the next copy of the
            system.
          - V(btrfs) was tried; V(lvm), whose snapshot gets 10 % of the volume for what is written meanwhile, and V(zfs) follow their manuals and were not.
        type: str
        choices: [none, auto, lvm, btrfs, zfs]
        default: none
      limit_upload:
        description: "V(restic): KiB a second that writing to the repository may take; V(0) sets no limit."
        type: int
        default: 0
      limit_upload_working_hours:
        description: "V(restic): the same for a copy that begins in working hours; V(0) takes O(source.limit_upload) then too."
        type: int
        default: 0
      read_concurrency:
        description: "V(restic): files read at the same time; V(0) leaves it to restic. Needs restic 0.15."
        type: int
        default: 0
      changed_files:
        description:
          - "V(restic): whether files that changed while or after they were read are told as a warning of a good copy (V(warn)), or make the copy fail with
            RSP203 (V(fail))."
        type: str
        choices: [warn, fail]
        default: warn
"""


def _without(names: tuple[str, ...], options: str) -> str:
    """Options of a source without those that another text has in words for all sources: a key twice is a warning at each look into the documentation."""
    blocks = re.split(r"^(?=      [a-z_]+:)", options, flags=re.MULTILINE)
    return "".join(block for block in blocks if block.partition(":")[0].strip() not in names)


class ModuleDocFragment:

    # annotated, since yamllint of ansible-test reads only plain texts of a class and ends at one that is put together
    DATABASE: str = r"""
options:
  source:
    type: dict
    required: true
    suboptions:
      type:
        description: Engine, or V(command) for an engine that is copied by its own tools.
        type: str
        required: true
        choices: [postgresql, mariadb, sqlite, command]
      path:
        description: "SQLite: the database file."
        type: path
        default: ""
      work_dir:
        description: "SQLite: directory on this server for the image that is copied, with room for it. By default the system's own for temporary files."
        type: path
        default: ""
      password:
        description: Password of the account. It reaches the tools by an anonymous descriptor, never by their arguments or environment.
        type: str
        default: ""
""" + _DATABASE

    GIT: str = r"""
options:
  source:
    type: dict
    required: true
    suboptions:
""" + _GIT

    GIT_MANY: str = r"""
options:
  sources:
    type: list
    elements: dict
    suboptions:
""" + _GIT

    PATHS: str = r"""
options:
  source:
    type: dict
    required: true
    suboptions:
      type:
        description: Type of the source.
        type: str
        choices: [paths]
        default: paths
""" + _PATHS

    PATHS_MANY: str = r"""
options:
  sources:
    type: list
    elements: dict
    suboptions:
      type:
        description: Type of the source.
        type: str
        choices: [paths]
        default: paths
""" + _PATHS

    FILES: str = r"""
options:
  source:
    description: What is copied.
    type: dict
    required: true
    suboptions:
      type:
        description: Type of the source.
        type: str
        choices: [restic]
        default: restic
      paths:
        description: Folders, with full paths.
        type: list
        elements: path
        default: []
      exclude:
        description: Patterns left out, as C(restic backup --exclude) reads them.
        type: list
        elements: str
        default: []
""" + _FILES

    ANY: str = r"""
options:
  source:
    type: dict
    default: {}
    suboptions:
      type:
        description: Type of the source; empty takes the one in the manifest.
        type: str
        default: ""
      path:
        description: "git: a repository on this server. SQLite: the database file."
        type: path
        default: ""
      password:
        description: Password or token of the account that reads or restores.
        type: str
        default: ""
      work_dir:
        description: "git: directory on this server that keeps mirrors of repositories elsewhere. SQLite: directory for the image that is copied."
        type: path
        default: ""
""" + _without(("type", "path", "password", "work_dir"), _GIT + _PATHS + _FILES + _COMPARE + OAUTH + _DATABASE)
