"""The Experiments pages: a form that compares two times, the list, one experiment with a load test."""

from __future__ import annotations

from diagnose.models import Experiment
from tests.diagnose.experiments.test_loadtests import WRK


def form(host, **fields):
    times = {"before_from": "-30m", "before_to": "-15m", "after_from": "-15m", "after_to": "now"}
    return {
        "title": "GOGC 50",
        "service": "shop",
        "before_host": host.pk,
        "after_host": host.pk,
        **times,
    } | fields


def text(response):
    return " ".join(response.content.decode().split())


def test_an_operator_compares_two_times_and_attaches_a_load_test(as_user, operator, host, data_dir):
    client = as_user(operator)
    made = client.post("/experiments", form(host))
    experiment = Experiment.objects.get()
    assert made.url == f"/experiments/{experiment.id}"
    shown = text(client.get(made.url))
    assert "not enough data" in shown
    assert "Nothing that is known: settings, sizes, versions and limits were the same." in shown
    client.post(made.url, {"side": "after", "name": "nightly", "text": WRK.decode()})
    assert "nightly (wrk)" in text(client.get(made.url))
    client.post(made.url, {"side": "after", "text": "nonsense"})
    assert "no result of wrk" in text(client.get(made.url))
    assert "GOGC 50" in text(client.get("/experiments"))


def test_times_and_hosts_that_cannot_be_used_are_said_and_the_form_keeps_what_was_typed(
    as_user, operator, host, data_dir
):
    client = as_user(operator)
    shown = text(client.post("/experiments", form(host, after_from="yesterday")))
    assert "yesterday" in shown
    assert 'value="GOGC 50"' in shown
    assert "after: choose a host." in text(client.post("/experiments", form(host, after_host="x")))
    assert Experiment.objects.count() == 0


def test_a_viewer_sees_no_form_and_makes_nothing(seen, host, data_dir):
    assert '<form class="panel' not in text(seen.get("/experiments"))
    seen.post("/experiments", form(host))
    assert Experiment.objects.count() == 0
    assert seen.get("/experiments/nothing").status_code == 404
