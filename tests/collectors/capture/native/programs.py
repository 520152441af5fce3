"""Programs whose shares of time are known, compiled once a session, and what was seen of them."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from collectors import wire

HERE = Path(__file__).parent
WITH_FRAME_POINTERS = ("-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer")
WITHOUT_FRAME_POINTERS = ("-fomit-frame-pointer",)


def compiled(folder: Path, source: str, *options: str, name: str = "shares") -> Path:
    """The program, optimised as servers are."""
    program = folder / name
    compiler = {
        "c": ["gcc", "-O2", "-pthread"],
        "cpp": ["g++", "-O2"],
        "rs": ["rustc", "-O"],
        "go": ["go", "build"],
    }[source.rpartition(".")[2]]
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOCACHE": str(folder / "go-cache")}
    command = [*compiler, *options, "-o", str(program), str(HERE / source)]
    subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True)
    return program


@contextmanager
def running(program: Path | str, *arguments: str, service: str = "shares") -> Iterator[subprocess.Popen[str]]:
    """It says that it is ready, and is gone at the end."""
    process = subprocess.Popen(
        ["nice", "-n", "-5", str(program), *arguments],  # or a busy machine's tests take long
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DIAGNOSE_SERVICE": service},
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def stacks_of(samples: Iterable[wire.Sample], **labels: str) -> Counter[tuple[str, ...]]:
    """Names of the functions root first, and how often each stack was seen."""
    found: Counter[tuple[str, ...]] = Counter()
    for sample in samples:
        if (
            isinstance(sample, wire.Stacks)
            and labels.items() <= {**sample.labels, "service": sample.service}.items()
        ):
            frames, paths = sample.columns.frame_list(), sample.columns.stack_list()
            for row in sample.columns.sample_list():
                found[tuple(sample.strings[frames[at].name] for at in paths[row.stack])] += row.value
    return found


def shares(stacks: Counter[tuple[str, ...]], *functions: str) -> list[float]:
    """Percentages of the samples in which these functions were on the stack."""
    total = stacks.total()
    return [
        100 * sum(times for stack, times in stacks.items() if function in stack) / total
        for function in functions
    ]
