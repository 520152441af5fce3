"""A certificate authority of one's own, and what it signs, by the distribution's openssl."""

from __future__ import annotations

import ssl
import subprocess
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
