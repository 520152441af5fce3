"""What the owner of a host decides: one table of settings, read from a TOML file, the environment and flags.

Flags win over the environment, which wins over the file. A value that cannot be used is refused with its place
and the remedy; `README.md` documents the table, and a test holds the two together.
"""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collectors import values

ENVIRONMENT_PREFIX = "DIAGNOSE_COLLECTOR_"
DEFAULT_FILE = Path("/etc/diagnose/collector.toml")


class ConfigError(Exception):
    """A setting that cannot be used: place, value and remedy, in one line."""


@dataclass(frozen=True, slots=True)
class Setting:
    """`key` is its path in the file; `read` takes text, or what TOML gave, and raises ValueError with the remedy."""

    key: str
    default: Any
    read: Callable[[Any], Any]
    help: str

    @property
    def variable(self) -> str:
        return ENVIRONMENT_PREFIX + _in_capitals(self.key)


@dataclass(frozen=True, slots=True)
class Config:
    """Checked settings. `denied` are shell patterns of services and process names whose stacks nobody may take."""

    server: str
    token_file: Path
    state_dir: Path
    name: str
    ca_file: str
    proxy: str
    proc: Path
    sys: Path
    spool_bytes: int
    cpu_percent: float
    memory_bytes: int
    continuous: bool
    on_demand: bool
    stacks_cpu_percent: float
    stacks_memory_bytes: int
    denied: tuple[str, ...]
    scrape_targets: tuple[tuple[str, str], ...]
    queue_targets: tuple[tuple[str, str], ...]
    go_targets: tuple[tuple[str, str], ...]
    go_discover: bool
    disabled_probes: frozenset[str]

    def denies(self, *names: str) -> str | None:
        """The pattern by which the owner keeps a process or service to himself."""
        for pattern in self.denied:
            if any(fnmatch.fnmatchcase(name, pattern) for name in names):
                return pattern
        return None


_MIB = 1024**2
SETTINGS = (
    Setting(
        "server", "", values.url, "Address of the Diagnose server; default: the one it was enrolled with."
    ),
    Setting(
        "token_file", "", values.text, "File with this host's token; default: `token` in the state directory."
    ),
    Setting(
        "state_dir",
        "/var/lib/diagnose-collector",
        values.path,
        "Where the spool, the identity and the token are kept.",
    ),
    Setting(
        "name", "", values.name, "Name of this host for people, used by `enroll`; default: the host name."
    ),
    Setting(
        "ca_file", "", values.certificates, "Certificates to trust instead of the system's (private CA)."
    ),
    Setting("proxy", "", values.url, "HTTP proxy on the way to the server."),
    Setting("proc", "/proc", values.directory, "The host's /proc; in a container where it is mounted."),
    Setting("sys", "/sys", values.directory, "The host's /sys; in a container where it is mounted."),
    Setting(
        "spool.bytes",
        "256M",
        values.size(8 * _MIB),
        "Disk for batches while the server is away; beyond it the oldest go.",
    ),
    Setting(
        "budget.cpu_percent",
        2.0,
        values.percent,
        "Share of one core, in percent, above which the collector (without sampling) slows itself down.",
    ),
    Setting(
        "budget.memory",
        "80M",
        values.size(32 * _MIB),
        "Resident memory above which the collector (without sampling) slows itself down.",
    ),
    Setting(
        "stacks.continuous",
        True,
        values.flag,
        "Sample stacks all the time: of Python, of all other programs, of the kernel.",
    ),
    Setting(
        "stacks.cpu_percent",
        3.0,
        values.percent,
        "Share of one core, in percent, that continuous sampling may take; its rates follow from it.",
    ),
    Setting(
        "stacks.memory",
        "60M",
        values.size(16 * _MIB),
        "Resident memory that the samplers may take together.",
    ),
    Setting("stacks.on_demand", True, values.flag, "Let operators of the server ask for captures."),
    Setting(
        "stacks.deny",
        [],
        values.patterns,
        "Services and process names (shell patterns) whose stacks are never taken.",
    ),
    Setting(
        "scrape.targets",
        [],
        values.targets("shop=http://127.0.0.1:8000/metrics"),
        "Prometheus pages of applications to read, each as `service=http://127.0.0.1:8000/metrics`.",
    ),
    Setting(
        "queues.targets",
        [],
        values.targets("celery=redis://127.0.0.1:6379/0", "redis", "redis+socket"),
        "Lists of Redis or Valkey in which jobs wait, each as `celery=redis://127.0.0.1:6379/0`.",
    ),
    Setting(
        "go.targets",
        [],
        values.targets("shop=http://127.0.0.1:6060"),
        "Go programs that serve `/debug/pprof/`, to profile all the time, each as `service=http://127.0.0.1:6060`.",
    ),
    Setting(
        "go.discover",
        False,
        values.flag,
        "Also profile Go programs of this host that are found to serve `/debug/pprof/`.",
    ),
)


