"""The pseudo-terminal in front of a pump: a real port for the client that users have."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.attendants import SHORT
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


def heard(front: subprocess.Popen[str], path: str) -> None:
    """Holds MUTE, which the first program after power-on wants."""
    assert front.stdin is not None
    front.stdin.write("mute\n")
    front.stdin.flush()
    with Pump.open(path) as pump:
        while not any(event["kind"] == "heard" for event in pump.events()):
            pump.wait_status()


def play(path: str, tmp_path: Path, *before: str) -> subprocess.Popen[str]:
    """`titrate play` of a program that would go on for ten minutes, once it is under way."""
    file = tmp_path / "short.toml"
    file.write_text(SHORT)
    words = [*before, sys.executable, "-m", "titrate.cli", "play", str(file), "--port", path, "--yes"]
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "INFUSING" in line:
            return process
    pytest.fail("it never began")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_the_player_stops_the_pump(front: subprocess.Popen[str], tmp_path: Path, number: int) -> None:
    path = path_of(front)
    heard(front, path)
    process = play(path, tmp_path)
    process.send_signal(number)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "stopped: commanded" in told
    with Pump.open(path) as pump:
        assert pump.status()["state"] == "IDLE"


def test_under_nohup_a_terminal_that_hangs_up_ends_nothing(front: subprocess.Popen[str], tmp_path: Path) -> None:
    path = path_of(front)
    heard(front, path)
    process = play(path, tmp_path, "nohup")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=3)
    process.terminate()
    assert "stopped: commanded" in process.communicate(timeout=30)[0]


@pytest.mark.parametrize("url", ["sim://?colour=red", "nowhere://", "loop://"])
def test_a_url_that_is_no_pump_is_one_line(url: str) -> None:
    done = subprocess.run([sys.executable, "-m", "hil.pty", url], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert url in done.stderr
