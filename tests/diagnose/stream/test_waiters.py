"""Waiting without a socket."""

from __future__ import annotations

import asyncio

import pytest

from diagnose.stream.waiters import Full, Waiters


def test_no_more_wait_than_fit():
    waiters = Waiters(most=1)
    with waiters.waiter("a"), pytest.raises(Full), waiters.waiter("b"):
        pass
    with waiters.waiter("b"):
        assert len(waiters) == 1
    assert len(waiters) == 0


def test_nobody_is_taken_in_after_the_close():
    waiters = Waiters()
    waiters.close()
    with pytest.raises(Full), waiters.waiter("a"):
        pass


def test_news_that_came_before_the_wait_is_not_missed():
    async def scenario() -> tuple[bool, bool]:
        waiters = Waiters()
        with waiters.waiter("a") as waiter:
            waiter.wake()
            return await waiter.changed(5), await waiter.changed(0.01)

    assert asyncio.run(scenario()) == (True, False)
