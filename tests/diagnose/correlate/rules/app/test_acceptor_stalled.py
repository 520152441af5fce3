"""app.acceptor_stalled: a queue that stays full, with the thread that should empty it busy elsewhere."""

from diagnose.correlate.rule import Code, Workers
from tests.diagnose.correlate.rules.verdicts import the_verdict, verdicts
from tests.diagnose.correlate.windows import recorded, synthetic, without

RULE = "app.acceptor_stalled"
SHOP = {"listener": "0.0.0.0:8080", "pid": "812", "service": "shop"}


def test_a_recorded_slow_acceptor_is_named_with_what_it_does_instead():
    verdict = the_verdict(RULE, recorded("slow_acceptor"))
    assert "do_GET (service.py:" in verdict.headline
    seen = next(line for line in verdict.evidence if line.profile == "wall")
    assert (seen.kind, seen.role) == ("supports", "decides")
    changes = [type(each.change) for each in verdict.recommendations]
    assert changes == [Code, Workers]
    assert "backlog" in verdict.will_not_help[0].action


def test_bursts_over_a_small_backlog_are_not_this():
    assert verdicts(RULE, recorded("small_backlog")) == []


def test_a_quiet_listener_is_not_this():
    assert verdicts(RULE, recorded("quiet")) == []


def test_without_stacks_it_is_less_sure_and_says_what_is_unknown():
    verdict = the_verdict(RULE, without(recorded("slow_acceptor"), profiles=("wall",)))
    assert any(line.kind == "missing" for line in verdict.evidence)
    assert any("no stacks" in each.why for each in verdict.unknown)


def test_without_listeners_it_is_unknown():
    assert verdicts(RULE, without(recorded("slow_acceptor"), "listener_")) is None


def test_a_full_queue_that_refuses_nobody_harms_nobody():
    samples = synthetic(
        {
            "listener_accept_queue_length": [(SHOP, [17] * 60)],
            "listener_accept_queue_limit": [(SHOP, [16] * 60)],
            "listener_drops_total": [(SHOP, [0.0] * 60)],
        }
    )
    assert verdicts(RULE, samples) == []


def test_the_number_of_acceptors_is_the_ratio_of_arrivals_to_accepted():
    samples = synthetic(
        {
            "listener_accept_queue_length": [(SHOP, [17] * 60)],
            "listener_accept_queue_limit": [(SHOP, [16] * 60)],
            "listener_drops_total": [(SHOP, [100.0] * 60)],
            "netstat_TcpExt_ListenOverflows": [({}, [100.0] * 60)],
            "netstat_Tcp_PassiveOpens": [({}, [50.0] * 60)],
        }
    )
    (recommendation,) = the_verdict(RULE, samples).recommendations
    assert recommendation.change == Workers("shop", 1, 3)


def starting(readings):
    """A service that began to listen so many seconds ago, under load, and has not accepted anybody yet."""
    return synthetic(
        {
            "listener_accept_queue_length": [(SHOP, [17] * readings)],
            "listener_accept_queue_limit": [(SHOP, [16] * readings)],
            "listener_drops_total": [(SHOP, [5.0] * readings)],
        }
    )


def test_a_service_that_just_began_to_listen_is_given_time():
    assert verdicts(RULE, starting(12)) == []
    assert len(verdicts(RULE, starting(20))) == 1


def test_what_another_listener_dropped_is_not_counted_for_a_full_queue_without_a_counter():
    other = SHOP | {"listener": "0.0.0.0:9090", "pid": "900"}
    samples = synthetic(
        {
            "listener_accept_queue_length": [(SHOP, [17] * 60), (other, [0] * 60)],
            "listener_accept_queue_limit": [(SHOP, [16] * 60), (other, [16] * 60)],
            "listener_drops_total": [(other, [10.0] * 60)],
            "netstat_TcpExt_ListenOverflows": [({}, [10.0] * 60)],
        }
    )
    assert verdicts(RULE, samples) == []
