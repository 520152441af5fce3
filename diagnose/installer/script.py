"""What `templates/install.sh` is filled with: all that a host needs to know, quoted for the shell."""

from __future__ import annotations

import shlex

from diagnose.installer.shelf import Shelf


def context(server: str, found: Shelf | None, why_empty: str) -> dict[str, object]:
    """Without a shelf the script only says why, so that `curl … | sh` never ends in silence."""
    if found is None:
        return {"server": shlex.quote(server), "refusal": shlex.quote(why_empty)}
    (pip,) = found.of_project("pip")[-1:]
    return {
        "server": shlex.quote(server),
        "version": shlex.quote(found.version),
        "pip": shlex.quote(pip.name),
        "pip_sha256": shlex.quote(pip.sha256),
        "known": shlex.quote(" ".join(found.interpreters)),
        "interpreters": [(tag, _requirements(found, tag)) for tag in found.interpreters],
    }


def lines(server: str, secret: str) -> list[str]:
    """What to type on a host. The secret is in no command line, which other users see, and in no address."""
    pipe = f"curl -fsSL {shlex.quote(server)}/install.sh | sudo"
    return [f"export DIAGNOSE_ENROLL_TOKEN={secret}", f"{pipe} --preserve-env=DIAGNOSE_ENROLL_TOKEN sh"]


def upgrade_line(server: str) -> str:
    return f"curl -fsSL {shlex.quote(server)}/install.sh | sudo sh"


def _requirements(found: Shelf, tag: str) -> list[str]:
    """For `pip install --require-hashes`: exactly the files that this kind of interpreter needs."""
    names = set(found.interpreters[tag])
    return [
        f"{file.project}=={file.version} --hash=sha256:{file.sha256}"
        for file in found.wheels
        if file.name in names and file.project != "pip"
    ]
