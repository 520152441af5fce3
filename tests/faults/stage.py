"""Where a case is played: a network namespace, its processes and settings, all of which are gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tests.faults import gobuild
from tests.faults.path import Path as NetworkPath

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).parent / "programs"
# what the names of cases' own folders on the disk begin with
FILES = Path("/var/tmp/diagnose-fault-files-")
_START_SECONDS = 20.0


class Namespace:
    """A network namespace with loopback up, as long as the process that holds it lives."""

    def __init__(self) -> None:
        argv = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"]
        self._holder = subprocess.Popen(argv)
        _wait_until(lambda: self.inode != _inode("self"))
        self.call("ip", "link", "set", "lo", "up")

    @property
    def pid(self) -> int:
        return self._holder.pid

    @property
    def inode(self) -> int:
        return _inode(self.pid)

    def argv(self, *argv: str) -> list[str]:
        """The same command, run inside; it ends with whoever starts it."""
        return ["setpriv", "--pdeathsig", "KILL", "nsenter", "--net", "--target", str(self.pid), *argv]

    def call(self, *argv: str, given: str | None = None) -> None:
        """Run to its end. Raises CalledProcessError."""
        subprocess.run(self.argv(*argv), check=True, input=given, text=True, capture_output=True)

    def pids(self) -> set[int]:
        """Everybody who lives here."""
        inode = self.inode
        found = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return {pid for pid in found if _inode(pid) == inode} - {self.pid}

    def close(self) -> None:
        """With all who live here: what a program of a case started outlives it."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._holder.kill()
        self._holder.wait()


