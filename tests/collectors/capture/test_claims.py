"""Whose time is told by one sampler is not told by another."""

from __future__ import annotations

from collectors.capture import claims


def test_a_claim_holds_for_as_long_as_it_was_made(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: now[0])
    assert not claims.is_claimed(7)
    claims.claim(7, 60)
    assert claims.is_claimed(7)
    assert not claims.is_claimed(8)
    now[0] += 61
    assert not claims.is_claimed(7)
