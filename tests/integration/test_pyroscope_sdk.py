"""The Python SDK of Pyroscope, unchanged but for its server's address, against a running server."""

import subprocess
import sys
import time

import pytest

from diagnose.access import tokens
from diagnose.models import Token
from diagnose.store import flamegraph, profiles

pytestmark = [pytest.mark.system, pytest.mark.django_db(transaction=True)]
PROGRAM = """
import sys, time
import pyroscope

def price():
    return sum(range(1000))

address, secret = sys.argv[1:]
pyroscope.configure(
    application_name="shop", server_address=address, basic_auth_username="any", basic_auth_password=secret
)
ends = time.monotonic() + 60
while time.monotonic() < ends:
    price()
"""


def test_its_profiles_arrive_and_name_the_function(live_server, operator, data_dir):
    secret = tokens.issue(Token.Kind.USER, user=operator)
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, live_server.url, secret])
    started = time.time_ns()
    try:
        found: list[str] = []
        while not found and time.time_ns() < started + 50 * 10**9:
            time.sleep(1)
            merged = profiles.merge(profiles.Selector("shop", "cpu"), started - 10**11, started + 10**11)
            rows = flamegraph.stacks("shop", merged, 100) if merged.profiles else []
            found = [frame.name for row in rows for frame in row.frames]
    finally:
        program.kill()
        program.wait()
    assert "price" in found
