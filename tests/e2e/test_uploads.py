"""Bringing files of other programs, and comparing them, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from diagnose.models import User
from tests.e2e.flame import state

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def bring(page: Page, folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    page.goto("/profile/files")
    page.get_by_label("Profile to upload").set_input_files(folder / name)
    page.get_by_role("button", name="Upload and show").click()


def test_two_files_are_brought_shown_and_compared(
    page: Page, sign_in, operator: User, data_dir, tmp_path
) -> None:
    sign_in(operator)
    bring(page, tmp_path, "before.folded", "main;parse 80\nmain;<b>render</b> 20\n")
    expect(page.locator("[data-part=totals]")).to_contain_text("100 samples")
    bring(page, tmp_path, "after.folded", "main;parse 20\nmain;<b>render</b> 80\n")
    expect(page.get_by_role("heading", name="after.folded")).to_be_visible()
    expect(page.locator("[data-flamegraph] canvas")).to_be_visible()
    assert "<b>render</b>" in state(page)["names"]
    page.get_by_role("link", name="after.folded against this").click()
    expect(page.locator("[data-part=changes]")).to_contain_text("<b>render</b>")
    expect(page.locator("[data-part=changes]")).to_contain_text("+60.0 points")


def test_a_file_that_is_no_profile_is_answered_with_a_way_on(
    page: Page, sign_in, operator: User, data_dir, tmp_path
) -> None:
    sign_in(operator)
    bring(page, tmp_path, "notes.txt", "these are notes\n")
    expect(page.get_by_role("alert")).to_contain_text("speedscope files are read")
    expect(page.get_by_role("button", name="Upload and show")).to_be_enabled()


def test_a_viewer_sees_files_and_no_form(page: Page, sign_in, viewer: User, data_dir) -> None:
    sign_in(viewer)
    page.goto("/profile/files")
    expect(page.locator("main")).to_contain_text("No file was brought yet.")
    expect(page.get_by_role("button", name="Upload and show")).to_have_count(0)
