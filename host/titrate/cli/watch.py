"""`titrate watch`: follows a pump that is at work already, and asks nothing of it."""

import time
from contextlib import ExitStack

import typer

from titrate.cli import output


def watch(port: output.Port, record: output.Record = None, logs: output.Logs = None, json: output.Json = False) -> None:
    """Follow an infusion until it ends. Ctrl-C ends the watching; the pump goes on."""
    from titrate.cli.live import View
    from titrate.cli.play import show
    from titrate.client import Pump
    from titrate.following import program_held
    from titrate.following import watch as follow
    from titrate.record import Recorder

    begun_s = time.perf_counter()
    with ExitStack() as stack:
        pump = stack.enter_context(Pump.open(port))
        status = pump.status()
        if status["state"] in ("BOOT", "IDLE", "READY"):
            if json:
                output.document(status)
            else:
                output.results().print(f"{port}: nothing is under way, the pump is {status['state']}", highlight=False)
            return
        program = program_held(pump)
        view = stack.enter_context(View(program.plan, "watching only: Ctrl-C ends it, and the pump goes on"))
        recorder = stack.enter_context(Recorder(record)) if record else None
        done = follow(pump, program, view.see, view.tell, recorder)
        wall_seconds = time.perf_counter() - begun_s
        if recorder:
            recorder.end(done.as_json(wall_seconds))
        if logs:
            output.collect_log(pump, logs)
    if recorder:
        output.recorded(recorder)
    if json:
        output.document(done.as_json(wall_seconds))
    else:
        show(done, wall_seconds)
    if done.outcome not in ("complete", "running"):
        raise typer.Exit(1)
