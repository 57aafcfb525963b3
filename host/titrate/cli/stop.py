"""`titrate stop`: ends whatever a pump is doing. Legal in every state."""

from titrate.cli import output


def stop(port: output.Port, json: output.Json = False) -> None:
    """Stop a pump and end its program."""
    from titrate.client import Pump

    with Pump.open(port) as pump:
        pump.stop()
        status = pump.status()
    if json:
        output.document(status)
    else:
        delivered = f"{status['counted_nl'] / 1e6:.4f} mL counted"
        output.results().print(f"stopped: {status['state']}, {delivered}", highlight=False)
