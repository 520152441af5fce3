"""Typed recommendations as text to type, to keep and to roll out."""

import pytest

from diagnose.correlate.rule import Backlog, Code, Inspect, OpenFiles, Recommendation, Sysctl, Workers
from diagnose.findings.advice.api import as_json

SOMAXCONN = Sysctl("net.core.somaxconn", 128, 1024)
UNIT_FILES = OpenFiles("shop.service", 812, 1024, 4096)
FILES = OpenFiles("shop.py", 812, 1024, 4096)
BACKLOG = Backlog("[::]:8080", "shop", 16, 1024)
EVERY = (
    SOMAXCONN,
    UNIT_FILES,
    FILES,
    BACKLOG,
    Workers("shop", 1, 2),
    Code("price (shop.py:12)", "cache it"),
    Inspect("pid 812", "see", "ls"),
)


def rendered(change):
    return as_json(Recommendation(change, "why", "what", "low"))


def test_a_kernel_parameter_can_be_set_kept_rolled_out_and_taken_back():
    json = rendered(SOMAXCONN)
    forms = json["renderings"]
    assert forms["shell"] == "sysctl -w net.core.somaxconn=1024"
    assert "net.core.somaxconn = 1024\n" in forms["sysctl_d"]
    assert "ansible.posix.sysctl" in forms["ansible"]
    assert forms["systemd"] is None
    assert "sysctl -w net.core.somaxconn=128" in json["undo"]


def test_a_systemd_service_gets_a_drop_in_and_not_limits_conf():
    forms = rendered(UNIT_FILES)["renderings"]
    assert "[Service]\nLimitNOFILE=4096\n" in forms["systemd"]
    assert "/etc/systemd/system/shop.service.d/" in forms["systemd"]
    assert "LimitNOFILE=4096" in forms["ansible"]
    assert forms["shell"] == "prlimit --pid 812 --nofile=4096:4096"


def test_a_process_without_unit_gets_no_drop_in():
    forms = rendered(FILES)["renderings"]
    assert (forms["systemd"], forms["ansible"]) == (None, None)


def test_a_backlog_is_the_programs_own_setting_with_a_way_to_check_it():
    forms = rendered(BACKLOG)["renderings"]
    assert "request_queue_size = 1024" in forms["shell"]
    assert "ss -ltn 'sport = :8080'" in forms["shell"]
    assert forms["sysctl_d"] is None


@pytest.mark.parametrize("change", EVERY, ids=lambda change: type(change).__name__)
def test_every_change_says_what_how_and_how_to_undo_it(change):
    json = rendered(change)
    assert json["kind"]
    assert json["target"]
    assert json["proposed"]
    assert json["undo"]


def test_ids_last_as_long_as_kind_and_target_do():
    assert rendered(SOMAXCONN)["id"] == rendered(Sysctl("net.core.somaxconn", 64, 512))["id"]
    assert len({rendered(change)["id"] for change in EVERY}) == len(EVERY)
