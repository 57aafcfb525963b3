"""Whether the compiler takes what `make compiled` gives it. The two minutes of C that follow are left to that."""

from pathlib import Path

import pytest

from tools import compiled


def test_mypyc_takes_every_source_that_is_to_be_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path)
    compiled.link_sources()
    compiled.run_mypyc("--name")  # setuptools' cheapest word
    assert len(list((tmp_path / "build").rglob("*.c"))) > 50


def test_what_it_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "FOLDER", tmp_path)
    monkeypatch.setattr(compiled, "COMPILED", ("pump/core/units.py",))
    compiled.link_sources()
    source = tmp_path / "pump/core/units.py"
    source.unlink()
    source.write_text("MS_PER_S: int = 'a thousand'\n")
    with pytest.raises(RuntimeError, match=r"units\.py:1: error"):
        compiled.run_mypyc("--name")
