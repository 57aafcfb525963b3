"""The pseudo-terminal in front of a pump: a real port for the client that users have."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from titrate import Pump
from titrate.errors import LinkError


@pytest.fixture
def front() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "hil.pty", "sim://"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.wait()


def path_of(front: subprocess.Popen[str]) -> str:
    assert front.stdout is not None
    return front.stdout.readline().strip()


def test_a_pump_answers_behind_it_and_again_for_the_next_client(front: subprocess.Popen[str]) -> None:
    path = path_of(front)
    for _ in range(2):
        with Pump.open(path) as pump:
            assert pump.wait_status()["state"] == "IDLE"
            assert pump.bad_lines == 0, "what came while nobody listened was kept"


def test_its_keys_are_on_standard_input(front: subprocess.Popen[str]) -> None:
    assert front.stdin is not None
    with Pump.open(path_of(front)) as pump:
        front.stdin.write("nothing\n")
        front.stdin.flush()
        pump.wait_status()
        assert not any(event["kind"] == "heard" for event in pump.events()), "it heard a key that is none"
        front.stdin.write("mute\n")
        front.stdin.flush()
        for _ in range(20):
            if pump.wait_status() and any(event["kind"] == "heard" for event in pump.events()):
                break
        else:
            pytest.fail(f"MUTE was not held: {pump.events()}")


def test_a_client_learns_that_the_cable_is_pulled(front: subprocess.Popen[str]) -> None:
    with Pump.open(path_of(front)) as pump:
        front.kill()
        front.wait()
        with pytest.raises(LinkError, match="the line is gone"):
            pump.status()


@pytest.mark.parametrize("url", ["sim://?colour=red", "nowhere://", "loop://"])
def test_a_url_that_is_no_pump_is_one_line(url: str) -> None:
    done = subprocess.run([sys.executable, "-m", "hil.pty", url], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert url in done.stderr
