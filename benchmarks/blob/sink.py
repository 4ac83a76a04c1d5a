# Copyright (c) 2026, perucompras.respaldo contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sink that answers as Blob Storage does to uploads, over TLS, and throws the bytes away: what is measured is the client.

    python sink.py PORT CERTIFICATE KEY

It compares nothing and keeps nothing. It prints its own CPU seconds and the bytes it received when it is asked by GET /.told.
"""

from __future__ import annotations

import email.utils
import os
import resource
import socket
import ssl
import sys
import threading

_received = [0]
_sizes: dict[str, int] = {}
_committed: dict[str, int] = {}      # blobs that were committed and not looked at since: a client may look once, another begins anew


def serve(plain: socket.socket, context: ssl.SSLContext) -> None:
    try:
        with context.wrap_socket(plain, server_side=True) as connection:
            buffer = bytearray(1 << 20)
            view, pending = memoryview(buffer), b""
            while True:
                while b"\r\n\r\n" not in pending:
                    chunk = connection.recv(1 << 16)
                    if not chunk:
                        return
                    pending += chunk
                head, _blank, pending = pending.partition(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                method, target = lines[0].split(" ")[:2]
                headers = {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines[1:])}
                left = int(headers.get("content-length", 0)) - len(pending)
                if headers.get("expect") == "100-continue":
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                _received[0] += int(headers.get("content-length", 0))
                pending = b""
                while left > 0:
                    left -= connection.recv_into(view[:min(left, len(buffer))])
                connection.sendall(answer(method, target, int(headers.get("content-length", 0))))
    except (OSError, ssl.SSLError):
        pass


def answer(method: str, target: str, size: int) -> bytes:
    if target == "/.told":
        used = resource.getrusage(resource.RUSAGE_SELF)
        body = f"{used.ru_utime + used.ru_stime:.2f} {_received[0]}".encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    path, _mark, query = target.partition("?")
    date = email.utils.formatdate(usegmt=True)
    told = f"ETag: \"0x8D\"\r\nLast-Modified: {date}\r\nDate: {date}\r\nx-ms-request-id: 1\r\nx-ms-version: 2026-04-06\r\nx-ms-blob-type: BlockBlob\r\n\r\n"
    if method == "HEAD" and path in _committed:
        return f"HTTP/1.1 200 OK\r\nContent-Length: {_committed.pop(path)}\r\n{told}".encode()
    if method == "HEAD":
        return f"HTTP/1.1 404 The specified blob does not exist.\r\nx-ms-error-code: BlobNotFound\r\nContent-Length: 0\r\n{told}".encode()
    if "comp=blocklist" in query:
        _committed[path] = _sizes.pop(path, 0)
    elif method == "PUT":
        _sizes[path] = _sizes.get(path, 0) + size
    status = "201 Created" if method == "PUT" else "200 OK"
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nx-ms-request-server-encrypted: true\r\n{told}".encode()


def main() -> None:
    port, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", port), backlog=256) as listener:
        print(os.getpid(), flush=True)
        while True:
            connection, _address = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection, context), daemon=True).start()


if __name__ == "__main__":
    main()
