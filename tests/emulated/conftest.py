"""Tests that only the emulated chip can run; they skip with the reason where it could not be had."""

import pytest

from hil.plugin import need_emulator


@pytest.fixture(autouse=True)
def emulator() -> None:
    need_emulator()
