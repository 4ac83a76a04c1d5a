# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source `imap`: a mailbox, whole, as a Maildir with an index a folder (numeral 6.4). Its server is never changed.

    server ◄─TLS─ door (imap_relay) ◄─ dsync ─► Maildir of an account that nobody has     } judged by a listing of ours over a session of its own,
                     an earlier copy, unpacked ─► indice/NNNNN.jsonl, a line a mail         } which writes the index; only then is anything streamed

A mail that the server has and the copy has not makes the copy fail, named by folder and UID; with `on_missing: partial` it is told, and the
copy is partial: it lacks something, and never counts as a good one.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Collection, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..errors import BackupError
from ..filesystem import descriptors, returning, room
from ..processes import programs
from ..processes.pipeline import Stage
from ..processes.workspace import Workspace, inside
from ..remarks import Remark
from . import imap_asked, imap_beside, imap_earlier, imap_files, imap_giving, imap_judging, imap_patience
from .base import Check, Part, PartReader, Source, free_directory
from .imap_bounded import Bounded
from .imap_dovecot import Dovecot
from .imap_judging import Judged
from .imap_listing import Unlistable
from .imap_relay import Relay
from .imap_session import FULL, Place, hidden, session_with, signed_in, unreachable
from .imap_shown import shown_again
from .imap_unpacked import extract, proved, tar
from .mailbox_tokens import OF_IMAP, Tokens

FORMAT = "Maildir with an index (tar)"
PASSES = 3           # of a mailbox that changes while it is copied
_MOST_NAMED = 10
INCLUDED = ["carpetas y mensajes del buzón principal", "marcas, palabras clave y fechas de recepción"]
NOT_INCLUDED = ["archivo en línea", "elementos recuperables", "reglas", "calendarios", "contactos", "carpetas compartidas de otros"]


class _ListCheck(Check):
    """tar lists the whole archive, and it has as many members as it was made of."""

    method = "tar_list"

    def __init__(self, row: Dict[str, Any]) -> None:
        self.row, self.lines = row, 0

    def stages(self) -> List[Stage]:
        return [Stage("tar --list", [tar(), "--list", "--quoting-style=escape", "--file=-"])]

    def feed(self, chunk: bytes) -> None:
        self.lines += chunk.count(b"\n")

    def finish(self) -> Optional[int]:
        facts = self.row["facts"]
        if self.lines < facts["mails"] + facts["folders"]:
            raise BackupError("structure_unreadable", file=self.row["file"], format=FORMAT,
                              detail="{0} mails, {1} members".format(facts["mails"], self.lines))
        return int(facts["mails"])


