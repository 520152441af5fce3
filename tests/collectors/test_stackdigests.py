"""Digests that tell frames and stacks apart: the same in every collector and server, of every version."""

from __future__ import annotations

from hashlib import blake2b

from collectors import stackdigests, tables, wire
from collectors.columns import Frame, StackColumns, StackSample


def test_digests_are_of_names_alone():
    """Written out once more: what servers have stored is found by these bytes."""
    main = blake2b(b"main\0shop.py\x007\0", digest_size=8).digest()
    work = blake2b("rechnen\0größe.py\x000\0lib".encode(), digest_size=8).digest()
    strings = ["", "t", "main", "shop.py", "rechnen", "größe.py", "lib"]
    columns = StackColumns.of(
        [Frame(4, 5, 0, 6), Frame(2, 3, 7, 0)], [[1, 0], [], [1, 0]], [StackSample(n, 1, 1) for n in range(3)]
    )
    table = tables.profile_table([wire.Stacks("cpu", "samples", "shop", {}, 1, 2, 1, strings, columns)])
    assert table.path_digests == b"".join(
        blake2b(path, digest_size=8).digest() for path in (main + work, b"")
    )


def test_every_part_of_a_frame_and_the_order_of_a_stack_count():
    frames = {
        stackdigests.of_frame(*parts)
        for parts in ((b"a", b"", 0, b""), (b"", b"a", 0, b""), (b"", b"", 1, b""), (b"", b"", 0, b"a"))
    }
    assert len(frames) == 4
    one, other, *_ = frames
    assert len({stackdigests.of_path(path) for path in ((one, other), (other, one), (one,), ())}) == 4
