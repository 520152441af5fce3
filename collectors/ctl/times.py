"""Times on the command line: `1h` is an hour ago; Unix seconds and ISO 8601 go to the server as they are."""

from __future__ import annotations

import re
import time

HELP = "1h (ago), Unix seconds or ISO 8601"
_AGO = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def moment(text: str) -> str:
    """For the type of an argument."""
    ago = _AGO.fullmatch(text)
    return str(int(time.time()) - int(ago[1]) * _SECONDS[ago[2]]) if ago else text
