"""Settings from file, environment and flags; what cannot be used is refused with place and remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collectors.config import SETTINGS, ConfigError, load, probe_variable

PROBES = ["cpu", "listeners", "stacks.python"]
README = Path(__file__).resolve().parents[2] / "collectors" / "README.md"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "collector.toml"


def loaded(file=None, text=None, environ=None, **flags):
    if text is not None:
        file.write_text(text)
    return load(file, environ or {}, flags, PROBES)


def test_without_anything_the_defaults_hold(monkeypatch, tmp_path):
    monkeypatch.setattr("collectors.config.DEFAULT_FILE", tmp_path / "absent.toml")
    config = loaded()
    assert config.server == ""
    assert config.state_dir == Path("/var/lib/diagnose-collector")
    assert config.token_file == Path("/var/lib/diagnose-collector/token")
    assert config.spool_bytes == 256 * 1024**2
    assert config.cpu_percent == 2.0
    assert config.memory_bytes == 80 * 1024**2
    assert config.disabled_probes == frozenset()


def test_a_file_is_read(file):
    config = loaded(
        file,
        """
        server = "https://diagnose.example.com/"
        [spool]
        bytes = "1G"
        [budget]
        cpu_percent = 1
        [stacks]
        continuous = false
        deny = ["postgres*", "vault"]
        [probes]
        listeners = false
        cpu = true
        """,
    )
    assert config.server == "https://diagnose.example.com"
    assert config.spool_bytes == 1024**3
    assert config.cpu_percent == 1.0
    assert config.continuous is False
    assert config.denied == ("postgres*", "vault")
    assert config.disabled_probes == {"listeners"}


def test_flags_win_over_the_environment_and_the_environment_over_the_file(file):
    text = 'server = "http://file"\nname = "file"\nstate_dir = "/file"'
    environ = {"DIAGNOSE_COLLECTOR_SERVER": "http://environ", "DIAGNOSE_COLLECTOR_NAME": "environ"}
    config = loaded(file, text, environ, server="http://flag", name=None)
    assert (config.server, config.name, config.state_dir) == ("http://flag", "environ", Path("/file"))


def test_every_setting_has_a_variable(file):
    environ = {
        "DIAGNOSE_COLLECTOR_SPOOL_BYTES": "64M",
        "DIAGNOSE_COLLECTOR_BUDGET_CPU_PERCENT": "0.5",
        "DIAGNOSE_COLLECTOR_STACKS_CONTINUOUS": "0",
        "DIAGNOSE_COLLECTOR_STACKS_DENY": "vault, postgres*",
    }
    config = loaded(file, "", environ)
    assert config.spool_bytes == 64 * 1024**2
    assert config.cpu_percent == 0.5
    assert config.continuous is False
    assert config.denied == ("vault", "postgres*")


def test_a_probe_is_switched_off_by_its_own_variable_and_by_a_flag(file):
    assert probe_variable("stacks.python") == "DIAGNOSE_COLLECTOR_PROBE_STACKS_PYTHON"
    environ = {"DIAGNOSE_COLLECTOR_PROBE_CPU": "off", "DIAGNOSE_COLLECTOR_PROBE_LISTENERS": "on"}
    config = loaded(file, "[probes]\nlisteners = false", environ, disable=["stacks.python"])
    assert config.disabled_probes == {"cpu", "stacks.python"}


@pytest.mark.parametrize(
    ("text", "place", "remedy"),
    [
        ('server = "diagnose.example.com"', "collector.toml, server", "https://"),
        ("server = 8000", "collector.toml, server", "quotes"),
        ('[spool]\nbytes = "lots"', "collector.toml, spool.bytes", "256M"),
        ('[spool]\nbytes = "1K"', "collector.toml, spool.bytes", "at least 8M"),
        ("[budget]\ncpu_percent = 0", "collector.toml, budget.cpu_percent", "0.1 to 100"),
        ("[budget]\ncpu_percent = nan", "collector.toml, budget.cpu_percent", "0.1 to 100"),
        ('[budget]\nmemory = "1M"', "collector.toml, budget.memory", "at least 32M"),
        ('[stacks]\ncontinuous = "maybe"', "collector.toml, stacks.continuous", "true or false"),
        ("[stacks]\ndeny = 7", "collector.toml, stacks.deny", "postgres"),
        ('ca_file = "/no/such/ca.pem"', "collector.toml, ca_file", "no such file"),
        ('proc = "/no/such/proc"', "collector.toml, proc", "no such directory"),
        ('serve = "http://x"', "collector.toml", "there is no setting 'serve'"),
        ("[spool]\nsize = 1", "collector.toml", "'spool.size'"),
        ("[probes]\ncup = false", "collector.toml", "cpu, listeners"),
        ("[probes]\ncpu = 7", "collector.toml, probes.cpu", "true or false"),
        ("probes = 1", "collector.toml, probes", "[probes]"),
        ("server = x", "collector.toml", "line 1"),
        ('name = "' + "x" * 300 + '"', "collector.toml, name", "253"),
    ],
)
def test_a_wrong_value_in_the_file_is_refused_with_place_and_remedy(file, text, place, remedy):
    with pytest.raises(ConfigError) as refused:
        loaded(file, text)
    assert place in str(refused.value)
    assert remedy in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_wrong_value_in_the_environment_names_the_variable(file):
    with pytest.raises(ConfigError, match="DIAGNOSE_COLLECTOR_SPOOL_BYTES = 'x' cannot be used"):
        loaded(file, "", {"DIAGNOSE_COLLECTOR_SPOOL_BYTES": "x"})


def test_a_wrong_flag_names_the_flag(file):
    with pytest.raises(ConfigError, match="--server = 'x' cannot be used"):
        loaded(file, "", server="x")


def test_an_unknown_probe_in_a_flag_is_refused(file):
    with pytest.raises(ConfigError, match="--disable: there is no probe 'nope'"):
        loaded(file, "", disable=["nope"])


def test_a_file_that_was_asked_for_has_to_exist(file):
    with pytest.raises(ConfigError, match="no such file"):
        loaded(file)


def test_binary_rubbish_is_refused(file):
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=re.escape(str(file))):
        loaded(file)


@pytest.mark.parametrize(
    ("names", "denied"),
    [(("postgres", "x"), "postgres*"), (("shop", "vault"), "vault"), (("shop", "vaults"), None)],
)
def test_the_deny_list_takes_shell_patterns_of_services_and_process_names(file, names, denied):
    config = loaded(file, '[stacks]\ndeny = ["postgres*", "vault"]')
    assert config.denies(*names) == denied


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_setting_is_documented_with_its_default_and_its_variable(setting):
    rows = [line for line in README.read_text().splitlines() if line.startswith(f"| `{setting.key}` ")]
    assert len(rows) == 1
    assert f"`{setting.variable}`" in rows[0]
    assert setting.help in rows[0]
    if setting.default not in ("", []):
        assert f"`{str(setting.default).lower()}`" in rows[0]
