"""The packaged protocols, and protocol files of your own: list, show, new, validate, schema. Every one takes --json."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from titrate.cli import output

if TYPE_CHECKING:
    from rich.console import Console

    from titrate.plan import Plan
    from titrate.protocol import Protocol


WIDE = 120  # columns that the list's table needs


def completed(incomplete: str) -> list[str]:
    """For the shell's completion: packaged names and TOML files that begin so."""
    from titrate.reading import packaged

    names = [name for name in packaged() if name.startswith(incomplete)]
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    files = sorted(str(path) for path in folder.glob("*.toml")) if folder.is_dir() else []
    return names + [name for name in files if name.startswith(incomplete)]


File = Annotated[
    str,
    typer.Argument(metavar="FILE_OR_NAME", help="A protocol file, or a packaged name.", autocompletion=completed),
]


def default(context: typer.Context, weight: output.Weight = None, json: output.Json = False) -> None:
    """List the packaged protocols: title, basis of the doses, duration, totals for a weight."""
    if context.invoked_subcommand:
        return
    from titrate.protocol import Protocol
    from titrate.reading import packaged

    read = [Protocol.read(name) for name in packaged()]
    plans = [protocol.plan(weight) for protocol in read]
    if json:
        output.document({"protocols": [_facts(*both) for both in zip(read, plans, strict=True)]})
    else:
        _list(read, plans)


def show(
    file: File,
    weight: output.Weight = None,
    age: output.Age = None,
    toml: Annotated[bool, typer.Option("--toml", help="Write the protocol as a file again, in one order.")] = False,
    json: output.Json = False,
) -> None:
    """Tell in sentences what a protocol gives, what follows for a subject, and what is assumed or doubtful."""
    from titrate import prose
    from titrate.errors import ProtocolError
    from titrate.protocol import Protocol

    protocol = Protocol.read(file)
    if toml and json:
        raise ProtocolError("--toml", "--json beside it", "one of the two")
    if toml:
        typer.echo(protocol.toml(), nl=False)
        return
    plan = protocol.plan(_some_weight(protocol) if weight is None else weight, age=age)
    told = prose.sections(protocol, plan)
    if json:
        sections = [{"heading": heading, "text": paragraphs} for heading, paragraphs in told if paragraphs]
        output.document(_facts(protocol, plan) | {"sections": sections, "toml": protocol.toml()})
        return
    console = output.results()
    console.print(f"{protocol.protocol.name}: {protocol.protocol.title}", style="bold", markup=False, highlight=False)
    for heading, paragraphs in told:
        if paragraphs and heading:
            console.print(f"\n{heading}", style="bold", markup=False, highlight=False)
        for paragraph in paragraphs:
            _paragraph(console, paragraph)


def new(
    file: Annotated[Path, typer.Argument(help="The file to write, such as mine.toml.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    json: output.Json = False,
) -> None:
    """Write a protocol file to begin with: it is valid as it stands, and explains every key."""
    from titrate import starting

    name = starting.write(file, force)
    if json:
        output.document({"file": str(file), "name": name})
    else:
        line = f"{file} is written. Change it, then: titrate protocols validate {file}"
        output.results().print(line, markup=False, highlight=False, soft_wrap=True)


def validate(file: File, weight: output.Weight = None, age: output.Age = None, json: output.Json = False) -> None:
    """Check a protocol file, and that it can be planned. Exit code 0 if it is good, 2 if not."""
    from titrate.protocol import Protocol

    protocol = Protocol.read(file)
    plan = protocol.plan(_some_weight(protocol) if weight is None else weight, age=age)
    output.warnings(plan.warnings)
    if json:
        facts = {"file": file, "valid": True, "phases": len(plan.phases), "warnings": list(plan.warnings)}
        output.document(facts | _facts(protocol, plan))
    else:
        totals = f"{float(plan.total_mg):.7g} mg in {float(plan.total_ml):.7g} mL for {float(plan.weight_kg):g} kg"
        line = f"{file} is valid: {protocol.protocol.name}, {_phases(plan)}, {totals}"
        output.results().print(line, markup=False, highlight=False, soft_wrap=True)


def schema(json: output.Json = False) -> None:
    """Print the JSON Schema of protocol files, for editors."""
    from titrate.schema import schema

    output.document(schema())


def _facts(protocol: "Protocol", plan: "Plan") -> dict[str, Any]:
    return {
        "name": plan.protocol,
        "title": plan.title,
        "citation": protocol.protocol.citation,
        "basis": protocol.basis,
        "weight_kg": float(plan.weight_kg),
        "total_mg": float(plan.total_mg),
        "total_ml": float(plan.total_ml),
        "duration_s": float(plan.duration_s),
        "flowing_s": float(plan.flowing_s),
    }


def _phases(plan: "Plan") -> str:
    return "1 phase" if len(plan.phases) == 1 else f"{len(plan.phases)} phases"


def _some_weight(protocol: "Protocol") -> str | None:
    """A weight for a protocol that has none of its own; None where it has."""
    subject = protocol.subject
    if subject.weight:
        return None
    return subject.weight_range.from_.text if subject.weight_range else "70 kg"


def _list(read: "list[Protocol]", plans: "list[Plan]") -> None:
    from titrate.prose import span

    console = output.results()
    both = list(zip(read, plans, strict=True))
    if console.width >= WIDE:
        _table(console, both)
    else:
        for protocol, plan in both:
            amounts = f"{float(plan.total_mg):.7g} mg in {float(plan.total_ml):.7g} mL, {span(plan.duration_s)}"
            console.print(f"{plan.protocol}  ({protocol.basis})", style="bold", markup=False, highlight=False)
            console.print(f"  {plan.title}\n  {amounts}", markup=False, highlight=False, soft_wrap=True)
    weight = f"for {float(plans[0].weight_kg):g} kg; `titrate protocols show NAME` explains one"
    console.print(weight, markup=False, highlight=False, soft_wrap=True)


def _table(console: "Console", both: "list[tuple[Protocol, Plan]]") -> None:
    from rich.table import Table

    from titrate.prose import span

    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("title")
    table.add_column("basis")
    for heading in ("takes", "flowing h", "mg", "mL"):
        table.add_column(heading, justify="right", no_wrap=True)
    for protocol, plan in both:
        amounts = (plan.flowing_s / 3600, plan.total_mg, plan.total_ml)
        numbers = [f"{float(amount):.7g}" for amount in amounts]
        table.add_row(plan.protocol, plan.title, protocol.basis, span(plan.duration_s), *numbers)
    console.print(table)


def _paragraph(console: "Console", text: str) -> None:
    """A paragraph, its further lines as deep as its first."""
    from textwrap import fill

    indent = " " * (len(text) - len(text.lstrip()) + 2)
    told = fill(text.strip(), console.width, initial_indent=indent, subsequent_indent=indent)
    console.print(told, markup=False, highlight=False, soft_wrap=True)


protocols = (default, show, new, validate, schema)
