"""limits.process_fds: a leak and its forecast, a limit that is too low, and growth that is load."""

import re

from diagnose.correlate.rule import Code, Inspect, OpenFiles
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "limits.process_fds"
SHOP = {"pid": "812", "service": "shop.service"}


def window(open_files, limit=1024, connections=None, kind="file", facts=None):
    readings = {
        "process_open_fds": [(SHOP, open_files)],
        "process_max_fds": [(SHOP, [limit] * len(open_files))],
        "process_open_fds_by_kind": [({**SHOP, "kind": kind}, open_files)],
    }
    if connections:
        readings["netstat_Tcp_CurrEstab"] = [({}, connections)]
    return synthetic(readings, step=5, facts=facts or {"sysctl.fs.nr_open": "1048576"})


GROWING = [600 + 10 * step for step in range(24)]


def test_a_recorded_leak_is_forecast_before_anything_breaks():
    verdict = the_verdict(RULE, recorded("fd_leak"))
    assert "leaks" in verdict.headline
    assert "full in" in verdict.headline
    assert verdict.explains == ()
    changes = [type(each.change) for each in verdict.recommendations]
    assert changes[:2] == [Inspect, Code]
    assert any(each.action == "only raise the limit" for each in verdict.will_not_help)


def test_a_recorded_leak_that_reached_the_limit_explains_the_full_queue():
    verdict = the_verdict(RULE, recorded("fd_leak_at_limit"))
    assert "new connections and files fail" in verdict.headline
    assert "network.accept_queue_overflow" in verdict.explains


def test_thousands_of_idle_connections_are_no_finding():
    assert verdicts(RULE, recorded("idle_connections")) == []


def test_a_quiet_process_is_no_finding():
    assert verdicts(RULE, recorded("quiet")) == []


def test_without_the_limits_it_is_unknown():
    assert verdicts(RULE, without(recorded("fd_leak"), "process_max")) is None


def test_the_forecast_has_the_time_to_the_limit_with_its_interval():
    verdict = the_verdict(RULE, window(GROWING))  # 830 open, 2 a second more, 194 left
    assert verdict.headline.endswith("full in 97 s")


def test_a_forecast_with_a_wide_interval_gives_it():
    faster = [600 + step * step // 2 for step in range(24)]
    assert re.search(r"full in \d+ s \(\d+ s–\d+ s\)$", the_verdict(RULE, window(faster)).headline)


def test_the_load_of_a_container_is_counted_in_its_own_namespace():
    inside = {"listener": "0.0.0.0:80", "pid": "812", "service": "shop.service", "netns": "4026532"}
    more = [100.0 + 10 * step for step in range(24)]
    readings = {
        "process_open_fds": [(SHOP, GROWING)],
        "process_max_fds": [(SHOP, [1024] * 24)],
        "listener_accept_queue_length": [(inside, [0] * 24)],
        "netstat_Tcp_CurrEstab": [({}, [5.0] * 24), ({"netns": "4026532"}, more)],
    }
    assert verdicts(RULE, synthetic(readings, step=5)) == []
    readings["netstat_Tcp_CurrEstab"] = [({}, more), ({"netns": "4026532"}, [5.0] * 24)]
    assert len(verdicts(RULE, synthetic(readings, step=5))) == 1


def test_a_service_that_opens_its_pools_at_its_start_is_no_leak():
    assert verdicts(RULE, window([600, 620, 650, 680, 700, 710])) == []


def test_files_that_were_closed_long_ago_trouble_nobody():
    assert verdicts(RULE, window([1020] * 6 + [40] * 18)) == []


def test_growth_with_the_connections_is_load_and_no_leak():
    assert verdicts(RULE, window(GROWING, connections=[100 + 10 * step for step in range(24)])) == []


def test_growth_that_falls_again_is_no_leak():
    assert verdicts(RULE, window([600 + (step % 6) * 20 for step in range(24)])) == []


def test_growth_far_from_the_limit_is_left_alone():
    assert verdicts(RULE, window(GROWING, limit=65536)) == []


def test_a_steady_need_close_to_the_limit_gets_twice_its_peak():
    verdict = the_verdict(RULE, window([980] * 24))
    change = verdict.recommendations[-1].change
    assert change == OpenFiles("shop.service", 812, 1024, 2048)
    assert any("limits.conf" in each.action for each in verdict.will_not_help)


def test_the_limit_is_not_raised_beyond_what_the_kernel_allows():
    verdict = the_verdict(RULE, window([980] * 24, facts={"sysctl.fs.nr_open": "1500"}))
    change = verdict.recommendations[-1].change
    assert isinstance(change, OpenFiles)
    assert change.proposed == 1500


def test_raising_the_limit_of_a_leak_says_how_long_it_lasts():
    verdict = the_verdict(RULE, window(GROWING))
    raised = next(each for each in verdict.recommendations if isinstance(each.change, OpenFiles))
    assert raised.expected.startswith("buys ")


def test_a_process_that_is_gone_is_not_judged():
    samples = window([1020] * 24)
    for metric in ("process_open_fds", "process_max_fds"):
        samples.series[metric][0].times_ns[:] -= 60 * 10**9
    assert verdicts(RULE, samples) is None or verdicts(RULE, samples) == []
