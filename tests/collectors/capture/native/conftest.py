"""The programs, compiled once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collectors.capture.native.programs import WITH_FRAME_POINTERS, WITHOUT_FRAME_POINTERS, compiled


@pytest.fixture(scope="session")
def in_c(tmp_path_factory) -> Path:
    return compiled(tmp_path_factory.mktemp("c"), "shares.c", *WITH_FRAME_POINTERS)


@pytest.fixture(scope="session")
def without_frame_pointers(tmp_path_factory) -> Path:
    return compiled(tmp_path_factory.mktemp("bare"), "shares.c", *WITHOUT_FRAME_POINTERS)


@pytest.fixture(scope="session")
def in_cpp(tmp_path_factory) -> Path:
    return compiled(tmp_path_factory.mktemp("cpp"), "shares.cpp", *WITH_FRAME_POINTERS)
