# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as blocks: cut, staged by several threads in bounded memory, and read back in ranges.

A block's id is its place and its MD5, which the service compares with what it received. So the list of ids says what a blob
holds without reading it, the same bytes have the same ids in every run, and a block that lies there already is not sent again.
"""

from __future__ import annotations

import base64
import hashlib
import mmap
import os
import sys
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any, Callable, Container, Dict, List, NamedTuple, Optional, Tuple
from urllib.parse import quote

from ..errors import BackupError
from .azure_http import Answer, Refused, Service, fault
from .base import Following, Reading

MIB = 1 << 20
MOST_BLOCKS = 50000               # of one blob, by the service
_SMALLEST, _LARGEST = 8 * MIB, 4000 * MIB
_PLANNED = 45000                  # a file that grew since it was measured still fits
_IN_MEMORY = 16 * MIB             # a larger block is gathered in a file without a name
_UNKNOWN = (5000, 2500)           # blocks of the first size when the size is unknown; then the size doubles every so many
_PAST_THE_PLAN = 250              # blocks of one size beyond the plan, then it doubles
_PIECE = MIB

# Builds for FIPS refuse MD5 unless they are told that it signs nothing; Python 3.8 knows no such word.
_CHECKSUM = {"usedforsecurity": False} if sys.version_info >= (3, 9) else {}


def md5(data: Any = b"") -> Any:
    """MD5 as a checksum, which is what the service takes."""
    return hashlib.md5(data, **_CHECKSUM)


def block_size(index: int, expected: int) -> int:
    """Bytes of the block at that place (from 0) of a file of about `expected` bytes; 0 when nobody knows.

    A known size is cut evenly, up to 190 TiB; an unknown one in blocks that grow, up to 95 TiB. One that was expected to be less than a block is
    unknown: it is the least that a policy takes for a copy. A file that grows past what it was planned for goes on in blocks that double.
    """
    if expected >= _SMALLEST:
        needed = -(-expected // _PLANNED)
        size = min(_LARGEST, max(_SMALLEST, -(-needed // _SMALLEST) * _SMALLEST))
        return size if index < _PLANNED else min(_LARGEST, size << 1 + min((index - _PLANNED) // _PAST_THE_PLAN, 10))
    first, step = _UNKNOWN
    doublings = 0 if index < first else 1 + (index - first) // step
    return min(_LARGEST, _SMALLEST << min(doublings, 10))


def block_id(index: int, digest: bytes) -> str:
    return base64.b64encode("{0:05d}".format(index).encode() + digest).decode()


class Block:
    """A block being gathered or sent."""

    def __init__(self, index: int, limit: int, buffer: Optional[mmap.mmap]) -> None:
        self.index = index
        self.limit = limit
        self.size = 0
        self.buffer = buffer
        self.file: Optional[IO[bytes]] = tempfile.TemporaryFile(buffering=0) if buffer is None else None

    def room(self) -> Optional[memoryview]:
        """Memory for what comes next, which `take` then finds in its place."""
        return None if self.buffer is None else memoryview(self.buffer)[self.size:min(self.limit, self.size + _PIECE)]

    def take(self, view: memoryview) -> int:
        """Add what fits of `view`; gives how many bytes that was."""
        count = min(len(view), self.limit - self.size)
        if self.buffer is not None:
            if view.obj is not self.buffer:
                self.buffer[self.size:self.size + count] = view[:count]
        else:
            rest = view[:count]
            while rest:
                rest = rest[os.write(self._descriptor(), rest):]
        self.size += count
        return count

    def digest(self) -> bytes:
        if self.buffer is not None:
            return md5(memoryview(self.buffer)[:self.size]).digest()
        found, at = md5(), 0
        while at < self.size:
            piece = self.read(at, _PIECE)
            found.update(piece)
            at += len(piece)
        return found.digest()

    def read(self, at: int, size: int) -> Any:
        """Some of its bytes, in its own memory where it has any."""
        size = min(size, self.size - at)
        if self.buffer is not None:
            return memoryview(self.buffer)[at:at + size]
        return os.pread(self._descriptor(), size, at)

    def body(self) -> Any:
        if self.buffer is not None:
            return memoryview(self.buffer)[:self.size]
        duplicate = os.fdopen(os.open("/proc/self/fd/{0}".format(self._descriptor()), os.O_RDONLY), "rb", buffering=0)
        return duplicate

    def release(self) -> None:
        if self.file is not None:
            self.file.close()

    def _descriptor(self) -> int:
        return self.file.fileno() if self.file is not None else -1


class Staged(NamedTuple):
    """A file whose blocks all lie with the service, not yet a blob."""

    size: int
    ids: List[str]


class Upload:
    """Stages one file. Memory is bounded by (workers + 1) blocks of up to 16 MiB: being filled, sent, or read back.

    `known` are ids of blocks that lie there already; `staged(id, size, sent)` is told of each block.
    """

    def __init__(self, service: Service, blob: str, expected: int, workers: int, known: Container[str] = (),
                 staged: Optional[Callable[[str, int, bool], None]] = None) -> None:
        self.service = service
        self.blob = blob
        self.expected = expected
        self.known = known
        self.told = staged or (lambda _id, _size, _sent: None)
        self.followed = False
        self.most = workers + 1
        self.pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="block")
        self.news = threading.Condition()
        self.blocks: Dict[int, Block] = {}
        self.ids: Dict[int, str] = {}
        self.sizes: Dict[int, int] = {}
        self.spare: List[mmap.mmap] = []
        self.scratch: Optional[memoryview] = None
        self.filling: Optional[Block] = None
        self.count = self.size = 0
        self.contiguous = 0          # blocks from the first on that are staged, without a gap
        self.settled = 0             # their bytes
        self.error: Optional[BaseException] = None
        self.closed = False

    def room(self) -> memoryview:
        """Up to 1 MiB of memory to read into, for `write` right after: mostly where the bytes are sent from."""
        lent = (self.filling or self._begin()).room()
        if lent is None:
            lent = self.scratch = self.scratch or memoryview(bytearray(_PIECE))
        return lent

    def write(self, chunk: Any) -> None:
        view = memoryview(chunk)
        while view:
            block = self.filling or self._begin()
            view = view[block.take(view):]
            if block.size == block.limit:
                self._send()

    def close(self) -> Staged:
        """Send what is left and wait until all of it lies there. Raises the first error of any block."""
        try:
            if self.filling is not None and not self.filling.size:      # room was made for more than came
                self._free(self.filling)
                self.count, self.filling = self.count - 1, None
            if self.filling is not None and self.error is None:
                self._send()
            with self.news:
                self.news.wait_for(lambda: self.error is not None or self.contiguous == self.count)
        finally:
            with self.news:
                self.closed = True
                self.news.notify_all()
            self.pool.shutdown(wait=True)
        self._raise()
        return Staged(self.size, [self.ids[index] for index in range(self.count)])

    def follow(self) -> Following:
        """Read behind the writing what the service has acknowledged, from the very memory it was sent from."""
        self.followed = True
        at, index = 0, 0
        spent: Optional[Block] = None

        def used() -> None:
            nonlocal spent
            if spent is not None:
                self._free(spent)
                spent = None

        def settle() -> int:
            used()
            with self.news:
                before = self.settled
                self.news.wait_for(lambda: self.error is not None or self.closed or self.settled > before)
                self._raise()
                return self.settled

        def read(size: int) -> bytes:
            nonlocal at, index, spent
            used()
            with self.news:
                block = self.blocks.get(index)
                if block is None or index >= self.contiguous:
                    return b""
            chunk = block.read(at, size)
            at += len(chunk)
            if at == block.size:
                spent, at, index = block, 0, index + 1
            return chunk

        return Following(read, settle, lambda: None, 1)

    def _begin(self) -> Block:
        with self.news:
            self.news.wait_for(lambda: self.error is not None or len(self.blocks) < self.most)
            self._raise()
            if self.count >= MOST_BLOCKS:
                raise BackupError("blob_too_large", location="{0}/{1}".format(self.service.location, self.blob), blocks=MOST_BLOCKS, size=self.size)
            limit = block_size(self.count, self.expected)
            buffer = None
            if limit <= _IN_MEMORY:
                # pages of its own: what of them a small file does not fill takes no memory
                buffer = self.spare.pop() if self.spare and len(self.spare[-1]) == limit else mmap.mmap(-1, limit)
            block = self.filling = self.blocks[self.count] = Block(self.count, limit, buffer)
            self.count += 1
            return block

    def _send(self) -> None:
        block, self.filling = self.filling, None
        if block is not None:
            self.size += block.size
            self.pool.submit(self._stage, block).add_done_callback(self._noticed)

    def _stage(self, block: Block) -> None:
        digest = block.digest()
        found = block_id(block.index, digest)
        sent = found not in self.known
        if self.error is not None:
            return      # what is not sent must not be noted as sent
        if sent:
            put_block(self.service, self.blob, found, digest, block.body, block.size)
        self.told(found, block.size, sent)
        with self.news:
            self.ids[block.index] = found
            self.sizes[block.index] = block.size
            while self.contiguous in self.ids:
                self.settled += self.sizes.pop(self.contiguous)
                self.contiguous += 1
            self.news.notify_all()
        if not self.followed:
            self._free(block)

    def _noticed(self, done: "Future[None]") -> None:
        error = done.exception()
        if error is not None:
            with self.news:
                self.error = self.error or error
                self.news.notify_all()

    def _free(self, block: Block) -> None:
        block.release()
        with self.news:
            del self.blocks[block.index]
            if block.buffer is not None:
                self.spare.append(block.buffer)
            self.news.notify_all()

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error


def put_block(service: Service, blob: str, identifier: str, digest: bytes, body: Any, size: int, patience: Optional[int] = None) -> None:
    """Stage a block; the service compares its MD5. Raises BackupError."""
    try:
        service.request("PUT", blob, "comp=block&blockid=" + quote(identifier, safe=""), {"Content-MD5": base64.b64encode(digest).decode()},
                        body, size, patience)
    except Refused as refused:
        raise fault(refused, "{0}/{1}".format(service.location, blob)) from refused


class Ranges:
    """Reads a blob in order, some ranges ahead, all of one version of it. A range that is cut off is asked for again."""

    def __init__(self, service: Service, blob: str, workers: int) -> None:
        self.service = service
        self.blob = blob
        self.first, self.etag, self.size = self._get(0, "")
        self.pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="range") if self.size > len(self.first) else None
        self.ahead: "List[Future[Tuple[bytes, str, int]]]" = []
        self.asked = len(self.first)
        self.current = self.first
        self.at = 0
        self.workers = workers

    def reading(self) -> Reading:
        return Reading(self.read, self.close)

    def read(self, size: int) -> bytes:
        if self.at == len(self.current):
            self._next()
        chunk = self.current[self.at:self.at + size]
        self.at += len(chunk)
        return chunk

    def close(self) -> None:
        if self.pool is not None:
            for each in self.ahead:
                each.cancel()
            self.pool.shutdown(wait=True)

    def _next(self) -> None:
        while self.pool is not None and self.asked < self.size and len(self.ahead) < self.workers:
            self.ahead.append(self.pool.submit(self._get, self.asked, self.etag))
            self.asked = min(self.size, self.asked + _SMALLEST)
        self.current, self.at = self.ahead.pop(0).result()[0] if self.ahead else b"", 0

    def _get(self, start: int, etag: str) -> Tuple[bytes, str, int]:
        headers = {"x-ms-range": "bytes={0}-{1}".format(start, start + _SMALLEST - 1)}
        if etag:
            headers["If-Match"] = etag
        try:
            answer: Answer = self.service.request("GET", self.blob, "", headers)
        except Refused as refused:
            if refused.answer.status == 416 and start == 0:
                return b"", "", 0     # an empty blob has no range
            raise
        total = answer.headers.get("content-range", "").rpartition("/")[2]
        return answer.body, answer.headers.get("etag", ""), int(total) if total.isdigit() else len(answer.body)
