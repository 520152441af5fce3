"""The shelf is filled as a whole or not at all."""

from __future__ import annotations

import zipfile

import pytest

from diagnose.installer import shelf, vendor, wheels
from diagnose.installer.wheels import CannotFetch, Target
from tests.shelves import TAG, WHEELS, stock


@pytest.fixture
def no_registry(monkeypatch):
    monkeypatch.setattr(wheels, "TARGETS", (Target("3.12", "x86_64"),))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def test_a_new_collector_takes_over_what_was_fetched_and_needs_no_registry(data_dir, no_registry):
    old = stock()
    assert not vendor.is_current()
    made = vendor.fill(lambda _: None, reuse=True)
    assert made == shelf.shelf()
    assert vendor.is_current()
    assert set(made.interpreters[TAG]) == set(WHEELS)
    kept = {file.name: file.sha256 for file in old.files}
    for file in made.wheels:
        found, path = shelf.find(file.name)
        assert shelf.sha256(path) == file.sha256 == found.sha256
        assert (kept[file.name] == file.sha256) is (file.project != "diagnose-collector")
    assert sorted(path.name for path in shelf.place().glob("files-*")) == [made.folder]
    (single,) = made.single_files
    names = zipfile.ZipFile(shelf.find(single.name)[1]).namelist()
    assert "site-packages/collectors/probes/ebpf/tcp_rtt.pack" in names
    assert not any("pip" in name for name in names)


def test_without_a_registry_the_reason_is_kept_and_nothing_half(data_dir, no_registry):
    with pytest.raises(CannotFetch, match="No matching distribution"):
        vendor.fill(lambda _: None, reuse=True)
    state = shelf.state()
    assert state.shelf is None
    assert "No matching distribution" in state.why_empty
    assert "manage.py vendor_collector" in state.why_empty
    assert sorted(path.name for path in shelf.place().iterdir()) == ["lock", "problem"]


def test_a_try_that_fails_leaves_the_shelf_as_it_was(data_dir, no_registry):
    old = stock()
    with pytest.raises(CannotFetch):
        vendor.fill(lambda _: None, reuse=False)
    assert shelf.shelf() == old
    assert shelf.find(WHEELS[0])[1].exists()


def test_other_requirements_are_fetched_anew(data_dir, no_registry):
    stock(requirements=["msgspec~=0.1"])
    assert not vendor.is_current()
    with pytest.raises(CannotFetch):
        vendor.fill(lambda _: None, reuse=True)


def test_only_one_fills_it_and_the_others_can_tell(data_dir):
    with shelf.filling() as mine:
        assert mine
        assert shelf.state().being_filled
        assert "ask again in a minute" in shelf.state().why_empty
        assert vendor.fill(lambda _: None, reuse=True) is None
    assert not shelf.state().being_filled


def test_an_index_of_another_version_is_no_shelf(data_dir):
    stock()
    (shelf.place() / shelf.INDEX).write_text('{"version": 3}')
    assert shelf.shelf() is None
