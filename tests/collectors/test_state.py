"""The state directory: identity and files that only their owner may read."""

from __future__ import annotations

import stat

from collectors.state import identity, make_identity, write_private


def test_the_identity_follows_from_the_machine_id_without_showing_it(tmp_path):
    machine_id = tmp_path / "machine-id"
    machine_id.write_text("b08dfa6083e7567a1921a715000001fb\n")
    for name in ("first", "lost and made again"):
        (tmp_path / name).mkdir()
    first = identity(tmp_path / "first", machine_id)
    assert identity(tmp_path / "lost and made again", machine_id) == first
    assert "b08dfa60" not in first
    assert len(first) == 32


def test_without_a_machine_id_the_identity_is_random_and_kept(tmp_path):
    machine_id = tmp_path / "machine-id"
    machine_id.write_text("\n")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = identity(tmp_path / "a", machine_id)
    assert identity(tmp_path / "a", machine_id) == first
    assert identity(tmp_path / "b", machine_id) != first


def test_a_clone_gets_an_identity_of_its_own(tmp_path):
    first = identity(tmp_path)
    assert make_identity(tmp_path, machine_id=None) != first
    assert identity(tmp_path) != first


def test_a_secret_is_its_owners_even_where_a_readable_file_was(tmp_path):
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new\n")
    assert path.read_text() == "new\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
