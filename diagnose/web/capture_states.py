"""How the states of captures are said, and which chip each gets."""

from __future__ import annotations

from diagnose.models import Capture

WORDS = {
    "waiting": ("Waits its turn", ""),
    "queued": ("Waiting for the collector", "accent"),
    "sent": ("Taken by the collector", "accent"),
    "running": ("Sampling", "accent"),
    "done": ("Done", "good"),
    "failed": ("Failed", "critical"),
    "refused": ("Refused by the host", "warning"),
    "cancelled": ("Cancelled", ""),
    "expired": ("Nobody took it", "warning"),
}
# The choices of the list, by what its `state` may be.
CHOICES = (
    ("", "All"),
    ("open", "Going on"),
    ("done", "Done"),
    ("failed", "Failed"),
    ("refused", "Refused"),
    ("expired", "Not taken"),
)


def words_of(capture: Capture) -> tuple[str, str]:
    """Text and chip."""
    text, chip = WORDS[capture.state]
    return (f"{text}, in part", "warning") if capture.partial and capture.state == "done" else (text, chip)


def for_script() -> dict[str, dict[str, str]]:
    """By state, for the pages that follow one."""
    return {state: {"text": text, "chip": chip} for state, (text, chip) in WORDS.items()}
