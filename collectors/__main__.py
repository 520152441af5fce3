"""`diagnose-collector run | snapshot | enroll | status | unit`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from collectors import __version__
from collectors.config import Config, ConfigError, load
from collectors.delivery.client import Unreachable
from collectors.state import StateError

_FLAGS = ("server", "token_file", "state_dir", "name")


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 done, 1 failed (one line on stderr says why), 2 wrong usage or configuration."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    try:
        return int(options.command(_config(options), options))
    except ConfigError as error:
        print(f"diagnose-collector: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `status | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (StateError, Unreachable) as error:
        print(f"diagnose-collector: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="diagnose-collector", description="The host agent of Diagnose.")
    parser.add_argument("--version", action="version", version=f"diagnose-collector {__version__}")
    commands = parser.add_subparsers(required=True, metavar="run | snapshot | enroll | status | unit")
    run = commands.add_parser("run", help="collect and send until stopped")
    run.add_argument(
        "--disable", action="append", metavar="PROBE", help="switch a probe off (repeat for more)"
    )
    run.set_defaults(command=_run)
    snapshot = commands.add_parser(
        "snapshot", help="collect for half a minute into a file; no server is needed"
    )
    snapshot.add_argument("--seconds", type=float, default=30.0, metavar="SECONDS", help="default: 30")
    snapshot.add_argument("--output", type=Path, metavar="FILE", help="default: HOST-TIME.diagnose, here")
    snapshot.set_defaults(command=_snapshot)
    enroll = commands.add_parser("enroll", help="become a host of a server, with an enrolment token")
    enroll.add_argument(
        "--enroll-token-file",
        metavar="FILE",
        help="file with the enrolment token, - for standard input; default: $DIAGNOSE_ENROLL_TOKEN",
    )
    enroll.add_argument(
        "--new-identity", action="store_true", help="on a clone of another machine: be a host of its own"
    )
    enroll.set_defaults(command=_enroll)
    status = commands.add_parser("status", help="what the collector of this host is doing")
    status.add_argument("--json", action="store_true", help="for programs")
    status.set_defaults(command=_status)
    unit = commands.add_parser("unit", help="print the systemd unit that runs this collector")
    unit.set_defaults(command=_unit)
    for command in (run, snapshot, enroll, status, unit):
        command.add_argument(
            "--config", type=Path, metavar="FILE", help="default: /etc/diagnose/collector.toml"
        )
        command.add_argument("--server", metavar="URL")
        command.add_argument("--token-file", metavar="FILE")
        command.add_argument("--state-dir", metavar="DIRECTORY")
        command.add_argument("--name", metavar="NAME")
        command.add_argument("--verbose", action="store_true")
    return parser


def _config(options: argparse.Namespace) -> Config:
    from collectors.probes import ALL

    flags = {name: getattr(options, name) for name in _FLAGS}
    flags["disable"] = getattr(options, "disable", None)
    return load(options.config, os.environ, flags, [probe.NAME for probe in ALL])


def _run(config: Config, _: argparse.Namespace) -> int:
    from collectors.running import run

    return run(config)


def _snapshot(config: Config, options: argparse.Namespace) -> int:
    from collectors.snapshot import snapshot

    print(snapshot(config, options.seconds, options.output))
    return 0


def _enroll(config: Config, options: argparse.Namespace) -> int:
    from collectors.delivery.enroll import enroll

    enroll(config, options.enroll_token_file, options.new_identity)
    return 0


def _status(config: Config, options: argparse.Namespace) -> int:
    from collectors.status import show

    return show(config.state_dir, as_json=options.json)


def _unit(_config: Config, _options: argparse.Namespace) -> int:
    from collectors.unit import unit

    print(unit(Path(sys.argv[0])), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