def load(
    file: Path | None, environ: Mapping[str, str], flags: Mapping[str, Any], probes: Collection[str]
) -> Config:
    """All settings, checked. `flags` are by key; `probes` are the names that `[probes]` may switch off.

    Raises ConfigError for the first that cannot be used.
    """
    place, given = _read_file(file)
    switches = given.pop("probes", {})
    _refuse_unknown(place, given)
    found = {setting.key: _value(setting, place, given, environ, flags) for setting in SETTINGS}
    disabled = _disabled(place, switches, environ, flags, probes)
    state_dir = found["state_dir"]
    return Config(
        server=found["server"],
        token_file=Path(found["token_file"]).absolute() if found["token_file"] else state_dir / "token",
        state_dir=state_dir,
        name=found["name"],
        ca_file=found["ca_file"],
        proxy=found["proxy"],
        proc=found["proc"],
        sys=found["sys"],
        spool_bytes=found["spool.bytes"],
        cpu_percent=found["budget.cpu_percent"],
        memory_bytes=found["budget.memory"],
        continuous=found["stacks.continuous"],
        on_demand=found["stacks.on_demand"],
        stacks_cpu_percent=found["stacks.cpu_percent"],
        stacks_memory_bytes=found["stacks.memory"],
        denied=found["stacks.deny"],
        scrape_targets=found["scrape.targets"],
        queue_targets=found["queues.targets"],
        go_targets=found["go.targets"],
        go_discover=found["go.discover"],
        disabled_probes=disabled,
    )


def _read_file(file: Path | None) -> tuple[str, dict[str, Any]]:
    """The place to name in errors, and the settings by dotted key. A file that was asked for has to exist."""
    path = file or DEFAULT_FILE
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if file is None:
            return str(path), {}
        raise ConfigError(f"{path}: there is no such file; create it or leave --config out") from None
    except OSError as error:
        raise ConfigError(
            f"{path}: {error.strerror}; make it readable for the collector's user or leave it out"
        ) from None
    except ValueError as error:
        raise ConfigError(f'{path}: {error}; write it as TOML, for example server = "https://…"') from None
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        nested = isinstance(value, dict) and key != "probes"
        flat.update({f"{key}.{name}": inner for name, inner in value.items()} if nested else {key: value})
    return str(path), flat


def _refuse_unknown(place: str, given: Mapping[str, Any]) -> None:
    known = [setting.key for setting in SETTINGS]
    for key in given:
        if key not in known:
            raise ConfigError(f"{place}: there is no setting {key!r}; the settings are {', '.join(known)}")


def _value(
    setting: Setting,
    place: str,
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
) -> Any:
    if flags.get(setting.key) is not None:
        source, value = f"--{setting.key.replace('_', '-')}", flags[setting.key]
    elif setting.variable in environ:
        source, value = setting.variable, environ[setting.variable]
    elif setting.key in given:
        source, value = f"{place}, {setting.key}", given[setting.key]
    else:
        source, value = f"default of {setting.key}", setting.default
    return _read(setting.read, source, value)


def _read(read: Callable[[Any], Any], source: str, value: Any) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise ConfigError(f"{source} = {value!r} cannot be used: {error}") from None


def _disabled(
    place: str,
    switches: Any,
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
    probes: Collection[str],
) -> frozenset[str]:
    if not isinstance(switches, dict):
        raise ConfigError(
            f"{place}, probes = {switches!r} cannot be used: write [probes] and a line per probe"
        )
    named = {**dict.fromkeys(flags.get("disable") or [], "--disable"), **dict.fromkeys(switches, place)}
    for name, source in named.items():
        if name not in probes:
            raise ConfigError(f"{source}: there is no probe {name!r}; they are {', '.join(sorted(probes))}")
    state = {name: _read(values.flag, f"{place}, probes.{name}", value) for name, value in switches.items()}
    for name in probes:
        variable = probe_variable(name)
        if variable in environ:
            state[name] = _read(values.flag, variable, environ[variable])
    state.update(dict.fromkeys(flags.get("disable") or [], False))
    return frozenset(name for name, enabled in state.items() if not enabled)


def probe_variable(name: str) -> str:
    """The environment variable that switches a probe on or off."""
    return f"{ENVIRONMENT_PREFIX}PROBE_{_in_capitals(name)}"


def _in_capitals(key: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", key.upper())
