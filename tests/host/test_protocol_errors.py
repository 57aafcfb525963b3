"""What is wrong with a file is said with file, place, value and what is allowed; exit 2; never a traceback."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.host.bad_files import BAD
from titrate import reading
from titrate.cli import app
from titrate.errors import ProtocolError

WITHOUT_A_WEIGHT = ("no weight",)


@pytest.mark.requirement("SR-RATE-09", "SR-UI-02", "SR-UI-15")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_exits_2_and_names_the_place(name: str, tmp_path: Path) -> None:
    text, where, allowed = BAD[name]
    file = tmp_path / "bad.toml"
    file.write_text(text, encoding="utf-8")
    for command in (["plan"], ["protocols", "validate"], ["protocols", "show"]):
        result = CliRunner().invoke(app, [*command, str(file), "--json"])
        assert result.exit_code == 2, result.output
        assert isinstance(result.exception, SystemExit)
        assert len(result.stderr.strip().splitlines()) == 1
        assert where in result.stderr
        assert allowed in result.stderr
        assert "Traceback" not in result.stderr
        assert json.loads(result.stdout)["error"]["exit_code"] == 2
        assert "bad.toml" in result.stderr
        if name in WITHOUT_A_WEIGHT:
            break  # the other two commands try one


def test_there_are_many_bad_files_and_all_but_two_have_a_line() -> None:
    assert len(BAD) >= 90
    for name, (text, _, _) in BAD.items():
        if name not in ("too many brackets", "endless integer"):  # tomllib does not say where
            with pytest.raises(ProtocolError, match=r"^bad\.toml line \d+"):
                reading.parse(text, "bad.toml").plan()


@pytest.mark.requirement("SR-UI-15")
@pytest.mark.parametrize("data", [b"\x00\xff\xfe\x01", "[protocol]".encode("utf-16"), b"#" * 10_000_000])
def test_what_is_no_text_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(data)
    result = CliRunner().invoke(app, ["plan", str(file)])
    assert result.exit_code == 2
    assert "bad.toml" in result.stderr
    assert not result.stdout


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "marked.toml"
    for folder, name, command in (("protocols", "dahan-2011", "protocols"), ("libraries", "regimens", "library")):
        text = (Path(reading.__file__).parent / folder / f"{name}.toml").read_text(encoding="utf-8")
        file.write_text(text, encoding="utf-8-sig")
        result = CliRunner().invoke(app, [command, "validate", str(file)])
        assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("path", ["missing.toml", "", "nul\0byte", ".", "x" * 5000])
def test_what_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(ProtocolError) as raised:
        reading.read(path)
    assert "file" in raised.value.allowed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--weight", "70"], "--weight"),
        (["--weight", "0,7 kg"], "decimal sign"),
        (["--weight", "700 kg"], "1 to 300 kg"),
        (["--session", "0"], "1 to 10"),
        (["--session", "11"], "1 to 10"),
        (["--session", "two"], "integer"),
        (["--syringe", "bucket"], "bd-plastipak-50"),
        (["--plot", "plan.gif"], ".png or .svg"),
        (["--plot", "nowhere/plan.png"], "can be written"),
        (["--speed", "9"], "--speed"),
    ],
)
def test_wrong_options_exit_2(options: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["plan", "schwartzman-2009", *options])
    assert result.exit_code == 2
    assert said in result.stderr
    assert not result.stdout


def test_a_session_of_a_protocol_without_repeat_is_refused() -> None:
    with pytest.raises(ProtocolError, match="nothing is repeated"):
        reading.read("goebel-2015").plan(session=1)
