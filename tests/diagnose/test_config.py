"""Settings: the environment wins over .env, and what cannot be used is one line with name, value and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnose.config import ROOT, ConfigError, load, read_dotenv


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_without_anything_the_defaults_hold(dotenv):
    values = load({}, dotenv)
    assert values["DIAGNOSE_PORT"] == 8000
    assert values["DATA_DIR"] == ROOT / "data"
    assert values["DISK_BUDGET"] == 20 * 1024**3
    assert values["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]


def test_the_environment_wins_over_dotenv(dotenv):
    dotenv.write_text("DIAGNOSE_PORT=9000\nDISK_BUDGET=500M  # small disk\n")
    assert load({"DIAGNOSE_PORT": "9001"}, dotenv)["DIAGNOSE_PORT"] == 9001
    assert load({}, dotenv)["DISK_BUDGET"] == 500 * 1024**2


def test_a_line_of_dotenv_that_cannot_be_read_is_named(dotenv):
    dotenv.write_text("DIAGNOSE_PORT=9000\nwhat is this\n")
    with pytest.raises(ConfigError, match=r"\.env line 2: cannot read 'what is this'; write NAME=value"):
        read_dotenv(dotenv)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("DIAGNOSE_PORT", "70000", "from 1 to 65535"),
        ("DIAGNOSE_STREAM_PORT", "-1", "from 1 to 65535"),
        ("RETENTION_POINT_DAYS", "0", "at least 1"),
        ("RETENTION_ROLLUP_DAYS", "3", "at least the 7 days of RETENTION_PROFILE_DAYS"),
        ("WORKERS", "none", "from 1 to 64"),
        ("DISK_BUDGET", "lots", "such as 500M or 20G"),
        ("DATABASE_URL", "mysql://db/x", "sqlite:// or postgresql://"),
        ("STREAM_URL", "stream.example.com", "http:// or https://"),
        ("DEBUG", "maybe", "1 or 0"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_the_remedy(dotenv, name, value, remedy):
    with pytest.raises(ConfigError) as caught:
        load({name: value}, dotenv)
    assert str(caught.value).startswith(f"{name}={value!r} cannot be used: ")
    assert remedy in str(caught.value)
    assert "\n" not in str(caught.value)
