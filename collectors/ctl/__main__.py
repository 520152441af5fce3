"""`diagnosectl COMMAND`: the exit status is 0 done, 1 failed or worse than allowed, 2 wrong usage."""

from __future__ import annotations

import argparse
import os
import sys

from collectors import __version__
from collectors.ctl import commands
from collectors.ctl.server import Refused, from_environment


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        server = from_environment(options.url, options.token_file)
        return int(options.run(server, options))
    except Refused as refused:
        print(f"diagnosectl: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="diagnosectl",
        description="What Diagnose knows, for terminals and pipelines.",
        epilog="DIAGNOSE_URL and DIAGNOSE_TOKEN (or DIAGNOSE_TOKEN_FILE) say which server, and who asks; "
        "DIAGNOSE_CA_FILE names the certificate of an authority of your own.",
    )
    parser.add_argument("--version", action="version", version=f"diagnosectl {__version__}")
    parser.add_argument(
        "--url", help="address of the server; default: $DIAGNOSE_URL, else http://127.0.0.1:8000"
    )
    parser.add_argument("--token-file", help="file with a user token; default: $DIAGNOSE_TOKEN_FILE")
    parser.add_argument("--json", action="store_true", help="print what programs read")
    known = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in commands.ALL:
        sub = known.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        sub.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        command.arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
