"""Layers of frames and stacks: recorded runs of the reference services, and what each language's names look like."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from diagnose.correlate.layers.frames import OTHER, by_layer, layer_of, layer_of_frame, layers
from diagnose.correlate.layers.table import CALLER, LANGUAGES, table
from diagnose.correlate.samples import Frame, Stack

RECORDED = Path(__file__).parents[3] / "fixtures" / "layers"
SITE = "/srv/shop/venv/lib/python3.11/site-packages"


def recorded(name: str) -> list[Stack]:
    raw = json.loads(gzip.decompress((RECORDED / f"{name}.json.gz").read_bytes()))
    return [
        Stack(thread, tuple(Frame(*each) for each in frames), count)
        for thread, count, frames in raw["stacks"]
    ]


@pytest.mark.parametrize(
    ("name", "among"),
    [
        ("django", {"database", "template", "middleware", "routing", "http", "own", "server"}),
        ("fastapi", {"serialisation", "http", "server", "framework", "own", "logging", "middleware"}),
        ("goshop", {"kernel_network", "database", "serialisation", "memory", "server", "http", "own"}),
    ],
)
def test_a_reference_services_cpu_time_is_classified_to_at_least_95_percent(name, among):
    counts = by_layer(recorded(name))
    assert counts[OTHER] <= 0.05 * counts.total()
    assert among <= set(counts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_patterns_name_layers_that_there_are(language):
    known = {layer.id for layer in layers()} | {CALLER}
    assert set(table().patterns[language].layers) <= known


@pytest.mark.parametrize(
    ("name", "file", "layer"),
    [
        ("QuerySet._fetch_all", f"{SITE}/django/db/models/query.py", "database"),
        ("get_response", "django/core/handlers/base.py", "framework"),
        ("URLResolver.resolve", f"{SITE}/django/urls/resolvers.py", "routing"),
        ("convert_exception_to_response.<locals>.inner", f"{SITE}/django/core/handlers/exception.py", "middleware"),
        ("inner", f"{SITE}/django/core/handlers/exception.py", "middleware"),  # CPython before 3.11
        ("JSONEncoder.encode", "/usr/lib/python3.11/json/encoder.py", "serialisation"),
        ("dumps", "/usr/local/lib/python3.12/json/__init__.py", "serialisation"),
        ("SocketIO.readinto", "/usr/lib/python3.11/socket.py", "kernel_network"),
        ("_Environ.__getitem__", "<frozen os>", None),
        ("namedtuple", "/usr/lib/python3.11/collections/__init__.py", None),
        ("_find_and_load", "<frozen importlib._bootstrap>", "import"),
        ("price", "/srv/shop/views.py", "own"),
        ("AuditMiddleware.__call__", "/srv/shop/audit.py", "middleware"),
        ("audit", "/srv/shop/http/middleware.py", "middleware"),
        ("handle", "/srv/http/server.py", "own"),
        ("block_body", "/srv/shop/templates/shelf.html", "template"),
        ("charge", f"{SITE}/unheard_of/api.py", OTHER),
        ("net/http.(*conn).serve", "/usr/lib/go/src/net/http/server.go", "http"),
        ("net/http.(*conn).serve", "/srv/goshop", "http"),  # by the native sampler: the program itself
        ("net/http.(*Transport).roundTrip", "", "client"),
        ("runtime.mallocgc", "", "memory"),
        ("runtime.findRunnable", "", "server"),
        ("runtime.mapaccess1_faststr", "", None),
        ("crypto/tls.(*Conn).Write", "", "tls"),
        ("database/sql.(*DB).queryDC.func1", "", "database"),
        ("github.com/lib/pq.(*conn).recv", "/go/pkg/mod/github.com/lib/pq@v1.10.7/conn.go", "database"),
        ("github.com/acme/api.Handle", "/go/pkg/mod/github.com/acme/api@v1.0.0/api.go", OTHER),
        ("github.com/acme/shop/api.Handle", "/srv/shop/api/api.go", "own"),
        ("shop/api.Handle", "/srv/shop/api/api.go", "own"),
        ("main.listing.func1", "/srv/shop/main.go", "own"),
        ("tcp_sendmsg_locked", "[kernel]", "kernel_network"),
        ("_raw_spin_lock", "[kernel]", None),
        ("SSL_read_ex", "/usr/lib/x86_64-linux-gnu/libssl.so.3", "tls"),
        ("deflate", "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13", "compression"),
        ("_int_malloc", "/usr/lib/x86_64-linux-gnu/libc.so.6", "memory"),
        ("memcpy", "/usr/lib/x86_64-linux-gnu/libc.so.6", None),
        ("gc_collect_main", "/usr/bin/python3.11", "memory"),
        ("_PyEval_EvalFrameDefault", "/usr/bin/python3.11", None),
        ("ngx_http_process_request", "/usr/sbin/nginx", "http"),
        ("exec_simple_query", "/usr/lib/postgresql/15/bin/postgres", "own"),
        ("shop::price(int)", "/srv/shop/bin/shop", "own"),
        ("parse.isra.0", "/srv/shop/bin/shop", "own"),
        ("[truncated]", "", None),
    ],
)  # fmt: skip
def test_a_frame_is_of_one_layer_or_helps_whoever_calls_it(name, file, layer):
    assert layer_of_frame(name, file) == layer


OWN = Frame("price", "/srv/shop/views.py", 3)
DUMPS = Frame("dumps", "/usr/lib/python3.11/json/__init__.py", 231)
INFO = Frame("info", "/usr/lib/python3.11/logging/__init__.py", 1489)
FIND = Frame("_find_and_load", "<frozen importlib._bootstrap>")
SYSCALL = Frame("do_syscall_64", "[kernel]")


@pytest.mark.parametrize(
    ("frames", "layer"),
    [
        ([OWN], "own"),
        ([OWN, Frame("deepcopy", "/usr/lib/python3.11/copy.py")], "own"),
        ([OWN, DUMPS], "serialisation"),
        ([Frame("crypto/tls.(*Conn).Write", ""), Frame("crypto/aes.gcmAesEnc", "")], "tls"),
        ([Frame("main.sign", ""), Frame("crypto/sha256.block", "")], "crypto"),
        ([INFO, DUMPS], "logging"),
        ([FIND, Frame("<module>", "/srv/shop/rates.py"), OWN], "import"),
        (
            [
                OWN,
                Frame("read", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
                SYSCALL,
                Frame("vfs_read", "[kernel]"),
            ],
            "kernel",
        ),
        (
            [OWN, SYSCALL, Frame("tcp_recvmsg", "[kernel]"), Frame("_raw_spin_lock", "[kernel]")],
            "kernel_network",
        ),
        ([Frame("kthread", "[kernel]")], "kernel"),
        ([Frame("[stack lost]", "")], OTHER),
        ([], OTHER),
    ],
)
def test_a_stack_belongs_to_the_deepest_layer_unless_one_further_out_absorbs_it(frames, layer):
    assert layer_of(frames) == layer
