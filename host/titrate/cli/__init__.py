"""The command line: `titrate plan`, `titrate play` and the rest, one module a command. This file only gathers them.

A command is a function of its name; a tuple of that name holds the commands of a group, and one of them that is called
`default` is what the group does by itself. A command may raise any PumpError: that becomes one line on stderr and the
exit code of the error's class. Modules import what is heavy inside their function, so that --help answers at once.
"""

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from titrate import hands
from titrate.cli import output
from titrate.errors import PumpError

# command: its module
COMMANDS = {
    "plan": "plan",
    "play": "play",
    "watch": "watch",
    "report": "report",
    "status": "status",
    "prime": "filling",
    "refill": "filling",
    "pause": "control",
    "resume": "control",
    "stop": "control",
    "fluid": "control",
    "hold": "control",
    "bolus": "control",
    "adjust": "control",
    "ack": "control",
    "mute": "control",
    "protocols": "protocols",
    "library": "library",
    "settings": "settings",
    "operators": "operators",
    "clear": "settings",
    "log": "log",
    "calibrate": "calibrate",
    "selftest": "selftest",
    "ports": "ports",
    "version": "version",
}

UsageError: Any = typer.BadParameter.__base__  # which Typer does not name; of a command line that does not parse


class Commands(TyperGroup):
    """All commands. With --json a command line that does not parse is a document as well."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta["words"] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            if "--json" in ctx.meta["words"]:
                output.error_document(type(error).__name__, error.format_message(), error.exit_code)
            raise


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Plays protocol files to an infusion pump. A bench and research device: not a medical device, never for use "
    "on people or animals.",
)


@app.callback()
def banner() -> None:
    """Makes even a single command a subcommand."""


def reporting(command: Callable[..., None]) -> Callable[..., None]:
    """The command with PumpErrors reported: one line on stderr, with --json a document too, and their exit code. An
    OSError that comes as far as this is of stdout or stderr."""

    @wraps(command)
    def reported(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except PumpError as error:
            output.failure(error, bool(options.get("json")))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            raise typer.Abort from None  # 1, as at a question
        except BrokenPipeError:
            raise  # whoever reads has seen enough; Typer ends it
        except OSError as error:
            raise typer.Exit(output.unwritten(error)) from None

    return reported


for name, place in COMMANDS.items():
    module = import_module(f"titrate.cli.{place}")
    command = getattr(module, name)
    if callable(command):
        app.command(name)(reporting(command))
    else:
        alone = [member for member in command if member.__name__ == "default"]
        group = typer.Typer(no_args_is_help=not alone, help=module.__doc__)
        for member in alone:
            group.callback(invoke_without_command=True, help=module.__doc__)(reporting(member))
        for member in command:
            if member not in alone:
                group.command(member.__name__)(reporting(member))
        app.add_typer(group, name=name)

hands.ask = output.ask_for_hands


def main() -> None:
    """Entry point of the `titrate` script."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # it was closed by whoever started this
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  # until the end
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)  # what Ctrl-C stops, they stop
    app(prog_name="titrate")
