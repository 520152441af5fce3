"""Each chart: from readings to what is drawn."""

import numpy as np
import pytest

from diagnose.reports.charts import (
    accept_queue,
    cpu,
    evidence,
    gil,
    load,
    memory,
    sockets,
    softirq,
    tcp_errors,
)
from diagnose.reports.charts.figure import Band
from diagnose.reports.host_charts import CHARTS
from tests.diagnose.correlate.windows import recorded
from tests.diagnose.reports.charts.lines import START_NS, WINDOW, Line, checked, line, names


def recorded_lines(window, chart):
    """The recorded readings of a chart, rates made of counters as the store does."""
    found = []
    for reading in chart.READS:
        for each in recorded(window).of(reading.metric):
            if reading.labels.items() <= each.labels.items():
                values = each.values / 10 if each.counter else each.values
                found.append(Line(each.metric, each.labels, each.times_ns, values))
    return found


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("window", ["healthy", "gil_contention", "small_backlog"])
def test_every_chart_of_recorded_readings_is_one_that_plotly_accepts(name, window):
    figure = CHARTS[name].figure(recorded_lines(window, CHARTS[name]), WINDOW)
    if figure is not None:
        assert checked(figure).data


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_without_readings_is_none(name):
    assert CHARTS[name].figure([], WINDOW) is None


def test_cpu_modes_are_summed_over_cpus_and_idle_is_left_out():
    lines = [
        line("cpu_seconds_total", [share] * 3, cpu=str(cpu), mode=mode)
        for cpu in (0, 1)
        for mode, share in (("user", 0.5), ("system", 0.1), ("idle", 0.4), ("steal", 0.0))
    ]
    figure = cpu.figure(lines, WINDOW)
    assert names(figure) == ["user", "system"]
    assert figure["data"][0]["y"] == [1, 1, 1]
    assert figure["layout"]["shapes"][0]["y0"] == 2


def test_memory_in_use_is_what_is_not_available():
    sizes = {"MemTotal": 8, "MemAvailable": 5, "SwapTotal": 0, "SwapFree": 0}
    figure = memory.figure([line(f"memory_{name}_bytes", [size] * 2) for name, size in sizes.items()], WINDOW)
    assert names(figure) == ["in use", "total"]
    assert figure["data"][0]["y"] == [3, 3]


def test_memory_without_its_total_is_not_guessed():
    assert memory.figure([line("memory_MemAvailable_bytes", [5])], WINDOW) is None


def test_a_hot_cpu_is_a_row_of_its_own_in_the_order_of_numbers():
    lines = [
        line("cpu_seconds_total", [0.9 if n == 1 else 0.01] * 2, cpu=str(n), mode="softirq")
        for n in (10, 2, 1)
    ]
    heat = softirq.figure(lines, WINDOW)["data"][0]
    assert heat["y"] == ["cpu1", "cpu2", "cpu10"]
    assert heat["z"] == [[90, 90], [1, 1], [1, 1]]


def test_a_cpu_that_was_not_read_has_a_hole_in_its_row():
    lines = [line("cpu_seconds_total", [0.5, 0.5], cpu="0"), line("cpu_seconds_total", [0.5], cpu="1")]
    assert softirq.figure(lines, WINDOW)["data"][0]["z"][1] == [50, None]


def test_another_network_namespace_shows_only_when_something_moved_there():
    lines = [line("netstat_TcpExt_ListenOverflows", [0, 0])]
    for netns, values in (("1", [0, 0]), ("2", [0, 5])):
        lines.append(line("netstat_TcpExt_ListenOverflows", values, netns=netns))
    assert names(tcp_errors.figure(lines, WINDOW)) == ["accept queue full", "accept queue full (netns 2)"]


def test_sockets_are_those_of_the_hosts_own_namespace():
    lines = [line("netstat_Tcp_CurrEstab", [4]), line("netstat_Tcp_CurrEstab", [9], netns="2")]
    assert [trace["y"] for trace in sockets.figure(lines, WINDOW)["data"]] == [[4]]


def test_a_limit_far_above_the_queue_does_not_flatten_it():
    def queue(listener, length, limit):
        return [
            line("listener_accept_queue_length", [0, length], listener=listener),
            line("listener_accept_queue_limit", [limit, limit], listener=listener),
        ]

    figure = accept_queue.figure([*queue("a:1", 9, 8), *queue("a:2", 1, 4096)], WINDOW)
    assert names(figure) == ["a:1", "limit of a:1", "a:2"]


def test_only_the_busiest_are_drawn():
    lines = [line("python_gil_held_ratio", [n / 10] * 2, pid=str(n), service="s") for n in range(10)]
    figure = gil.figure(lines, WINDOW)
    assert len(names(figure)) == 6
    assert names(figure)[0] == "s (9)"
    assert figure["data"][0]["y"] == [90, 90]


def test_load_is_drawn_without_pressure_where_the_kernel_has_none():
    assert names(load.figure([line("load1", [1]), line("procs_running", [2])], WINDOW)) == [
        "load, 1 min",
        "runnable",
    ]


def test_evidence_has_its_threshold_and_the_judged_window():
    judged = Band(START_NS, START_NS + 120 * 10**9)
    lines = [line("python_gil_held_ratio", [0.5, 0.96], pid="812")]
    figure = evidence.figure(lines, WINDOW, judged=judged, limit_value=0.7, unit="%")
    kinds = {shape["type"]: shape for shape in figure["layout"]["shapes"]}
    assert kinds["line"]["y0"] == pytest.approx(70)
    assert kinds["rect"]["x1"] - kinds["rect"]["x0"] == 120_000
    assert figure["data"][0]["y"] == [50, 96]
    assert checked(figure)


def test_evidence_whose_readings_are_gone_has_no_chart():
    empty = Line("m", {}, np.array([], np.int64), np.array([]))
    assert evidence.figure([empty], WINDOW, judged=Band(0, 1), limit_value=1, unit="") is None
