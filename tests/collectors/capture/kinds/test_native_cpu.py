"""Captures of programs whose shares and callers are known; those of the distribution have no frame pointers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from collectors.capture.failures import CaptureError
from collectors.wire import CaptureTarget
from tests.collectors.capture.native.programs import compiled, running, shares, stacks_of
from tests.collectors.capture.native.watching import Asker, captured

pytestmark = [pytest.mark.root(to="load eBPF programs"), pytest.mark.program("gcc")]

SECONDS = 4
CALLERS = ("_start", "main", "dive", "serve", "handle")


def test_code_without_frame_pointers_is_unwound_to_where_it_began(without_frame_pointers):
    with running(without_frame_pointers) as process:
        result = captured("native_cpu", CaptureTarget(pid=process.pid), SECONDS)
    stacks = stacks_of(result.samples, pid=str(process.pid), service="shares")
    assert stacks.total() == result.count > 50
    found = shares(stacks, *CALLERS, "[truncated]")
    assert min(found[:-1]) > 98, found
    assert found[-1] < 2
    spent = shares(stacks, "seventy", "twenty", "ten")
    allowed = 3 * (100 / result.count**0.5) * 0.46 + 1  # three standard deviations of the share of 70 %
    assert all(abs(one - other) <= max(3, allowed) for one, other in zip(spent, (70, 20, 10), strict=True)), (
        spent
    )
    assert {sample.capture_id for sample in result.samples} == {"c1"}


def test_a_recursion_deeper_than_can_be_kept_is_cut_at_its_root(without_frame_pointers):
    with running(without_frame_pointers, "2000") as process:
        result = captured("native_cpu", CaptureTarget(pid=process.pid))
    stacks = stacks_of(result.samples)
    deep = [stack for stack in stacks if stack[-1] in {"spend", "step"}]
    assert deep
    assert {stack[0] for stack in deep} == {"[truncated]"}
    assert {len(stack) for stack in deep} == {128}


@pytest.mark.program("go")
def test_go_is_walked_by_its_frame_pointers(tmp_path):
    program = compiled(tmp_path, "shares.go")
    with running(program) as process:
        result = captured("native_cpu", CaptureTarget(pid=process.pid), SECONDS)
    stacks = stacks_of(result.samples)
    assert shares(stacks, "main.main.func1")[0] > 90, stacks.most_common(3)
    assert shares(stacks, "[truncated]")[0] < 5


@contextmanager
def web_server(folder: Path) -> Iterator[tuple[int, int]]:
    """nginx of the distribution; its port and the pid of its worker."""
    port = 18_000 + os.getpid() % 10_000
    (folder / "page.html").write_text("x" * 100_000)
    (folder / "nginx.conf").write_text(
        f"user root; worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error;"
        "events {} http { access_log off; gzip on; gzip_comp_level 9; gzip_types *;"
        f" server {{ listen 127.0.0.1:{port}; root {folder}; }} }}"
    )
    folder.chmod(0o755)
    server = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    process = subprocess.Popen(
        [server, "-c", f"{folder}/nginx.conf", "-p", str(folder)], stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/page.html").read()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        worker = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
        yield port, int(worker)
    finally:
        process.terminate()
        process.wait()


@pytest.mark.program("nginx")
def test_nginx_of_the_distribution_shows_who_calls_whom_down_to_main(tmp_path_factory):
    load = None
    with web_server(tmp_path_factory.mktemp("nginx", numbered=True)) as (port, worker):
        url = f"http://127.0.0.1:{port}/page.html"
        try:
            load = subprocess.Popen(
                [
                    "sh",
                    "-c",
                    f"while :; do curl -s -H 'Accept-Encoding: gzip' -o /dev/null {' '.join([url] * 50)}; done",
                ],
                start_new_session=True,
            )
            result = captured("native_cpu", CaptureTarget(pid=worker), SECONDS)
        finally:
            if load is not None:
                os.killpg(load.pid, signal.SIGKILL)
                load.wait()
    stacks = stacks_of(result.samples)
    assert result.count > 20
    # Libraries of the distribution keep names of what they export only: the rest is told by its place in the file.
    found = shares(
        stacks, "_start", "ngx_worker_process_cycle", "ngx_process_events_and_timers", "[truncated]"
    )
    assert min(found[:2]) > 90 or shares(stacks, "__libc_start_main")[0] > 90, (found, stacks.most_common(3))
    assert found[-1] < 5
    assert any("deflate" in name or "ngx_http" in name for stack in stacks for name in stack)


def test_a_service_is_captured_with_what_it_forks_and_a_process_with_its_children(in_c, tmp_path):
    forking = ["/bin/sh", "-c", f"{in_c} & sleep 0.5; {in_c} & wait"]
    environment = {**os.environ, "DIAGNOSE_SERVICE": f"forking-{os.getpid()}"}
    shell = subprocess.Popen(forking, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        time.sleep(0.2)
        by_service = captured("native_cpu", CaptureTarget(service=environment["DIAGNOSE_SERVICE"]), SECONDS)
        by_pid = captured("native_cpu", CaptureTarget(pid=shell.pid), 1)
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
    for result in (by_service, by_pid):
        pids = {sample.labels["pid"] for sample in result.samples if sample.columns.total > 1}
        assert len(pids) == 2
    assert by_service.partial == ""


def test_what_ends_in_the_middle_leaves_what_was_seen(in_c):
    with running(in_c) as process:
        result = captured("native_cpu", CaptureTarget(pid=process.pid), 60, asker=Asker(process.kill))
    assert "of 60 s; what was seen until then is kept" in result.partial
    assert shares(stacks_of(result.samples), "handle")[0] > 50


def test_a_collector_that_stops_keeps_what_was_seen(in_c):
    asker = Asker()
    asker._meanwhile = lambda: setattr(asker, "goes", False)
    with running(in_c) as process:
        result = captured("native_cpu", CaptureTarget(pid=process.pid), 60, asker=asker)
    assert result.partial.startswith("The collector ended after")
    assert result.count > 0
    assert asker.told[0][1].startswith(f"Watching process {process.pid}: 0 of 60 s")


def test_who_sleeps_has_no_samples_and_is_told_what_to_ask_instead():
    process = subprocess.Popen(["/bin/sleep", "60"])
    try:
        time.sleep(0.2)
        result = captured("native_cpu", CaptureTarget(pid=process.pid), 1)
    finally:
        process.kill()
        process.wait()
    assert result.count == 0
    assert "offcpu" in result.message
    (stacks,) = result.samples
    assert stacks.columns.total == 0


def test_a_process_that_is_gone_is_refused_in_words():
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    with pytest.raises(CaptureError, match=f"Process {process.pid} is gone"):
        captured("native_cpu", CaptureTarget(pid=process.pid))
    with pytest.raises(CaptureError, match="No process of service 'nobody' runs"):
        captured("native_cpu", CaptureTarget(service="nobody"))


def test_five_hundred_threads_are_all_seen(tmp_path):
    program = compiled(tmp_path, "threads.c", "-fomit-frame-pointer", name="threads")
    with running(program, "500") as process:
        result = captured("native_cpu", CaptureTarget(pid=process.pid), SECONDS)
    threads = {
        sample.strings[row.thread] for sample in result.samples for row in sample.columns.sample_list()
    }
    assert len(threads) > 20
    stacks = stacks_of(result.samples)
    assert shares(stacks, "turn")[0] > 60
    assert shares(stacks, "[truncated]")[0] < 2


def test_a_program_in_other_namespaces_that_was_deleted_is_named(in_c, tmp_path):
    """Its mount namespace has a file system of its own, where nothing of ours is; then the file goes."""
    inside = tmp_path / "inside"
    inside.mkdir()
    script = (
        f"mount -t tmpfs none {inside} && cp {in_c} {inside}/größe && {inside}/größe & "
        f"sleep 0.5; rm {inside}/größe; wait"
    )
    process = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        time.sleep(1.5)
        result = captured("native_cpu", CaptureTarget(pid=process.pid), SECONDS)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    stacks = stacks_of(result.samples)
    assert shares(stacks, "seventy")[0] > 40, stacks.most_common(3)
    assert not (inside / "größe").exists()


def test_each_sample_tells_when_it_was_taken(without_frame_pointers):
    """A program that stands still in the middle of the capture has no sample there."""
    stood: list[int] = []
    with running(without_frame_pointers) as process:

        def rest() -> None:
            process.send_signal(signal.SIGSTOP)
            stood.append(time.time_ns())
            time.sleep(1)
            stood.append(time.time_ns())
            process.send_signal(signal.SIGCONT)

        result = captured("native_cpu", CaptureTarget(pid=process.pid), SECONDS, asker=Asker(rest))
    (profile,) = result.samples
    samples = profile.columns.sample_list()
    offsets = np.array([sample.offset_ms for sample in samples])
    assert sum(sample.value for sample in samples) == result.count
    assert 0 <= offsets.min() < offsets.max() <= (profile.end_ns - profile.start_ns) // 10**6
    begin, end = ((at - profile.start_ns) // 10**6 for at in stood)
    assert end - begin >= 1000
    assert not np.any((offsets > begin + 20) & (offsets < end - 20))
