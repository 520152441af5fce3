"""Fills the shelf: everything into a new folder, then the index, then what the old one had is removed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import msgspec

from collectors import __version__
from diagnose.installer import shelf, singlefile, wheels
from diagnose.installer.shelf import Kept, Missing, Shelf
from diagnose.installer.wheels import CannotFetch

_OWN, _SINGLE = "diagnose-collector", ".pyz"
Say = Callable[[str], None]


def is_current() -> bool:
    """Whether the shelf has what this tree would put on it."""
    kept = shelf.shelf()
    return kept is not None and (kept.source, kept.requirements) == (
        wheels.source_digest(),
        wheels.requirements(),
    )


def fill(say: Say, reuse: bool) -> Shelf | None:
    """The new shelf; None when somebody else fills it. `reuse`: what was fetched for the same requirements serves on.

    Raises CannotFetch; the old shelf stays then, and the reason is kept for the pages.
    """
    with shelf.filling() as mine:
        if not mine:
            return None
        try:
            with _draft() as folder:
                made = _gather(folder, say, reuse)
                _publish(made)
        except (CannotFetch, subprocess.SubprocessError, OSError) as error:
            (shelf.place() / shelf.PROBLEM).write_text(str(error))
            raise CannotFetch(str(error)) from None
        (shelf.place() / shelf.PROBLEM).unlink(missing_ok=True)
        return made


def _gather(folder: Path, say: Say, reuse: bool) -> Shelf:
    old = shelf.shelf() if reuse else None
    if old is not None and old.requirements == wheels.requirements():
        fetched, missing = _taken_over(old, folder)
    else:
        fetched, missing = _fetched(folder, say)
    if not fetched:
        raise CannotFetch(missing[0].reason)
    source, own = wheels.source_digest(), wheels.build(folder)
    interpreters = {tag: sorted([own, *names]) for tag, names in fetched.items()}
    missing += _single_files(folder, interpreters, say)
    files = [_kept(path) for path in sorted(folder.iterdir())]
    return Shelf(__version__, source, wheels.requirements(), folder.name, files, interpreters, missing)


def _fetched(folder: Path, say: Say) -> tuple[dict[str, list[str]], list[Missing]]:
    """Each kind of interpreter by itself: a project's newest version for it may differ."""
    found, missing = {}, []
    for target in wheels.TARGETS:
        say(f"fetching wheels for {target.tag}")
        with TemporaryDirectory(dir=folder.parent) as place:
            try:
                wheels.fetch(target, Path(place))
            except CannotFetch as error:
                missing.append(Missing(target.tag, str(error)))
                continue
            names = [path.name for path in Path(place).iterdir()]
            for name in names:
                (Path(place) / name).replace(folder / name)
            found[target.tag] = names
    return found, missing


def _taken_over(old: Shelf, folder: Path) -> tuple[dict[str, list[str]], list[Missing]]:
    fetched = {file.name for file in old.wheels if file.project != _OWN}
    for name in fetched:
        os.link(shelf.place() / old.folder / name, folder / name)
    by_tag = {tag: [name for name in names if name in fetched] for tag, names in old.interpreters.items()}
    return by_tag, [each for each in old.missing if not each.what.endswith(_SINGLE)]


def _single_files(folder: Path, interpreters: dict[str, list[str]], say: Say) -> list[Missing]:
    missing = []
    for machine in wheels.MACHINES:
        lists = [names for tag, names in interpreters.items() if tag.endswith(machine)]
        if not lists:
            continue
        chosen = sorted({name for names in lists for name in names if not name.startswith("pip-")})
        name = f"{_OWN}-{machine}{_SINGLE}"
        say(f"making {name}")
        try:
            singlefile.make((folder / name for name in chosen), folder / name)
        except singlefile.Differs as error:
            missing.append(Missing(name, str(error)))
    return missing


def _kept(path: Path) -> Kept:
    is_wheel = path.suffix == ".whl"
    project, version = wheels.project_of(path.name) if is_wheel else ("", __version__)
    return Kept(path.name, project, version, shelf.sha256(path), path.stat().st_size)


@contextmanager
def _draft() -> Iterator[Path]:
    """A folder that goes again unless it became the shelf's."""
    folder = Path(mkdtemp(prefix="files-", dir=shelf.place()))
    try:
        yield folder
    finally:
        kept = shelf.shelf()
        for other in shelf.place().glob("files-*"):
            if kept is None or other.name != kept.folder:
                shutil.rmtree(other, ignore_errors=True)


def _publish(made: Shelf) -> None:
    """The files first, then the index that names them; a host that is installing meanwhile may have to ask again."""
    draft = shelf.place() / f"{shelf.INDEX}.new"
    draft.write_bytes(msgspec.json.encode(made))
    draft.replace(shelf.place() / shelf.INDEX)
