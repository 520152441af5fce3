"""The Compare page."""

import re
from datetime import UTC, datetime

from diagnose.models import Fact, Host


def text(client, path):
    return " ".join(client.get(path).content.decode().split())


def metrics(page, section):
    return re.findall(
        r'class="mono" href="[^"]*">(\w+)</a>', page.split(f'id="{section}-title"')[1].split("</section>")[0]
    )


def test_a_host_against_itself_before_shows_what_moved_and_not_what_is_steady(seen, host, read):
    # An hour in readings of ten seconds: the second half hour is the range.
    read("procs_running", [2] * 180 + [9] * 180)
    read("load1", [1] * 360)
    read("tasks", [100, 101] * 180)
    page = text(seen, f"/compare?host={host.pk}&from=-30m")
    assert metrics(page, "differences") == ["procs_running"]
    assert ">4.5 ×</td>" in page


def test_the_clearest_difference_comes_first(seen, host, read):
    read("procs_running", [1, 3] * 90 + [2, 9] * 90)
    read("filefd_allocated", [100] * 180 + [300] * 180)
    page = text(seen, f"/compare?host={host.pk}&from=-30m")
    assert metrics(page, "differences") == ["filefd_allocated", "procs_running"]


def test_durations_are_compared_by_their_percentiles(seen, host, counted):
    counted("tcp_connect_seconds", {40: 100}, dst="a:1", seconds_ago=3000)
    counted("tcp_connect_seconds", {80: 100}, dst="a:1", seconds_ago=600)
    page = text(seen, f"/compare?host={host.pk}&from=-30m")
    assert metrics(page, "durations") == ["tcp_connect_seconds"]
    assert ">4 ×</td>" in page, "forty buckets of a twentieth octave"


def test_two_hosts_are_compared_with_their_facts(seen, host, read):
    other = Host.objects.create(identity="b" * 32, name="<b>web-2</b>", last_seen_at=datetime.now(UTC))
    read("procs_running", [4] * 30)
    for one, value in ((host, "128"), (other, "4096")):
        Fact.objects.create(host=one, name="sysctl.net.core.somaxconn", value=value, since=datetime.now(UTC))
        Fact.objects.create(host=one, name="kernel.release", value="6.1", since=datetime.now(UTC))
    page = text(seen, f"/compare?host={host.pk}&base={other.pk}")
    facts = page.split('id="facts-title"')[1]
    assert "somaxconn" in facts
    assert "kernel.release" not in facts
    assert "&lt;b&gt;web-2&lt;/b&gt;" in facts
    assert metrics(page, "differences") == ["procs_running"]


def test_what_is_not_there_is_asked_for(seen, host, data_dir):
    assert "Choose a host" in text(seen, "/compare")
    assert "Choose a host" in text(seen, "/compare?host=99999&base=x&ago=never&from=9999999999")
    assert "No durations that differ" in text(seen, f"/compare?host={host.pk}")


def test_the_number_of_queries_does_not_grow(seen, host, faulty, django_assert_max_num_queries):
    faulty("gil_contention")
    with django_assert_max_num_queries(12):
        seen.get(f"/compare?host={host.pk}")
