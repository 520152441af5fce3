"""`machine.sh` as tests use it: commands inside, what changed on its disk, its network for a test's own thread."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_SCRIPT = Path(__file__).with_name("machine.sh")
_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_BOOT_SECONDS = 30.0
# What any system writes by itself: logs, the journal, random seeds, and shadow's own copies of what it changed.
_BY_ITSELF = ("var/log/", "var/lib/systemd/", "var/cache/", "run/", "tmp/", "dev/", "root/")
_COPIES = tuple(f"etc/{name}-" for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid"))


class Machine:
    """Runs until `stop`; nothing of it stays."""

    def __init__(self, place: Path) -> None:
        self._place = place
        place.mkdir()
        log = (place.parent / "machine.log").open("w")
        self._process = subprocess.Popen(
            [str(_SCRIPT), str(place)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._log = Path(log.name)
        self.pid = 0
        self._wait_for_systemd()

    def _wait_for_systemd(self) -> None:
        deadline = time.monotonic() + _BOOT_SECONDS
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        while True:
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            self.pid = int((children.read_text().split() or ["0"])[0])
            if self.pid and self._is_up():
                return
            time.sleep(0.2)

    def _is_up(self) -> bool:
        name = Path(f"/proc/{self.pid}/comm")
        if not name.exists() or name.read_text() != "systemd\n":
            return False
        said = self.run("systemctl is-system-running", check=False).stdout.strip()
        return said in {"running", "degraded"}

    def run(self, line: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """A line for its shell, as root, with these variables and no other ones."""
        enter = [
            "nsenter",
            "--target",
            str(self.pid),
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
        ]
        environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", **env}
        ran = subprocess.run(
            [*enter, "--root", f"--wd=/proc/{self.pid}/root", "sh", "-c", line],
            env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert not check or ran.returncode == 0, f"{line}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """What this thread opens or starts meanwhile is in the machine's network, which leads nowhere else."""
        with Path("/proc/self/ns/net").open() as own, Path(f"/proc/{self.pid}/ns/net").open() as its:
            _enter(its.fileno())
            try:
                yield
            finally:
                _enter(own.fileno())

    def changed(self) -> set[str]:
        """Paths whose content, kind, owner or mode is not that of the root below."""
        upper, root = self._place / "upper", Path(f"/proc/{self.pid}/root")
        listed = subprocess.run(
            ["nsenter", "--target", str(self.pid), "--mount", "find", str(upper), "-mindepth", "1", "-printf", r"%P\n"],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        paths = (path for path in listed.stdout.splitlines() if not path.startswith(_BY_ITSELF))
        return {path for path in paths if path not in _COPIES and not _same(root / path, Path("/", path))}

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(30)
        name = self._place.name
        deadline = time.monotonic() + 10
        groups = [path for path in Path("/sys/fs/cgroup").glob(f"**/{name}") if path.is_dir()]
        while groups and time.monotonic() < deadline:
            for path in groups:
                _remove_groups(path)
            groups = [path for path in groups if path.exists()]
            time.sleep(0.1)
        shutil.rmtree(self._place, ignore_errors=True)


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _remove_groups(path: Path) -> None:
    for directory, _, _ in os.walk(path, topdown=False):
        with contextlib.suppress(OSError):
            Path(directory).rmdir()


def _same(there: Path, here: Path) -> bool:
    if not os.path.lexists(there) or not os.path.lexists(here):
        return os.path.lexists(there) == os.path.lexists(here)
    first, second = there.lstat(), here.lstat()
    if (first.st_mode, first.st_uid, first.st_gid) != (second.st_mode, second.st_uid, second.st_gid):
        return False
    if there.is_symlink():
        return there.readlink() == here.readlink()
    return not there.is_file() or there.read_bytes() == here.read_bytes()
