# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writer of the bitácora: Ansible's events in, entries out."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bitacora
type: notification
short_description: Records every copy, verification and restore in the bitácora
version_added: 0.1.0
author:
  - perucompras.respaldo contributors (@perucompras)
description:
  - Writes an entry (asiento) for each task result that carries the key C(backup), for the start and the end of each run, and for what was
    left unfinished when a run is interrupted (Manual 001-2019, numerals 5.2 b, 7.2.1 c, 7.2.2 c, 7.2.3 b and 8.2).
  - Only results of this collection's own actions are recorded, each with the events that it may give; what a server answers can't make
    its action say more. What is refused is told once for each host, as an entry of its own.
  - Only the known fields of C(backup) are kept, each in its form. Whole results, task arguments, extra variables and task names never are.
  - Services outside are told how each run of a purpose of the schedule began and ended, where C(backup_heartbeats) of the inventory names some.
  - Who runs it is what the kernel says (account, and login of the session); what AWX, Semaphore or sudo say stands beside it as their claim.
  - When the bitácora can't be written, entries wait in a journal on a local disk, the run ends with exit code 70, and the next run takes
    them in.
requirements:
  - To be enabled by its full name, C(callbacks_enabled = perucompras.respaldo.bitacora); M(perucompras.respaldo.bitacora_guard) proves it.
