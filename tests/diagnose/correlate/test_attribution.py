"""Library time belongs to the code that called it; waiting is no work."""

import pytest

from diagnose.correlate.attribution import functions, is_library, is_waiting, owner
from diagnose.correlate.samples import Frame, Stack

OWN = Frame("price", "/srv/shop/shop.py", 12)
SERVE = Frame("BaseServer.serve_forever", "/usr/lib/python3.11/socketserver.py", 233)
DUMPS = Frame("dumps", "/usr/lib/python3.11/json/__init__.py", 231)


@pytest.mark.parametrize(
    ("file", "library"),
    [
        ("/usr/lib/python3.11/json/encoder.py", True),
        ("/opt/venv/lib/python3.12/site-packages/django/http/request.py", True),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", True),
        ("<frozen importlib._bootstrap>", True),
        ("json/encoder.py", True),
        ("socketserver.py", True),
        ("", True),
        ("shop.py", False),
        ("/srv/shop/prices/json.py", False),
    ],
)
def test_own_code_is_told_from_libraries(file, library):
    assert is_library(Frame("f", file)) is library


def test_a_stack_belongs_to_its_deepest_own_function():
    assert owner(Stack("MainThread", (SERVE, OWN, DUMPS), 1)) == OWN
    assert owner(Stack("MainThread", (SERVE, DUMPS), 1)) == DUMPS


def test_recursion_counts_once_and_the_commonest_line_is_told():
    deeper = Frame("price", "/srv/shop/shop.py", 14)
    stacks = [Stack("a", (OWN, deeper, deeper), 5), Stack("b", (OWN,), 2)]
    (function,) = functions(stacks)
    assert (function.count, function.line) == (7, 14)


def test_a_thread_in_a_librarys_blocking_call_waits_but_own_code_of_that_name_works():
    select = Frame("_PollLikeSelector.select", "/usr/lib/python3.11/selectors.py", 415)
    assert is_waiting(Stack("MainThread", (SERVE, select), 1))
    assert not is_waiting(Stack("MainThread", (SERVE, Frame("select", "/srv/shop/shop.py", 3)), 1))
