"""A certificate authority of one's own, what it signs (by the distribution's openssl), and TLS in front of a server."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """`certificate` is what clients are to trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate, self._key = folder / "authority.pem", folder / "authority.key"
        names = ("-subj", "/CN=Authority of the tests", "-days", "2")
        _openssl("req", "-x509", *_EC, *names, "-keyout", self._key, "-out", self.certificate)

    def serving(self, name: str = "localhost") -> ssl.SSLContext:
        """For a server of this name, with a certificate that it signed."""
        key, certificate = self._folder / f"{name}.key", self._folder / f"{name}.pem"
        request, extension = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extension.write_text(f"subjectAltName=DNS:{name}\n")
        _openssl("req", *_EC, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        signed = ("-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial", "-days", "2")
        _openssl("x509", "-req", "-in", request, *signed, "-extfile", extension, "-out", certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@contextmanager
def in_front_of(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """A port of loopback that speaks TLS, and goes on to the other one in plain."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):  # it was closed
                while True:
                    accepted, _ = server.accept()
                    threading.Thread(target=_join, args=(accepted, port, context), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _join(accepted: socket.socket, port: int, context: ssl.SSLContext) -> None:
    with (
        suppress(OSError),
        context.wrap_socket(accepted, server_side=True) as outer,
        socket.create_connection(("127.0.0.1", port)) as inner,
    ):
        back = threading.Thread(target=_copy, args=(inner, outer), daemon=True)
        back.start()
        _copy(outer, inner)
        back.join()


def _copy(source: socket.socket, to: socket.socket) -> None:
    with (
        suppress(OSError),
        source.makefile("rb", buffering=0) as read,
        to.makefile("wb", buffering=0) as write,
    ):
        shutil.copyfileobj(read, write)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)