class Imap(Source):
    """A mailbox of a server that speaks IMAP over TLS."""

    type = "imap"
    always_encrypted = True
    asked = imap_asked.Asked()            # of a restore
    returned: Sequence[Remark] = ()       # what became of it, or of a comparison
    earlier: Optional[imap_earlier.Earlier] = None      # a copy whose mails need not travel again
    OPTIONS: Tuple[str, ...] = ("host", "user", "password", "port", "ca_certs", "work_dir", "compare", "on_missing", "oauth")

    def __init__(self, host: str = "", user: str = "", password: str = "", port: int = 0, ca_certs: str = "", work_dir: str = "", compare: str = "sample",
                 on_missing: str = "refuse", assigned: Sequence[str] = (), oauth: Optional[Mapping[str, Any]] = None) -> None:
        self.place = Place(host, user, password, port or 993, ca_certs, tokens=Tokens(oauth, OF_IMAP) if oauth else None)
        self.work_dir, self.every, self.partial, self.assigned = work_dir, compare == "all", on_missing == "partial", list(assigned)
        self.judged, self.separator = Judged(), ""
        self.noted: List[Remark] = []
        self._asked_to_wait = 0.0
        self._laid: Optional[imap_earlier.Laid] = None      # what of the earlier copy lay there when the synchroniser began
        # bytes that the server sent it; mails that were not there before, and those whose bytes are the earlier one's word
        self._brought = self._new = self._unasked = 0

    def describe(self) -> str:
        return "{0} ({1})".format(self.place.user, self.place.where)

    def preflight(self) -> int:
        programs.find("doveadm", "dovecot-imapd")
        tar()
        with session_with(self.place):
            return 0

    def parts(self) -> List[Part]:
        with contextlib.ExitStack() as failing:
            workspace = Workspace(self.work_dir)
            failing.callback(workspace.close)
            home = self._take(workspace)
            failing.callback(os.close, home)
            failing.pop_all()

        @contextlib.contextmanager
        def produce() -> Iterator[List[Stage]]:
            try:
                yield [Stage("tar", [tar(), "--create", "--file=-", "--sort=name", "--owner=0", "--group=0", "--numeric-owner",
                                     "--directory=" + descriptors.path_of(home), "--", "Maildir", "indice"])]
            finally:
                os.close(home)
                workspace.close()

        facts = {"folders": self.judged.folders, "mails": self.judged.mails, "bytes": self.judged.size, "index_sha256": self.judged.index.hexdigest(),
                 "missing": len(self.judged.missing) + self.judged.unnamed, "separator": self.separator}
        return [Part(name="", extension="tar", format=FORMAT, produce=produce, minimum=1024, facts=facts,
                     check=lambda: _ListCheck({"file": self.describe(), "facts": facts}),
                     restore_command='{ mkdir -p "$TARGET" && tar --extract --file=- --directory="$TARGET"; }')]

    def _take(self, workspace: Workspace) -> int:
        """Bring the mailbox into the workspace until it is all that the server had; gives its directory, held."""
        try:
            with session_with(self.place) as session:
                begun, self.separator = imap_judging.before(session)
            dovecot = Dovecot(workspace, self.separator)
            try:
                self._lay(dovecot)
                said = self._passes(dovecot, begun, range(PASSES))
                if self._laid and (self.judged.missing or self.judged.unsettled):
                    # whatever an earlier copy is, it must not be why this one lacks anything
                    self.noted.append(Remark("earlier_left", label=self._laid.label))
                    begun = self._anew(dovecot)
                    said = self._passes(dovecot, begun, range(PASSES, 2 * PASSES))
                kept, unasked = self._laid.kept(dovecot.held, self.judged.asked) if self._laid else (0, 0)
                self._new, self._unasked = self.judged.mails - kept, 0 if self.every else unasked
                self._conclude(said, workspace.path)
                return os.dup(dovecot.held)
            finally:
                dovecot.close()
        except OSError as error:
            if error.errno in FULL:
                raise self._no_room(workspace.path, str(error)) from error
            raise self._disk_failed(workspace.path, error) from error
        except Unlistable as error:
            raise unreachable(self.place, error) from error

    def _lay(self, dovecot: Dovecot) -> None:
        """Begin with the mails of the earlier copy, where there is one and it is what it should be; why it is not is told."""
        if self.earlier is None:
            return
        try:
            self._laid = imap_earlier.lay(self.earlier, dovecot, self.place, self.separator)
        except BackupError as error:
            if error.fault.name == "interrupted":
                raise
            self.noted.append(imap_earlier.unused(self.earlier.label, error))

    def _passes(self, dovecot: Dovecot, begun: imap_judging.Before, numbers: range) -> str:
        """Bring what is not there, and judge, until it is all that the server had; what the synchroniser complained of last."""
        said = ""
        for number in numbers:
            dovecot.ahead = begun.ahead
            said = self._bring(dovecot, number, begun.levels)
            with session_with(self.place) as session:
                self.judged = imap_judging.judge(session, begun, self.separator, dovecot.held, self.every)
                if not self.judged.unsettled and not self.judged.missing:
                    break
                if number + 1 < numbers.stop:
                    time.sleep(min(self._asked_to_wait, imap_patience.PATIENCE))      # what it does not give now it may give then
                    begun, self.separator = imap_judging.before(session)
                    descriptors.remove(dovecot.held, "indice")
        return said

    def _anew(self, dovecot: Dovecot) -> imap_judging.Before:
        self._laid = None
        descriptors.empty(dovecot.held)
        time.sleep(min(self._asked_to_wait, imap_patience.PATIENCE))
        with session_with(self.place) as session:
            begun, self.separator = imap_judging.before(session)
        return begun

    def _bring(self, dovecot: Dovecot, number: int, levels: Collection[str]) -> str:
        sessions: List[Bounded] = []

        def connect() -> Tuple[Any, str]:
            session = signed_in(self.place)
            sessions.append(session)
            return session.sock, session.capability()[1][0].decode("ascii")

        with Relay(connect, dovecot.account.uid if dovecot.account else -1, levels) as door:
            said = dovecot.synchronise(door.port, door.word, number)
            self._asked_to_wait = door.wait
            self._brought += door.brought
            if isinstance(door.error, BackupError):
                raise door.error
        return said

    def _no_room(self, directory: str, detail: str) -> BackupError:
        return BackupError("imap_no_room", mailbox=self.describe(), directory=os.path.dirname(directory), detail=detail)

    def _disk_failed(self, directory: str, error: OSError) -> BackupError:
        return BackupError("mailbox_disk_failed", mailbox=self.describe(), directory=os.path.dirname(directory), detail=str(error))

    def _conclude(self, said: str, directory: str) -> None:
        """Raises imap_unsettled, imap_no_room, imap_incomplete; notes what is to be told of a copy that stands."""
        judged, said = self.judged, hidden(said, self.place)      # what the server said to the synchroniser
        if judged.missing and room.is_full(said):
            raise self._no_room(directory, said)      # the server would have given these: no copy that is partial on purpose
        if judged.unsettled:
            raise BackupError("imap_unsettled", mailbox=self.describe(), count=len(judged.unsettled), passes=PASSES)
        if judged.missing:
            named = ", ".join(each.told() for each in judged.missing[:_MOST_NAMED])
            count = len(judged.missing) + judged.unnamed
            if not self.partial or judged.nothing:
                raise BackupError("imap_incomplete", mailbox=self.describe(), count=count, named=named, detail=said)
            self.noted.append(Remark("imap_missing", count=count, named=named))
        if judged.gone:
            self.noted.append(Remark("imap_gone", count=judged.gone))
        if judged.sizes_lied:
            self.noted.append(Remark("imap_sizes", count=judged.sizes_lied))

    def facts(self) -> Dict[str, Any]:
        return {"server": self.place.where, "mailbox": self.place.user, "compared_bytes_of": self.judged.compared, "included": INCLUDED,
                "not_included": NOT_INCLUDED, "missing": [each._asdict() for each in self.judged.missing],
                **({"since": self._laid.label, "not_read_again": self._unasked} if self._laid else {})}

    def travelled(self) -> Dict[str, Any]:
        if not self._brought:      # by no door: another source's
            return {}
        return {"travelled": self._brought, "travelled_objects": self._new,
                **({"since": self._laid.label, "not_read_again": self._unasked} if self._laid else {})}

    def warnings(self) -> List[Remark]:
        return self.noted

    def objects(self) -> Optional[int]:
        return self.judged.mails

    def lacks(self) -> int:
        return len(self.judged.missing) + self.judged.unnamed

    def check_for(self, row: Dict[str, Any]) -> Check:
        return _ListCheck(row)

    def rehearse(self, reader: PartReader, scratch: str) -> List[str]:
        """Unpacked as the account that nobody has, each file compared with the index, and shown again by a Dovecot: UIDs, sizes, flags, dates."""
        room.ask_for(scratch, int(reader.part("").get("size_original") or 0), reader.manifest["label"], True)
        with Workspace(scratch) as workspace:
            dovecot = Dovecot(workspace, str(reader.part("")["facts"]["separator"]))
            try:
                with dovecot.reaching(scratch):
                    extract(reader, dovecot.home, dovecot.account)
                    proved(reader, dovecot.held)
                    shown_again(dovecot, reader.manifest["label"])
            finally:
                dovecot.close()
        return ["tar_extract", "mailbox_index", "mailbox_listed"]

    def compare(self, reader: PartReader, scratch: str) -> List[str]:
        """The index beside the mailbox as it is now. One that is in use changes: what is still there must be what was copied."""
        if not self.place.host:
            return []
        with Workspace(scratch) as own:
            argv = [tar(), "--extract", "--file=-", "--directory=" + own.pinned, "--no-same-owner", "--no-same-permissions", "indice"]
            reader.stream("", [Stage("tar --extract", argv)])
            found = self._beside(own, reader.manifest["label"])
        if found.differ:
            raise BackupError("mailbox_differs", label=reader.manifest["label"], count=found.differ, named=", ".join(found.others))
        self.returned = [Remark("mailbox_compared", same=found.same, bytes=found.compared, new=found.new, gone=found.gone, marked=found.marked)]
        self.returned += [Remark("mailbox_folders_changed", named=some_of(found.changed))] if found.changed else []
        self.returned += [Remark("mailbox_folders_unlike", named=some_of(found.unlike))] if found.unlike else []
        return ["source_mails"] if found.compared or not (found.changes or found.unlike) else []

    def _beside(self, own: Workspace, label: str) -> imap_beside.Beside:
        try:
            indices = descriptors.enter(own.held, "indice")
            try:
                with session_with(self.place) as session:
                    return imap_beside.beside(session, indices, self.every)
            finally:
                os.close(indices)
        except Unlistable as error:
            raise unreachable(self.place, error) from error
        except OSError as error:
            raise self._disk_failed(own.path, error) from error
        except (ValueError, KeyError) as error:
            raise BackupError("restored_differs", label=label, detail=str(error)) from error

    def remarks(self) -> List[Remark]:
        return list(self.returned)

    def choose(self, asked: Mapping[str, Any]) -> None:
        self.asked = imap_asked.read(asked)

    def default_target(self, manifest: Mapping[str, Any]) -> str:
        return imap_giving.folder_of(manifest["label"]) if self.asked.into_mailbox else super().default_target(manifest)

    def check_target(self, target: str, overwrite: bool, label: str) -> None:
        if self.asked.into_mailbox:
            if target != imap_giving.folder_of(label):
                raise BackupError("invalid_input", where="target", value=target, problem="is given beside a mailbox",
                                  mend="Leave it out: mails come back to a folder that is named after the copy.")
            imap_giving.check(self.place, label)
            return
        free_directory(target, overwrite, label, self.assigned)

    def restore(self, reader: PartReader, target: str, overwrite: bool) -> Dict[str, Any]:
        """As files: the Maildir and its index, or what is asked for of them, in a directory of their own. Or into a mailbox."""
        if self.asked.into_mailbox:
            return self._give(reader)
        real, kept = free_directory(target, overwrite, reader.manifest["label"], self.assigned)
        with inside(os.path.dirname(real)) as own:
            room.ask_for(own.pinned, int(reader.part("").get("size_original") or 0), reader.manifest["label"], False)
            restored = descriptors.make_directory(own.held, "restored")
            try:
                extract(reader, descriptors.path_of(restored), None)
                mails = proved(reader, restored)
                descriptors.give(restored, os.geteuid(), os.getegid(), 0o700)      # whatever the archive says of its top
                if not self.asked.whole or self.asked.form != imap_asked.FORMS[0]:
                    mails = self._lay_out(reader, own.held, restored)
            finally:
                os.close(restored)
            with returning.placing(own.held, real, reader.manifest["label"], target) as place:
                place.put("restored", real, kept)
        return {"target": real, "objects": mails, "kept": kept}

    def _lay_out(self, reader: PartReader, scratch: int, unpacked: int) -> int:
        """What is asked for takes the place, and the name, of all that was unpacked; how many mails."""
        laid = descriptors.make_directory(scratch, "laid")
        try:
            mails = imap_files.laid_out(unpacked, laid, self.asked, str(reader.part("")["facts"]["separator"]), reader.manifest["label"])
        finally:
            os.close(laid)
        descriptors.move(scratch, "restored", scratch, "unpacked")
        descriptors.move(scratch, "laid", scratch, "restored")
        return mails

    def _give(self, reader: PartReader) -> Dict[str, Any]:
        """Into a mailbox, out of a private directory where all of the copy is proved first."""
        label = reader.manifest["label"]
        giving = imap_giving.Giving(self.place, label)
        with Workspace(self.work_dir) as workspace:
            room.ask_for(workspace.pinned, int(reader.part("").get("size_original") or 0), label, False)
            unpacked = descriptors.make_directory(workspace.held, "unpacked")
            try:
                extract(reader, descriptors.path_of(unpacked), None)
                proved(reader, unpacked)
                restored = giving.give(unpacked, self.asked, str(reader.part("")["facts"]["separator"]))
            finally:
                os.close(unpacked)
        self.returned = giving.remarks()
        return restored


def some_of(folders: Sequence[str]) -> str:
    return ", ".join(folders[:_MOST_NAMED]) + (", ..." if len(folders) > _MOST_NAMED else "")