class Stage:
    """A case's world: `here` is the host that is watched; a `path` leads to another one."""

    python = sys.executable

    def __init__(self) -> None:
        self._undo = ExitStack()
        self.here = Namespace()
        self._undo.callback(self.here.close)
        self.onset = time.time()
        self.pids: set[int] = set()
        self.cgroups: set[str] = set()
        self._programs: list[tuple[tuple[str, ...], Namespace, str, subprocess.Popen[bytes]]] = []
        self.mounts: set[str] = set()

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def begin(self, after_seconds: float = 0.0) -> None:
        """The fault begins now, or soon; what was started before was still healthy."""
        self.onset = time.time() + after_seconds

    def start(self, *argv: str, where: Namespace | None = None) -> subprocess.Popen[bytes]:
        """A process that is ended with the stage. Its output is kept for nobody."""
        process = subprocess.Popen(
            (where or self.here).argv(*argv), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.pids.add(process.pid)
        self._undo.callback(_end, process)
        return process

    def program(
        self, name: str, *arguments: object, where: Namespace | None = None, service: str = ""
    ) -> subprocess.Popen[bytes]:
        """One of the programs of the corpus (or of another folder, by its path); a `service` is not called after it."""
        path = name if name.startswith("/") else str(self.program_path(name))
        named = ["env", f"DIAGNOSE_SERVICE={service}"] if service else []
        words = tuple(map(str, arguments))
        process = self.start(*named, self.python, path, *words, where=where)
        self._programs.append(((name, *words), where or self.here, service, process))
        return process

    def restart(
        self, name: str, *first: str, without: Sequence[str] = (), more: Sequence[object] = ()
    ) -> None:
        """The running program of that name whose arguments begin with `first`, ended and started with others: without
        some options and their values, and with more."""
        for one in list(self._programs):
            words, where, service, process = one
            if words[: 1 + len(first)] == (name, *first):
                _end(process)
                self._programs.remove(one)
                self.program(name, *_without(words[1:], without), *more, where=where, service=service)

    def program_path(self, name: str) -> Path:
        return PROGRAMS / name

    def folder(self) -> Path:
        """For files of the case."""
        made = tempfile.TemporaryDirectory(prefix="diagnose-stage-")
        self._undo.callback(made.cleanup)
        return Path(made.name)

    def sysctl(self, name: str, value: object, where: Namespace | None = None) -> None:
        """A setting of the namespace; it goes with it."""
        path = f"/proc/sys/{name.replace('.', '/')}"
        (where or self.here).call("tee", path, given=f"{value}\n")

    def host_file(self, path: Path, value: object) -> None:
        """A setting of the whole machine, put back afterwards."""
        before = path.read_text().strip()
        self._undo.callback(path.write_text, f"{before}\n")
        path.write_text(f"{value}\n")

    def nft(self, rules: str) -> None:
        """Rules of the packet filter, inside."""
        self.here.call("nft", "-f", "-", given=rules)

    def path(self, **conditions: float) -> NetworkPath:
        """A network path with delay, loss or a narrow end, to a namespace of its own: 10.99.0.1 here, .2 there."""
        there = Namespace()
        self._undo.callback(there.close)
        path = NetworkPath(self.here.pid, there.pid, **conditions)
        self._undo.callback(path.close)
        for namespace, own, peer in ((self.here, 1, 2), (there, 2, 1)):
            namespace.call("ip", "addr", "add", f"10.99.0.{own}", "peer", f"10.99.0.{peer}", "dev", "path0")
            namespace.call("ip", "link", "set", "path0", "up", "mtu", "1500")
            self.sysctl("net.ipv4.tcp_congestion_control", "reno", namespace)
        path.there = there
        return path

    def veth(self) -> Namespace:
        """A namespace at the other end of a pair of virtual cards: 10.97.0.1 here, .2 there."""
        there = Namespace()
        self._undo.callback(there.close)
        self.here.call(
            "ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", str(there.pid)
        )
        for namespace, own in ((self.here, 1), (there, 2)):
            namespace.call("ip", "addr", "add", f"10.97.0.{own}/24", "dev", "veth0")
            namespace.call("ip", "link", "set", "veth0", "up")
        return there

    def steer(self, mask: str) -> None:
        """Hand the packets that veth0 receives to these CPUs (RPS); sysfs shows the devices of who mounts it."""
        script = f"mount -t sysfs sysfs /sys && echo {mask} > /sys/class/net/veth0/queues/rx-0/rps_cpus"
        self.here.call("unshare", "--mount", "sh", "-c", script)

    def cgroup(self, controller: str, **files: object) -> Path:
        """A control group (v1) of that controller with these settings, removed afterwards."""
        group = Path("/sys/fs/cgroup") / controller / f"diagnose-fault-{os.getpid()}-{self.here.pid}"
        group.mkdir()
        self.cgroups.add(f"/{group.name}")
        self._undo.callback(_remove, group)
        for name, value in files.items():
            (group / name.replace("__", ".")).write_text(f"{value}\n")
        return group

    def on_disk(self) -> Path:
        """A new one on this machine's disk, removed afterwards."""
        path = Path(tempfile.mkdtemp(prefix=FILES.name, dir=FILES.parent))
        self._undo.callback(shutil.rmtree, path, ignore_errors=True)
        return path

    def file(self, mebibytes: int) -> Path:
        """One with that much in it, none of which is in the page cache."""
        path = self.on_disk() / "data"
        with path.open("wb") as file:
            for _ in range(mebibytes):
                file.write(os.urandom(1 << 20))
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return path

    def filesystem(self, mebibytes: int, inodes: int) -> Path:
        """A small one in memory of its own, mounted for the time of the case."""
        path = self.on_disk()
        options = f"size={mebibytes}m,nr_inodes={inodes}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True)
        self.mounts.add(str(path))
        self._undo.callback(subprocess.run, ["umount", "--lazy", str(path)], check=False)
        return path

    def swap(self, mebibytes: int) -> None:
        """For the whole machine, as long as the case lasts."""
        path = self.on_disk() / "swap"
        subprocess.run(["fallocate", "-l", f"{mebibytes}M", str(path)], check=True)
        path.chmod(0o600)
        subprocess.run(["mkswap", str(path)], check=True, capture_output=True)
        subprocess.run(["swapon", str(path)], check=True)
        self._undo.callback(subprocess.run, ["swapoff", str(path)], check=False)

    def go_program(self, name: str, *arguments: object) -> subprocess.Popen[bytes]:
        """One of the programs of the corpus that are written in Go."""
        return self.start(str(gobuild.built(name)), *map(str, arguments))

    def start_in(self, group: Path, *argv: str) -> subprocess.Popen[bytes]:
        """A process that begins its life in a control group."""
        enter = f'echo $$ > "{group}/cgroup.procs" && exec "$@"'
        return self.start("sh", "-c", enter, "sh", *argv)

    def wait_for_listener(self, port: int) -> None:
        """Until somebody listens there."""
        wanted = f":{port:04X}"
        table = Path(f"/proc/{self.here.pid}/net/tcp")

        def listens() -> bool:
            rows = (line.split() for line in table.read_text().splitlines()[1:])
            return any(row[1].endswith(wanted) and row[3] == "0A" for row in rows)

        _wait_until(listens)

    def note_pids(self) -> None:
        """Remember who belongs to the case."""
        self.pids |= self.here.pids()


def _without(words: Sequence[str], options: Sequence[str]) -> Iterator[str]:
    """Arguments but these options, each with the value behind it."""
    left_out = False
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in options:
            left_out = bool(following) and not following.startswith("--")
        elif left_out:
            left_out = False
        else:
            yield word


def _inode(pid: int | str) -> int:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino  # noqa: PTH116 - of a link that pathlib would follow the same
    except OSError:
        return 0


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the stage did not come up within {_START_SECONDS:g} s")
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _remove(group: Path) -> None:
    """Its processes are killed, those that they started too, and may take a moment to be gone."""
    for _ in range(100):
        for pid in (group / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.05)
    raise TimeoutError(
        f"{group} could not be removed: it still has processes {(group / 'cgroup.procs').read_text()}"
    )
