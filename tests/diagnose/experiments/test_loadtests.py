"""What load-test tools print and write, read into one form; and what is none of theirs, refused."""

import json

import pytest

from diagnose.experiments.loadtests import Unreadable, read

WRK = b"""Running 30s test @ http://127.0.0.1:8080/index.html
  12 threads and 400 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   635.91us    0.89ms  12.92ms   93.69%
    Req/Sec    56.20k     8.07k   62.00k    86.54%
  Latency Distribution
     50%  250.00us
     75%  491.00us
     90%  700.00us
     99%    5.80ms
  22464657 requests in 30.00s, 17.76GB read
  Socket errors: connect 0, read 3, write 0, timeout 4
  Non-2xx or 3xx responses: 12
Requests/sec: 748868.53
Transfer/sec:    606.33MB
"""
HEY = b"""
Summary:
  Total:\t1.6960 secs
  Slowest:\t0.3950 secs
  Requests/sec:\t117.9245

Response time histogram:
  0.011 [1]\t|
  0.395 [3]\t|

Latency distribution:
  10% in 0.0119 secs
  50% in 0.0210 secs
  99% in 0.2004 secs

Status code distribution:
  [200]\t190 responses
  [503]\t7 responses

Error distribution:
  [3]\tGet "http://127.0.0.1:1": dial tcp 127.0.0.1:1: connect: connection refused
"""
AB = b"""This is ApacheBench, Version 2.3
Time taken for tests:   1.234 seconds
Complete requests:      1000
Failed requests:        3
Non-2xx responses:      5
Requests per second:    810.37 [#/sec] (mean)

Percentage of the requests served within a certain time (ms)
  50%     12
  99%     40
 100%     55 (longest request)
"""
K6_METRICS = {
    "http_reqs": {"count": 1000, "rate": 33.2},
    "http_req_duration": {"avg": 12.0, "med": 11.0, "p(90)": 20.0, "p(95)": 25.0, "p(99)": 60.0},
    "http_req_failed": {"value": 0.02},
}
LOCUST_HEAD = "Type,Name,Request Count,Failure Count,Requests/s,Failures/s,50%,90%,95%,99%"
HISTORY_HEAD = (
    "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,95%,99%,Total Request Count,Total Failure Count"
)


def test_wrk_with_its_quantiles_and_errors():
    found = read(WRK)
    assert (found.tool, found.requests, found.rate) == ("wrk", 22_464_657, 748_868.53)
    assert found.latency[0.5] == pytest.approx(250e-6)
    assert found.latency[0.99] == pytest.approx(5.8e-3)
    assert found.errors == 19
    assert found.seconds == 30


def test_hey_with_refused_answers_and_failed_connections():
    found = read(HEY)
    assert (found.tool, found.requests, found.errors) == ("hey", 200, 10)
    assert found.latency == {0.1: 0.0119, 0.5: 0.021, 0.99: 0.2004}
    assert found.rate == 117.9245


def test_apachebench_in_milliseconds():
    found = read(AB)
    assert (found.requests, found.errors, found.seconds) == (1000, 8, 1.234)
    assert found.latency[0.99] == 0.04


@pytest.mark.parametrize("deeper", [False, True])
def test_k6_summaries_of_both_kinds(deeper):
    metrics = {name: {"values": each} for name, each in K6_METRICS.items()} if deeper else K6_METRICS
    found = read(json.dumps({"metrics": metrics, "state": {"testRunDurationMs": 30_000}}).encode())
    assert (found.requests, found.errors, found.rate, found.seconds) == (1000, 20, 33.2, 30)
    assert found.latency == {0.9: 0.02, 0.95: 0.025, 0.99: 0.06, 0.5: 0.011}


def test_k6_points_become_steps():
    lines = [
        json.dumps(
            {
                "type": "Point",
                "metric": "http_req_duration",
                "data": {"time": f"2026-05-01T12:00:{second:02d}.5Z", "value": 10.0 + second},
            }
        )
        for second in range(35)
        for _ in range(second // 10 + 1)
    ]
    found = read("\n".join(lines).encode())
    assert [step.rate for step in found.steps] == [1, 2, 3]
    assert found.steps[2].latency[0.5] > found.steps[0].latency[0.5]


def test_locust_summary_and_history():
    summary = read(f"{LOCUST_HEAD}\nGET,/,9,0,1,0,1,1,1,1\n,Aggregated,900,9,30.5,0.3,12,20,25,60\n".encode())
    assert (summary.requests, summary.errors, summary.rate) == (900, 9, 30.5)
    assert summary.latency[0.99] == 0.06
    rows = [
        f"{1000 + at},{10 * at},,Aggregated,{50 * at},0.0,{'N/A' if not at else 10 * at},20,30,{500 * at},{at}"
        for at in range(4)
    ]
    history = read("\n".join([HISTORY_HEAD, *rows]).encode())
    assert (history.requests, history.errors, history.rate) == (1500, 3, 500)
    assert [step.users for step in history.steps] == [0, 10, 20, 30]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "no result of wrk, hey, k6, Locust, ApacheBench"),
        (b"\xff\xfe\x00", "no result of"),
        (b'{"metrics": {}}', "no result of"),
        (WRK.replace(b"Requests/sec", b"x"), "lacks Requests/sec"),
        (AB.replace(b"Complete", b"x"), "lacks Complete requests"),
        (f"{LOCUST_HEAD}\n".encode(), "no row 'Aggregated'"),
        (b'{"metrics": {"http_reqs": 5}}', "lacks http_reqs"),
    ],
)
def test_what_cannot_be_read_says_what_is_missing(data, told):
    with pytest.raises(Unreadable, match=told):
        read(data)
