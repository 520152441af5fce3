"""Requests to one Go process's `/debug/pprof/`: bounded in time and size, ended at any moment, never two at a time."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from collectors.capture.failures import CaptureError

CONNECT_SECONDS = 2.0
# Beyond the time that was asked for: a program with very many goroutines or stacks takes a while to write.
GRACE_SECONDS = 15.0
MOST_BYTES = 8 * 1024 * 1024
_PATH = "/debug/pprof"
_READ_BYTES = 1 << 16
_WORDS_CHARS = 200
# Whoever was called off leaves within this, unless the system is stuck.
_LEAVE_SECONDS = 2.0


class Busy(Exception):
    """Somebody reads this process already."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` ends with `/debug/pprof`. `pid` and `start_ticks` tell the process, where it is one of this host."""

    service: str
    url: str
    pid: int | None = None
    start_ticks: int = 0

    @classmethod
    def of(cls, service: str, address: str) -> Endpoint:
        """An address without a path means the usual one."""
        parts = urlsplit(address)
        path = parts.path.rstrip("/") or _PATH
        return cls(service, f"{parts.scheme}://{parts.netloc}{path}")

    @property
    def labels(self) -> dict[str, str]:
        return {} if self.pid is None else {"pid": str(self.pid)}


class Pull:
    """One request. `end` may be called from any thread, before, during and after it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        parts = urlsplit(endpoint.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=CONNECT_SECONDS)
        self._path = parts.path
        self._socket: socket.socket | None = None  # the connection gives its own up when it reads the answer
        self._ended = self._late = False

    def fetch(self, path: str, seconds: float = 0.0, most_bytes: int = MOST_BYTES) -> bytes:
        """What it answers to `path`, which takes it `seconds`. Raises CaptureError in words."""
        watchdog = threading.Timer(CONNECT_SECONDS + seconds + GRACE_SECONDS, self._time_out)
        watchdog.daemon = True
        watchdog.start()
        try:
            return self._fetch(f"{self._path}/{path}", seconds, most_bytes)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CaptureError(self._why(error, seconds)) from None
        finally:
            watchdog.cancel()
            self._connection.close()

    def end(self) -> None:
        """Go's handlers stop profiling when the connection is gone."""
        self._ended = True
        if self._socket is not None:
            with contextlib.suppress(OSError):  # closed meanwhile
                self._socket.shutdown(socket.SHUT_RDWR)

    def _time_out(self) -> None:
        self._late = True
        self.end()

    def _fetch(self, path: str, seconds: float, most_bytes: int) -> bytes:
        self._connection.connect()
        self._socket = self._connection.sock
        self._socket.settimeout(CONNECT_SECONDS + seconds + GRACE_SECONDS)
        self._go_on()
        self._connection.request("GET", path, headers={"Accept-Encoding": "identity"})
        answer = self._connection.getresponse()
        data = bytearray()
        while part := answer.read(_READ_BYTES):
            data += part
            if len(data) > most_bytes:
                raise CaptureError(
                    f"{self._endpoint.url} sent more than {most_bytes >> 20} MiB: take a shorter time"
                )
        self._go_on()
        if answer.length:
            raise http.client.IncompleteRead(bytes(data[-1:]), answer.length)
        if answer.status != 200:
            raise CaptureError(_refused(self._endpoint.url, answer.status, bytes(data)))
        return bytes(data)

    def _go_on(self) -> None:
        if self._ended:
            raise ConnectionAbortedError

    def _why(self, error: Exception, seconds: float) -> str:
        url = self._endpoint.url
        if self._late or isinstance(error, TimeoutError):
            return f"{url} did not answer within {CONNECT_SECONDS + seconds + GRACE_SECONDS:.0f} s; is it overloaded?"
        if self._ended:
            return f"The reading of {url} was ended."
        if isinstance(error, ConnectionRefusedError):
            return f"Nobody listens at {url}: is the program running, and is the port the right one?"
        return f"{url} broke off: {str(error) or type(error).__name__}"


def _refused(url: str, status: int, body: bytes) -> str:
    words = body.decode("utf-8", "replace").strip().partition("\n")[0][:_WORDS_CHARS]
    if "already in use" in words:
        return f"{url}: somebody else takes a CPU profile of this process now, and Go takes one at a time."
    if status == 404:
        return f"{url} answers 404: the program has to import net/http/pprof, or serve that kind of profile."
    return f"{url} answers {status}: {words or 'without words'}"


@dataclass(slots=True)
class _Seat:
    """Who reads a process now."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    pull: Pull | None = None
    urgent: bool = False


_seats: dict[object, _Seat] = {}
_guard = threading.Lock()


@contextlib.contextmanager
def alone(endpoint: Endpoint, *, urgent: bool = False) -> Iterator[Pull]:
    """A request with nobody else at this process. One for a person ends one of the continuous reading.

    Raises Busy, or CaptureError when it is urgent and another person's capture goes on.
    """
    seat = _seat(endpoint)
    if urgent and seat.pull is not None and not seat.urgent:
        seat.pull.end()
    if not seat.lock.acquire(timeout=_LEAVE_SECONDS if urgent else 0):
        if urgent:
            raise CaptureError(
                f"Another capture of {endpoint.service} reads {endpoint.url} now; wait until it ends."
            )
        raise Busy
    try:
        seat.pull, seat.urgent = Pull(endpoint), urgent
        yield seat.pull
    finally:
        seat.pull = None
        seat.lock.release()


def _seat(endpoint: Endpoint) -> _Seat:
    """By process where it is known: it may have several addresses."""
    with _guard:
        return _seats.setdefault(endpoint.pid or urlsplit(endpoint.url).netloc, _Seat())
