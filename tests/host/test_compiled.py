"""What `make compiled` puts beside the sources: links to every one of them, and a guard against being out of date."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import compiled

WHERE = "import pump, hil.boards, pump.app; print(pump.__file__, hil.__file__, hil.boards.ROOT)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the links and the guard, and nothing compiled."""
    monkeypatch.setattr(compiled, "FOLDER", tmp_path / "compiled")
    compiled.link_sources()
    compiled.guard_sources()
    return tmp_path / "compiled"


def imported(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run([sys.executable, "-c", WHERE], capture_output=True, text=True, env=environment, cwd=folder)


def test_both_packages_come_from_the_folder_and_their_data_from_the_repository(folder: Path) -> None:
    pump, hil, root = imported(folder).stdout.split()
    assert pump == str(folder / "pump/__init__.py")
    assert hil == str(folder / "hil/__init__.py")
    assert Path(root) == compiled.ROOT


def test_a_source_that_has_changed_since_is_named_and_nothing_is_imported(folder: Path) -> None:
    os.utime(folder / "pump/__init__.py", (0, 0))
    done = imported(folder)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert said.startswith("ImportError: build/compiled is older than ")
    assert "make compiled" in said


def test_every_pattern_names_sources(folder: Path) -> None:
    assert all(list(folder.glob(pattern)) for pattern in compiled.COMPILED)
