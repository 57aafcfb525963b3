"""What every test shares: repeatable hypothesis runs, and which pump the rig's tests run on."""

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--target", help="run the rig's tests on sim or emu only; both without it")
