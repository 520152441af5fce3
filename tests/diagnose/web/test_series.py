"""The Series explorer."""

import csv
import io

import pytest

from diagnose.models import Host, SavedView

EVIL = "=cmd|'<script>alert(1)</script>\u202e"


def text(client, path):
    return " ".join(client.get(path).content.decode().split())


def drawn(client, query):
    return client.get(f"/series/chart?{query}").json()["charts"]["series"]


def test_it_knows_what_was_measured(seen, read):
    read("memory_MemFree_bytes", [1, 2])
    shown = text(seen, "/series")
    assert '<option value="memory_MemFree_bytes">' in shown
    assert "1 metric is known" in shown


def test_a_counter_is_drawn_as_a_rate_and_each_series_as_a_line(seen, read):
    for device in ("sda", "sdb"):
        read("disk_reads_completed_total", [50] * 5, counter=True, device=device)
    figure = drawn(seen, "metric=disk_reads_completed_total")
    assert [line["name"] for line in figure["data"]] == ["sda", "sdb"]
    assert figure["data"][0]["y"][-1] == 5


def test_series_are_taken_together_by_a_label(seen, read):
    for cpu in ("0", "1"):
        for mode in ("user", "idle"):
            read("cpu_seconds_total", [5] * 5, counter=True, cpu=cpu, mode=mode)
    figure = drawn(seen, "metric=cpu_seconds_total&by=mode")
    assert {line["name"]: line["y"][-1] for line in figure["data"]} == {"user": 1, "idle": 1}
    figure = drawn(seen, "metric=cpu_seconds_total&by=mode&across=mean&view=stacked")
    assert figure["data"][0]["y"][-1] == 0.5
    assert figure["data"][0]["stackgroup"]


def test_durations_are_drawn_as_percentiles(seen, counted):
    counted("tcp_rtt_seconds", {40: 100}, port="443")
    figure = drawn(seen, "metric=tcp_rtt_seconds")
    assert [line["name"] for line in figure["data"]] == ["median", "p90", "p99", "p99.9"]


def test_only_what_a_chart_can_show_is_drawn_and_the_rest_is_counted(seen, read):
    for pid in range(45):
        read("process_open_fds", [pid], pid=str(pid))
    assert "5 smaller ones are not drawn" in text(seen, "/series?metric=process_open_fds")
    assert drawn(seen, "metric=process_open_fds")["data"][0]["name"] == "44"


def test_the_file_has_every_point_and_no_formula(seen, read):
    read("process_open_fds", [1, 2, 3], service=EVIL)
    answer = seen.get("/series/file.csv?metric=process_open_fds")
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows[0] == ["time", "line", "process_open_fds"]
    assert [row[2] for row in rows[1:]] == ["1", "2", "3"]
    assert rows[1][1] == f"'{EVIL}"


@pytest.mark.parametrize(
    "query", ["metric=%00", "metric=no_such", "metric=x&host=999&agg=?&across=?&by=?&from=9"]
)
def test_a_question_without_an_answer_is_answered_so(seen, host, data_dir, query):
    assert seen.get(f"/series?{query}").status_code == 200
    assert drawn(seen, query) is None


def test_a_view_is_kept_for_who_kept_it(as_user, viewer, operator, host, data_dir):
    client = as_user(viewer)
    answer = client.post("/series/views", {"name": "<b>mine</b>", "address": "metric=load1"})
    assert answer.url == "/series?metric=load1"
    assert 'href="/series?metric=load1">&lt;b&gt;mine&lt;/b&gt;</a>' in text(client, "/series")
    assert "mine" not in text(as_user(operator), "/series")
    as_user(operator).post("/series/views", {"forget": str(SavedView.objects.get().pk)})
    assert SavedView.objects.count() == 1
    client.post("/series/views", {"forget": str(SavedView.objects.get().pk)})
    assert not SavedView.objects.exists()


def test_the_number_of_queries_does_not_grow(seen, read, django_assert_max_num_queries):
    Host.objects.bulk_create(Host(identity=f"{n:032x}", name=f"more-{n}") for n in range(40))
    for pid in range(60):
        read("process_open_fds", [pid], pid=str(pid))
    for path in ("/series?metric=process_open_fds", "/series/chart?metric=process_open_fds"):
        with django_assert_max_num_queries(12):
            seen.get(path)
