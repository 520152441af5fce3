"""The whole host runs out of open files.

Symptom: "Too many open files in system" (ENFILE) in programs that are far from their own limit; logins and cron jobs
fail.

Cause: all processes together have as many files open as fs.file-max allows: one that leaks, or a limit that somebody
lowered. By default it is so high that memory ends first; a constant from an old guide (100000) can be less than that.

Evidence: allocated files against fs.file-max (file-nr), with calls that fail with ENFILE. Root may pass the limit, so
programs of root go on.

Recommendation: find who holds them; the default of the kernel, about one file for each 10 kB of memory, or twice what
is used, never less than now.

Source: Linux fs/file_table.c (alloc_empty_file, files_maxfiles_init), Documentation/admin-guide/sysctl/fs.rst,
open(2).
"""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.correlate.rule import (
    Evidence,
    Impact,
    Inspect,
    Recommendation,
    RuledOut,
    Subject,
    Sysctl,
    Verdict,
    WillNotHelp,
    strength,
    supports_if,
)
from diagnose.correlate.signals.syscall_errors import SyscallErrors
from diagnose.correlate.signals.system_files import SystemFiles
from diagnose.correlate.words import number, percent

EXPLAINS = ("network.accept_queue_overflow", "app.acceptor_stalled")

# of fs.file-max
HIGH, AT_LIMIT = 0.9, 0.98
# bytes of memory a file (files_maxfiles_init allows a tenth of memory at 1 kB each)
BYTES_EACH = 10_240


def check(files: SystemFiles, errors: SyscallErrors | None) -> list[Verdict]:
    """At most one verdict."""
    return [_verdict(files, errors)] if files.share >= HIGH else []


def _verdict(files: SystemFiles, errors: SyscallErrors | None) -> Verdict:
    failing = sum(errors.of("ENFILE").values()) if errors else None
    full = files.share >= AT_LIMIT or bool(failing)
    text = "everything that opens a file or a connection fails, but for root" if full else "nothing fails yet"
    return Verdict(
        subject=Subject(),
        headline=f"the host has {percent(files.share)} of the files open that it may have, {number(files.allocated)}",
        impact=Impact(0.9 if full else 0.2, files.allocated, "files", text),
        evidence=tuple(_evidence(files, failing)),
        ruled_out=(RuledOut("limits.process_fds", "the sum of all processes is at its limit"),),
        recommendations=tuple(_recommendations(files)),
        will_not_help=(
            WillNotHelp(
                "raise LimitNOFILE= or nofile", "it is the limit of one process; the host's is reached"
            ),
        ),
        explains=EXPLAINS if full else (),
    )


def _evidence(files: SystemFiles, failing: float | None) -> Iterator[Evidence]:
    text = f"{number(files.allocated)} files are allocated of fs.file-max {number(files.maximum)}"
    clear, value, limit = strength(files.share, HIGH, AT_LIMIT), files.allocated, files.maximum
    yield Evidence("supports", "decides", text, "filefd_allocated", value, "files", limit, "file-nr", clear)
    if failing is None:
        yield Evidence(
            "missing", "separates", "failing calls were not counted (eBPF)", "syscall_errors_total"
        )
        return
    text = f"{number(failing)} calls failed with ENFILE in half a minute"
    kind = supports_if(failing > 0 or files.share < AT_LIMIT)
    labels = (("error", "ENFILE"),)
    yield Evidence(kind, "separates", text, "syscall_errors_total", failing, "calls", 0, "eBPF", 1.0, labels)


def _recommendations(files: SystemFiles) -> Iterator[Recommendation]:
    command = "for p in /proc/[0-9]*; do echo $(ls $p/fd 2>/dev/null | wc -l) $(cat $p/comm); done | sort -rn | head"
    inspect = Inspect("all processes", "see who has most of them open", command)
    yield Recommendation(
        inspect, f"{number(files.allocated)} allocated", "one process, or a limit that is too low", "none"
    )
    by_memory = (files.memory_bytes or 0) // BYTES_EACH
    proposed = max(by_memory, 1 << (2 * int(files.allocated) - 1).bit_length())
    if proposed > files.maximum:
        change = Sysctl("fs.file-max", int(files.maximum), proposed)
        formula = f"the larger of memory ÷ {BYTES_EACH} B ({number(by_memory)}) and twice what is open"
        yield Recommendation(
            change, formula, "no ENFILE", "low", "about 1 kB of kernel memory for each open file"
        )