options:
  url:
    description:
      - Where the bitácora is, C(sqlite:////absolute/path) or a plain path on a local disk, or C(postgresql://role@server/database).
      - A controller in a container needs PostgreSQL, or a volume mounted where the file lies; see M(perucompras.respaldo.bitacora_store).
      - No password in an address; libpq reads it from C(~/.pgpass), a service file or a certificate. A server that is not this machine must
        prove who it is (C(sslmode=verify-full)) unless the address or C(PGSSLMODE) says otherwise.
      - By default C(/var/lib/respaldo/bitacora.sqlite) for root and C(~/.local/state/respaldo/bitacora.sqlite) for others.
    type: str
    env:
      - name: RESPALDO_BITACORA
    ini:
      - section: callback_bitacora
        key: url
  journal_directory:
    description:
      - Where entries wait while the bitácora can't be written. Best on another disk than the bitácora's.
      - By default C(journal) beside the default bitácora. When it can't be written either, C(/var/tmp/respaldo-journal-UID).
    type: str
    env:
      - name: RESPALDO_BITACORA_JOURNAL
    ini:
      - section: callback_bitacora
        key: journal_directory
  log_directory:
    description:
      - Where the detailed log of each run goes (numeral 8.5), one file of JSON lines; action, host, status and duration only.
      - By default C(logs) beside the bitácora.
    type: str
    env:
      - name: RESPALDO_BITACORA_LOGS
    ini:
      - section: callback_bitacora
        key: log_directory
  exit_status:
    description:
      - Whether a run that Ansible ends with 0 ends with 2 when its verdict is C(failed), and with 71 when it is C(empty) or C(partial).
      - Switch it off for playbooks that do other things too and handle failures of copies themselves. The verdict in the bitácora is the same.
    type: bool
    default: true
    version_added: 0.2.0
    env:
      - name: RESPALDO_BITACORA_EXIT_STATUS
    ini:
      - section: callback_bitacora
        key: exit_status
  seal:
    description:
      - Whether the head of the bitácora is signed (Ed25519) at the end of each run, as an entry of its own.
    type: bool
    default: true
    env:
      - name: RESPALDO_BITACORA_SEAL
    ini:
      - section: callback_bitacora
        key: seal
  seal_key:
    description:
      - The file of the signing key, mode 0600, made on first use. Its public key is in every seal.
      - By default C(seal.key) beside the bitácora. Keep a copy of the public key outside, for the verifier.
      - Beside it, C(seal.key.known) (mode 0600) keeps the keys that sealed here and the last seal; back both up. Another key needs
        M(perucompras.respaldo.bitacora_key). In a container both must lie on a volume.
    type: str
    env:
      - name: RESPALDO_BITACORA_SEAL_KEY
    ini:
      - section: callback_bitacora
        key: seal_key
  may_be_lost:
    description:
      - What a controller in a container may take along when it ends, of C(journal), C(logs), C(seal_key), C(anchors); the start of each run tells it.
        Without the key nothing is sealed. Else M(perucompras.respaldo.bitacora_guard) refuses the run (RSP786).
    type: list
    elements: str
    default: []
    version_added: 0.3.0
    env:
      - name: RESPALDO_BITACORA_MAY_BE_LOST
    ini:
      - section: callback_bitacora
        key: may_be_lost
  journald:
    description:
      - Whether each entry is also a line of systemd's journal (C(journalctl -t respaldo)), of names, codes and numbers. It never delays or fails a run.
    type: bool
    default: true
    version_added: 0.3.0
    env:
      - name: RESPALDO_BITACORA_JOURNALD
    ini:
      - section: callback_bitacora
        key: journald
  anchors:
    description:
      - Files to which each seal is also appended, best on other media that this account can only append to. Their directories must exist.
      - What can't be anchored is told and recorded; the next run's seal covers it.
    type: list
    elements: str
    default: []
    env:
      - name: RESPALDO_BITACORA_ANCHORS
    ini:
      - section: callback_bitacora
        key: anchors
"""

import atexit
import contextlib
import functools
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora import end, events, hearing, judging, lasting, numbers, refusals, seals, store, who
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._bitacora.recorder import Recorder
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._custodians import shared as _shared  # noqa: F401 its memory, before Ansible forks
from ansible_collections.perucompras.respaldo.plugins.plugin_utils._heartbeats import Heart

EXIT_UNWRITTEN = 70
_MOVER = "perucompras.respaldo.bitacora_store"


def _never_silent(hook: Callable[..., None]) -> Callable[..., None]:
    """Ansible makes a warning of what a hook raises, and goes on: keep the mistake, so that the run ends with exit code 70."""

    @functools.wraps(hook)
    def wrapped(self: CallbackModule, *arguments: Any, **named: Any) -> None:
        if self.recorder is None:
            return
        self._inside = True
        try:
            hook(self, *arguments, **named)
        except Exception as error:
            self.recorder.broken = error
            raise
        finally:
            self._inside = False
            self._deliver_signal()

    return wrapped


class CallbackModule(CallbackBase):
    """Knows Ansible; what becomes an entry is decided by Recorder."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "perucompras.respaldo.bitacora"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.recorder: Recorder | None = None
        self._pid = os.getpid()
        self._simulated = False
        self._started: dict[tuple[str, str], float] = {}
        self._items: list[tuple[tuple[str, str], str, Any, bool]] = []
        self._attempts: list[tuple[tuple[str, str], str, Any, bool]] = []
        self._silent: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._former: dict[int, Any] = {}
        self._play: Any = None
        self._heart: Heart | None = None
        self._inside = False
        self._deferred: int | None = None

    @property
    def _run(self) -> Recorder:
        """The recorder where there is one; `_never_silent` calls no hook without."""
        return cast(Recorder, self.recorder)

    # -- the run ----------------------------------------------------------------------------------------------------

    def v2_playbook_on_start(self, playbook: Any) -> None:
        if self.recorder is None and os.environ.get("RESPALDO_CONTROLLER_PID") == str(os.getpid()):
            self._display.warning(f"La bitácora está activada dos veces; active solo {self.CALLBACK_NAME} [the bitácora is enabled twice]")
            return
        self._interrupt("a further playbook of the same command began")
        url = self.get_option("url") or store.default_url()
        kept = lasting.kept({name: self.get_option(name) for name in lasting.OPTIONS}, url)
        self._simulated = bool(context.CLIARGS.get("check"))
        recorder = Recorder(
            url, kept.journal, kept.logs, {**who.facts(playbook, self._simulated), **kept.choice}, kept.seal_key,
            [seals.FileAnchor(str(path)) for path in kept.anchors], bool(self.get_option("journald")))
        recorder.judge = judging.Judge(hearing.expected(playbook, context.CLIARGS))
        self.recorder = recorder
        os.environ.update(RESPALDO_RUN_ID=recorder.run, RESPALDO_BITACORA=url, RESPALDO_CONTROLLER_PID=str(os.getpid()))
        atexit.register(self._interrupt, "it ended before its last play")
        recorder.start()
        self._heart = Heart(playbook, recorder.facts["playbook"], self._simulated)
        for problem in filter(None, (recorder.problem, kept.lost)):
            self._display.error("bitácora: " + hearing.told(problem))

    @_never_silent
    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play
        self._run.judge.cleared |= hearing.clears_in(play)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            current = signal.getsignal(number)
            if current not in (self._on_signal, signal.SIG_IGN, None):
                # Another program may run Ansible in a thread, where no handler can be set.
                with contextlib.suppress(ValueError):
                    signal.signal(number, self._on_signal)
                    self._former[number] = current
        self._run.flush_pending()

    @_never_silent
    def v2_playbook_on_no_hosts_matched(self) -> None:
        if hearing.work_of(self._play):
            self._run.judge.missed(hearing.matches_nobody(self._play))

    @_never_silent
    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._take_items()
        counts = {"hosts": len(stats.processed), "hosts_failed": len(stats.failures), "hosts_unreachable": len(stats.dark)}
        for name in ("ok", "changed", "skipped", "rescued", "ignored"):
            counts["tasks_" + name] = sum(getattr(stats, name).values())
        self._run.end(counts)
        if self._heart:
            self._heart.end(self._run, self._run.verdict == judging.GOOD and not (self._run.unwritten or stats.failures or stats.dark))
        self._complain()
        if self._run.unwritten:
            raise SystemExit(EXIT_UNWRITTEN)
        if judging.exit_status(self._run.verdict) and self.get_option("exit_status") and (self._run.judge.cleared or not (stats.failures or stats.dark)):
            raise SystemExit(judging.exit_status(self._run.verdict))

    def _complain(self) -> None:
        for told, is_error in end.lines(self._run):
            (functools.partial(self._display.error, wrap_text=False) if is_error else self._display.warning)("bitácora: " + told)

    def _interrupt(self, how: str) -> None:
        if self.recorder is None or self.recorder.closed or os.getpid() != self._pid:
            return
        self._inside = True
        try:
            self._take_items()
            self.recorder.interrupt(how)
            if self._heart:
                self._heart.end(self.recorder, False)
        finally:
            self._inside = False
        self._complain()

    def _on_signal(self, number: int, frame: Any) -> None:
        if os.getpid() != self._pid:
            # A worker inherited this handler: it dies as if it had none.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if self._inside:
            # Never between two steps of a record: the hook that was interrupted delivers it when it ends.
            self._deferred = number
            return
        former = self._former.get(number, signal.SIG_DFL)
        if number != signal.SIGINT:
            # Ctrl-C ends Ansible in order, so that atexit closes the run; these do not.
            self._interrupt("signal {0}".format(number))
            signal.signal(number, former)
        if callable(former):
            former(number, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            os.kill(self._pid, number)

    def _deliver_signal(self) -> None:
        if self._deferred is not None:
            number, self._deferred = self._deferred, None
            self._on_signal(number, None)

    # -- results ----------------------------------------------------------------------------------------------------

    @_never_silent
    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._run.judge.cleared |= hearing.clears(task)
        self._run.flush_log()

    @_never_silent
    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._started[(host.get_name(), task._uuid)] = time.monotonic()

    @_never_silent
    def v2_runner_on_ok(self, result: Any) -> None:
        self._take(result, "ok")

    @_never_silent
    def v2_runner_on_skipped(self, result: Any) -> None:
        self._take(result, "skipped")

    @_never_silent
    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._take(result, "ignored" if ignore_errors else "failed")

    @_never_silent
    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._take(result, "unreachable")

    def _take(self, event: Any, status: str) -> None:
        host, task, found = hearing.result_of(event)
        simulated = self._is_simulated(event)
        silent = self._silent.pop((host, task._uuid), None)
        action, ours = hearing.named(str(task.action)), hearing.resolved(event, task)
        short = ours[len(events.COLLECTION):] if ours.startswith(events.COLLECTION) else ""
        rows = self._each(task, ours, found)
        self._run.judge.heard(host, short, hearing.is_of_ours(task), status, rows)
        self._take_attempts(lambda row: row[0] == (host, task._uuid))
        if not hearing.OURS.isdisjoint(found):
            if ours == _MOVER and found.get("moved") and not simulated and isinstance(found.get("url"), str):
                self._run.follow(found["url"])
                os.environ["RESPALDO_BITACORA"] = found["url"]
            for row in rows:
                told = self._run.take(host, ours, row.get("backup"), simulated)
                if row is found and not told:
                    silent = found
        elif status == "failed":
            silent = found
        self._items = [row for row in self._items if row[0] != (host, task._uuid)]
        if status == "unreachable":
            self._run.no_answer(host, "the host is unreachable", "sin conexión con el servidor", None)
        elif status == "failed" and silent is not None:
            why = "falló la tarea " + action + refusals.told(silent, task)
            self._run.no_answer(host, "the task {0} failed".format(action), why, hearing.error_of(silent, short))
        begun = self._started.pop((host, task._uuid), time.monotonic())
        self._run.log(action, host, status, int((time.monotonic() - begun) * 1000))
        numbers.flush(self._run)

    def _is_simulated(self, event: Any) -> bool:
        # Fields of the event are templated; newer versions give only the task, templated. With `check_mode: false` the work under --check is real.
        fields = getattr(event, "_task_fields", None)
        mode = fields.get("check_mode") if fields else getattr(hearing.result_of(event)[1], "check_mode", None)
        return mode if isinstance(mode, bool) else self._simulated

    @staticmethod
    def _each(task: Any, action: str, found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The results of a loop, or the one result. What a server calls `results` is no loop."""
        rule, rows = events.allowed(action), found.get("results")
        loop = getattr(task, "loop", None) is not None or getattr(task, "loop_with", None) or (rule is not None and rule.rows)
        if loop and isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows) and "backup" not in found:
            return rows
        return [found]

    # Items of a loop, and attempts of a task that is repeated, come in another thread, where raising or waiting would hang Ansible: they
    # are only kept. Of items in case the run is interrupted before the loop's own result comes.

    def v2_runner_retry(self, result: Any) -> None:
        host, task, found = hearing.result_of(result)
        if "backup" in found:
            self._attempts.append(((host, task._uuid), hearing.resolved(result, task), found["backup"], self._is_simulated(result)))

    def _take_attempts(self, chosen: Callable[[Any], bool] = bool) -> None:
        for row in list(filter(chosen, self._attempts)):
            self._attempts.remove(row)
            self._run.take_attempt(row[0][0], *row[1:])

    def v2_runner_item_on_ok(self, result: Any) -> None:
        host, task, found = hearing.result_of(result)
        if "backup" in found:
            self._items.append(((host, task._uuid), hearing.resolved(result, task), found["backup"], self._is_simulated(result)))

    def v2_runner_item_on_failed(self, result: Any) -> None:
        host, task, found = hearing.result_of(result)
        if "backup" in found:
            self.v2_runner_item_on_ok(result)
        else:
            # The loop's own result does not say which item failed in every version of Ansible.
            self._silent[(host, task._uuid)] = found

    def _take_items(self) -> None:
        self._take_attempts()
        items, self._items = self._items, []
        for (host, _uuid), action, found, simulated in items:
            self._run.take(host, action, found, simulated)
