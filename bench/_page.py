"""From the request for a flame graph's JSON to its last byte, over HTTP as the page asks."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlencode

from bench._machine import started, wait_for
from bench._profile_queries import CALLS, DAY_OF_DETAIL, DAY_OF_FLEET
from bench._results import Row, milliseconds, percentiles
from bench._stored import DAY, HOUR, Fleet

PORT = 18_492


def requests(fleet: Fleet) -> Iterator[Row]:
    from diagnose.access import tokens
    from diagnose.models import Token, User
    from diagnose.models.access import Role

    user = User.objects.create_user("bench", password=None, role=Role.VIEWER)
    token = tokens.issue(Token.Kind.USER, user=user, label="bench")
    service, host = fleet.services[0].name, fleet.hosts[0].name
    half = DAY_OF_DETAIL + HOUR // 2
    with web() as connection:
        for name, begin, end, chosen in (
            ("page_json_1_host_1_hour", half, half + HOUR, {"host": host}),
            ("page_json_50_hosts_24_hours", DAY_OF_FLEET, DAY_OF_FLEET + DAY, {}),
        ):
            asked = {"service": service, "type": "cpu", "from": begin // 10**9, "to": end // 10**9, **chosen}
            path = f"/api/v1/profiles/flamegraph?{urlencode(asked)}"
            times = milliseconds(lambda p=path: answer(connection, p, token), CALLS)
            yield from percentiles(name, times, 150)


def answer(connection: http.client.HTTPConnection, path: str, token: str) -> bytes:
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise SystemExit(f"{path}: {response.status} {body[:300]!r}")
    return body


@contextmanager
def web() -> Iterator[http.client.HTTPConnection]:
    """The product's web process on this installation, and a kept connection to it."""
    from diagnose.management import services

    with started([services.web()]):
        wait_for(services.web_answers)
        with closing(http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)) as connection:
            yield connection
