"""What the pages say is true: their protocols can be planned, their commands run, and the names they use exist."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from titrate.quantities import parse as parse_quantity
from titrate.reading import SECTIONS, parse

ROOT = Path(__file__).resolve().parents[2]
TITRATE = str(Path(sys.executable).with_name("titrate"))
PAGES = ("README.md", "docs/protocol-language.md", "docs/records.md")
SOURCES = {"pump": ROOT / "firmware/pump", "titrate": ROOT / "host/titrate", "hil": ROOT / "hil"}


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page that are marked with a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)


def commands() -> list[list[str]]:
    """The `titrate` lines of each of the README's shell blocks that need no real or emulated pump."""
    lines = [[line.strip() for line in block.splitlines()] for block in blocks("README.md", "sh")]
    found = [[line for line in block if line.startswith("titrate ")] for block in lines]
    runnable = [[line for line in block if "--port" not in line or "--port sim://" in line] for block in found]
    return [block for block in runnable if block]


def table_rows(page: str) -> list[list[str]]:
    """The cells of every row of a page's tables, with an empty one at both ends."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.split("|")] for line in lines if line.startswith("|")]


def names(page: str) -> list[str]:
    """Every dotted name of ours that a page puts in backticks."""
    found = re.findall(r"`((?:pump|titrate|hil)(?:\.\w+)+)`", (ROOT / page).read_text(encoding="utf-8"))
    return sorted(set(found))


def defined(body: list[ast.stmt]) -> Iterator[tuple[str, list[ast.stmt]]]:
    """(name, what stands within it) of everything that a block of code defines."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name, node.body
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, []) for target in targets if isinstance(target, ast.Name))


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something that a module defines. Nothing is imported."""
    first, *rest = name.split(".")
    place = SOURCES[first]
    while rest and (place / rest[0]).is_dir():
        place /= rest.pop(0)
    for suffix in (".py", ".pyi"):
        if rest and (place / (rest[0] + suffix)).is_file():
            place /= rest.pop(0) + suffix
            break
    if place.is_dir():
        place /= "__init__.py"
    body = ast.parse(place.read_text(encoding="utf-8")).body
    for part in rest:
        inside = dict(defined(body))
        if part not in inside:
            return False
        body = inside[part]
    return True


@pytest.mark.parametrize("page", PAGES)
def test_whole_protocols_can_be_planned(page: str) -> None:
    whole = [block for block in blocks(page, "toml") if "[protocol]" in block]
    for text in whole:
        assert parse(text, page).plan("70 kg").total_ml > 0
    assert whole or page != "docs/protocol-language.md"


def prepare(folder: Path) -> None:
    """A folder as the README's commands expect it."""
    (folder / "build").mkdir()
    (folder / "host").symlink_to(ROOT / "host")


@pytest.mark.parametrize("page", PAGES)
def test_python_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    for block in blocks(page, "python"):
        if "open_bench" not in block:  # the rig's own tests run that one
            exec(compile(block, page, "exec"), {})


def test_the_language_page_names_every_key() -> None:
    from titrate import phases

    text = (ROOT / "docs/protocol-language.md").read_text(encoding="utf-8")
    models = [*SECTIONS.values(), *phases.PHASES.values()]
    keys = {field.alias or name for model in models for name, field in model.model_fields.items()} - {"phase"}
    assert sorted(key for key in keys if f"`{key}`" not in text) == []


def test_the_page_of_the_preview_has_the_models_numbers() -> None:
    from titrate.plasma import MODELS

    rows = {cells[1]: cells for cells in table_rows("docs/preview.md") if len(cells) == 9}
    for model in MODELS:
        body = model.body(70)
        volumes, exchanges = ([f"{pair[place]:.4g}" for pair in body.others] for place in (0, 1))
        numbers = [[f"{body.v1_l:.4g}"], [f"{body.cl_l_h:.4g}"], volumes, exchanges]
        assert [cell.split(", ") for cell in rows[model.name][3:7]] == numbers
        doi = re.search(r"doi:(\S+?)[,;]?( |$)", model.citation)
        assert doi is None or doi[1] in (ROOT / "docs/preview.md").read_text(encoding="utf-8")


def test_the_language_pages_units_are_read() -> None:
    from titrate import quantities

    for unit in ("mg/kg/h", "ug/kg/min", "mg/h", "mg/h/70kg", "mg/day", "mL/h"):
        assert parse_quantity(f"1 {unit}", quantities.RATE).value > 0
    for unit in ("mg/mL", "ug/mL", "mg/L"):
        assert parse_quantity(f"1 {unit}", quantities.CONCENTRATION).value > 0
    for unit in ["s", "min", "h", "hr", "d", "day"]:
        assert parse_quantity(f"2 {unit}", quantities.INTERVAL).value > 0
    for unit in ("year", "yr", "y", "month"):
        assert parse_quantity(f"2 {unit}", quantities.AGE).value > 0
    for unit in ("kg", "g"):
        assert parse_quantity(f"2000 {unit}" if unit == "g" else "2 kg", quantities.WEIGHT).value == 2


@pytest.mark.parametrize("block", commands(), ids=lambda block: " ".join(block[0].split()[:2]))
def test_the_readmes_commands_run_block_by_block(block: list[str], tmp_path: Path) -> None:
    prepare(tmp_path)
    for command in block:
        words = [TITRATE, *shlex.split(command, comments=True)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_the_first_hour_takes_every_command_from_the_readme() -> None:
    """So they are run by the test above, in this order."""
    run = [command for block in commands() for command in block]
    first_hour = [line for block in blocks("docs/first-hour.md", "sh") for line in block.splitlines()]
    assert [line for line in first_hour if line.startswith("titrate ") and line not in run] == []
    steps = [line.split()[1] for line in first_hour if line.startswith("titrate ")]
    assert steps == ["protocols", "plan", "play", "report"]
    setting_up = [line for line in first_hour if not line.startswith("titrate ")]
    readme = "".join(blocks("README.md", "sh")).splitlines()
    assert setting_up == [line for line in ("make run", ". .venv/bin/activate") if line in readme]


@pytest.mark.parametrize(
    "page", ["docs/a-dose.md", "docs/link.md", "docs/preview.md", "docs/records.md", "boards/pico/README.md"]
)
def test_names_in_the_pages_exist(page: str) -> None:
    found = names(page)
    assert found
    assert [name for name in found if not exists(name)] == []


@pytest.mark.parametrize(
    "page", ["README.md", *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))]
)
def test_links_between_the_pages_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [target for target in targets if not ((ROOT / page).parent / target).exists()] == []


def test_the_generated_pages_are_fresh() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools/make_docs.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
