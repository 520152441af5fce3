"""The golden run: what a collector recorded goes over the wire, through queue and store, to findings in the API's JSON.

The expected answers lie in tests/fixtures/golden. After a wanted change write them anew and read the difference:
GOLDEN=write python -m pytest tests/test_golden.py
"""

from __future__ import annotations

import json
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors import wire
from collectors.columns import Frame, StackColumns, StackSample
from collectors.probe import Host as ProbedHost
from collectors.probe import NoData
from collectors.probes import ALL
from diagnose.access import tokens
from diagnose.findings import evaluate
from diagnose.ingest import write
from diagnose.models import Host, QuarantinedBatch, Token
from tests.batches import body_of

FIXTURES = Path(__file__).parent / "fixtures"
EPOCH = "0000000000000901"
# The rule each recorded fault has to be found by, and no other root cause beside it.
CAUSES = {
    "fd_leak": "limits.process_fds",
    "gil_contention": "python.gil_contention",
    "small_backlog": "network.accept_queue_overflow",
}


def samples_of(window: dict[str, Any], shift_ns: int) -> list[wire.Sample]:
    """A recorded window as the samples that carried it, moved in time."""
    times = [(window["start_ms"] * 10**6) + shift_ns, (window["end_ms"] * 10**6) + shift_ns]
    samples: list[wire.Sample] = [wire.Fact(name, value, times[0]) for name, value in window["facts"].items()]
    samples += [
        wire.Points(
            row["metric"],
            row["labels"],
            [time_ms * 10**6 + shift_ns for time_ms in row["times"]],
            row["values"],
            row["counter"],
        )
        for row in window["series"]
    ]
    return samples + [_stacks(profile, times[1]) for profile in window["profiles"]]


def _stacks(profile: dict[str, Any], end_ns: int) -> wire.Stacks:
    """Ends with the window and begins as long before as it was observed."""
    strings: dict[str, int] = {"": 0}
    frames: dict[Frame, int] = {}
    stacks: list[list[int]] = []
    samples = []

    def number(text: str) -> int:
        return strings.setdefault(text, len(strings))

    for thread, count, rows in profile["stacks"]:
        if rows:
            parts = [Frame(number(name), number(file), line, 0) for name, file, line in rows]
            stacks.append([frames.setdefault(frame, len(frames)) for frame in parts])
            samples.append(StackSample(len(stacks) - 1, number(thread), count))
    return wire.Stacks(
        type=profile["type"],
        unit="samples",
        service=profile["service"],
        labels={"pid": str(profile["pid"])},
        start_ns=end_ns - int(profile["seconds"] * 1e9),
        end_ns=end_ns,
        period=profile["period_ns"],
        strings=list(strings),
        columns=StackColumns.of(frames, stacks, samples),
    )


def probed(now_ns: int) -> list[wire.Sample]:
    """What every probe reads in the recorded /proc, three times, so that counters have a rate."""
    proc = FIXTURES / "proc" / "linux-6.18"
    probes = [
        probe() for probe in ALL if probe.NAME not in {"listeners", "namespaces"}
    ]  # those ask the kernel
    samples: list[wire.Sample] = []
    for at_ns in (now_ns - 4 * 10**9, now_ns - 2 * 10**9, now_ns):
        for probe in probes:
            try:
                samples.extend(probe.collect(ProbedHost(proc, proc / "sys", at_ns)))
            except NoData as reason:
                samples.append(wire.ProbeStatus(probe.NAME, False, str(reason), 0.0, 0))
    return samples


@pytest.fixture
def send(client, valkey, data_dir, transactional_db, host: Host, host_token: str):
    """One batch over HTTP, then the worker's part of it."""

    def send(seq: int, samples: list[wire.Sample]) -> None:
        body = body_of(samples, host=host.identity, epoch=EPOCH, seq=seq)
        headers = {"Authorization": f"Bearer {host_token}"}
        answer = client.post("/api/v1/batches", body, content_type=wire.CONTENT_TYPE, headers=headers)
        assert answer.status_code == 202, answer.content
        write.write_waiting()
        assert not QuarantinedBatch.objects.exists()

    return send


@pytest.mark.parametrize("name", CAUSES)
def test_a_recorded_fault_becomes_the_expected_finding(name, send, client, host, admin):
    window = json.loads((FIXTURES / "windows" / f"{name}.json").read_text())
    end_ns = time.time_ns() - 10**9
    send(1, probed(end_ns - 240 * 10**9))  # before the window: it must not disturb what is found in it
    send(2, samples_of(window, end_ns - window["end_ms"] * 10**6))
    evaluate.evaluate_host(host.pk, datetime.fromtimestamp(end_ns / 1e9, UTC))
    secret = tokens.issue(Token.Kind.USER, user=admin)
    answer = client.get("/api/v1/findings?state=open", headers={"Authorization": f"Bearer {secret}"}).json()
    causes = [finding["rule"] for finding in answer["results"] if finding["explained_by"] is None]
    assert causes == [CAUSES[name]]
    golden = FIXTURES / "golden" / f"{name}.json"
    found = [_lasting(finding) for finding in answer["results"]]
    if os.environ.get("GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(golden.read_text())


def _lasting(finding: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from run to run: ids, times, addresses."""
    passing = {
        "id",
        "opened_at",
        "since",
        "last_seen_at",
        "closed_at",
        "window",
        "url",
        "explains",
        "explained_by",
    }
    kept = {key: value for key, value in finding.items() if key not in passing}
    text = json.dumps(kept, ensure_ascii=False)
    text = re.sub(r'"host_id": \d+', '"host_id": 1', text)
    text = re.sub(r"/(findings|hosts|profile|captures)[/?][^\"]*", r"/\1/…", text)
    return json.loads(re.sub(r'"(id|chart)": "[^"]*"', r'"\1": "…"', text))


def test_everything_the_probes_read_is_stored(send, client, host, admin):
    now_ns = time.time_ns()
    samples = probed(now_ns)
    send(1, samples)
    secret = tokens.issue(Token.Kind.USER, user=admin)

    def ask(path: str) -> Any:
        return client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {secret}"}).json()

    read = {sample.metric for sample in samples if isinstance(sample, wire.Points)}
    assert len(read) > 50
    # A counter that told one increase has no rate yet: its greatest value is there all the same.
    stored = {metric: ask(f"/series?host={host.pk}&metric={metric}&from=-10m&agg=max") for metric in read}
    missing = {metric for metric, answer in stored.items() if not answer["results"]}
    assert missing == set()
    facts = {sample.name for sample in samples if isinstance(sample, wire.Fact)}
    assert facts <= {fact["name"] for fact in ask(f"/hosts/{host.pk}/facts")["results"]}
