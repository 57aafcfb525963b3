"""`titrate version`: which build this is, and which message tables it speaks."""

import platform

from titrate.cli import output


def version(json: output.Json = False) -> None:
    """Show the version of this program and of the link it speaks."""
    from pump.core import wire

    facts = {"version": wire.VERSION, "wire": wire.table_digest(), "python": platform.python_version()}
    if json:
        output.document(facts)
    else:
        output.results().print(f"titrate {wire.VERSION}, link tables {facts['wire']}", highlight=False)
