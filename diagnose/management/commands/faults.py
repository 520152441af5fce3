"""`manage.py faults`: real faults on this machine, one after the other, and what Diagnose says about each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from diagnose.demo.watch import Api
from diagnose.management import services
from tests.faults.beside import MONITORS
from tests.faults.beside.score import table as compared
from tests.faults.case import Case
from tests.faults.corpus import all_cases
from tests.faults.results import Result, Results
from tests.faults.run import CONTAINER, Server, run
from tests.faults.score import table

_START_SECONDS = 90.0
_SYSTEM_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"

Run = tuple[Case, str, int]


class Command(BaseCommand):
    help = "List the faults of the corpus, or run some (needs root): each in a network namespace of its own."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="*", help="cases or families to run; without any they are listed")
        parser.add_argument("--all", action="store_true", help="run every case")
        parser.add_argument("--intensity", help="only this one of each case's intensities")
        parser.add_argument("--first", action="store_true", help="only the first of each case's intensities")
        parser.add_argument(
            "--in-a-container", action="store_true", help="let the collector look at them from outside"
        )
        parser.add_argument(
            "--follow", action="store_true", help="follow the first recommendation and wait for its verdict"
        )
        parser.add_argument("--rounds", type=int, default=1, help="how often each runs")
        parser.add_argument("--jobs", type=int, default=1, help="how many run side by side")
        parser.add_argument("--again", action="store_true", help="also what the results have already")
        parser.add_argument(
            "--beside",
            nargs="*",
            default=[],
            choices=MONITORS,
            help="other monitors that watch the same runs",
        )
        parser.add_argument("--results", type=Path, default=None, help="folder; default: faults in DATA_DIR")
        parser.add_argument("--score", action="store_true", help="only tell what the results come to")

    def handle(self, *_: Any, **options: Any) -> None:
        results = Results(options["results"] or settings.DATA_DIR / "faults")
        self._beside = options["beside"]
        if options["score"]:
            self._score(results)
            return
        chosen = _chosen(options["names"], options["all"])
        if not chosen:
            self._list()
            return
        if os.geteuid() != 0:
            raise CommandError("faults are made in network namespaces, which only root can make: use sudo")
        self._follow = bool(options["follow"])
        self._play(_runs(chosen, options, results), results, options["jobs"])
        self._score(results)

    def _score(self, results: Results) -> None:
        found = results.read()
        self.stdout.write(table(found))
        if beside := compared(found):
            self.stdout.write(f"\n{beside}")

    def _list(self) -> None:
        for case in all_cases():
            expected = case.truth[0] if case.truth else "no finding"
            self.stdout.write(f"{case.name} ({', '.join(case.intensities)}) -> {expected}\n    {case.story}")
        self.stdout.write("\nRun some with `manage.py faults NAME …`, all with --all.")

    def _play(self, runs: Sequence[Run], results: Results, jobs: int) -> None:
        product = None if _api().answers() else _start_product()
        try:
            server = Server(_api(), (settings.CONFIG["DIAGNOSE_PORT"], settings.STREAM_PORT))

            def play(one: Run) -> None:
                self._play_one(one, server, results)

            beside = [one for one in runs if not one[0].alone]
            with ThreadPoolExecutor(jobs) as pool:
                list(pool.map(play, beside))
            for one in runs:
                if one[0].alone:
                    play(one)
        finally:
            if product:
                product.terminate()
                product.wait()

    def _play_one(self, one: Run, server: Server, results: Results) -> None:
        case, intensity, number = one
        try:
            result = run(case, intensity, number, server, results, self._beside, self._follow)
        except (OSError, subprocess.CalledProcessError) as error:
            self.stdout.write(f"{case.name} {intensity}: could not be played: {error}")
            return
        self.stdout.write(_line(result))


def _line(result: Result) -> str:
    told = [
        f"{each.rule} {each.confidence:.0%}{f' (under {each.cause})' if each.cause else ''}: {each.headline}"
        for each in result.findings
    ]
    after = "not found" if result.after_seconds is None else f"found after {result.after_seconds:g} s"
    verdict = after if result.truth else "healthy"
    head = (
        f"{result.case} {result.intensity}: {verdict}, expected {' or '.join(result.truth) or 'no finding'}"
    )
    proof = [f"followed: {result.advice}: {result.proof}"] if result.advice else []
    return "\n    ".join([head, *told, *proof])


def _chosen(names: Sequence[str], every: bool) -> list[Case]:
    cases = all_cases()
    known = {case.name for case in cases} | {case.family for case in cases}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CommandError(f"no case or family is called {', '.join(unknown)}: see `manage.py faults`")
    return [case for case in cases if every or {case.name, case.family} & set(names)]


def _runs(cases: Sequence[Case], options: dict[str, Any], results: Results) -> list[Run]:
    """What is to be run: not what the results have already, nor what needs a program that is not there."""
    have = set() if options["again"] else {each.key for each in results.read()}
    runs = [
        (case, intensity, number)
        for number in range(options["rounds"])
        for case in cases
        for intensity in list(case.intensities)[: 1 if options["first"] else None]
        if options["intensity"] in {None, intensity}
        and all(shutil.which(program, path=_SYSTEM_PATH) for program in case.needs)
    ]
    if options["in_a_container"]:
        runs = [(case, intensity + CONTAINER, number) for case, intensity, number in runs]
    return [each for each in runs if (each[0].name, each[1], each[2]) not in have]


def _api() -> Api:
    token = settings.DATA_DIR / "admin-token"
    return Api(services.web_url(), token.read_text().strip() if token.exists() else "")


def _start_product() -> subprocess.Popen[bytes]:
    """The product on this DATA_DIR, until the runs are over."""
    argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "up"]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if (settings.DATA_DIR / "admin-token").exists() and _api().answers():
            return process
        time.sleep(0.5)
    process.terminate()
    raise CommandError(f"{services.web_url()} does not answer: `manage.py up` says why")
