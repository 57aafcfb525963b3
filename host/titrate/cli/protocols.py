"""`titrate protocols`: the protocol files that come with the package."""

from titrate.cli import output


def protocols(weight: output.Weight = None, json: output.Json = False) -> None:
    """List the packaged protocols, with their totals for a weight."""
    from rich.table import Table

    from titrate.protocol import Protocol
    from titrate.reading import packaged

    read = [Protocol.read(name) for name in packaged()]
    plans = [protocol.plan(weight) for protocol in read]
    if json:
        output.document(
            {
                "protocols": [
                    {
                        "name": plan.protocol,
                        "title": plan.title,
                        "citation": protocol.protocol.citation,
                        "weight_kg": float(plan.weight_kg),
                        "total_mg": float(plan.total_mg),
                        "total_ml": float(plan.total_ml),
                        "duration_s": float(plan.duration_s),
                    }
                    for protocol, plan in zip(read, plans, strict=True)
                ]
            }
        )
        return
    table = Table(box=None, caption=f"for {float(plans[0].weight_kg):g} kg; `titrate plan NAME` shows one in full")
    for heading in ("name", "title"):
        table.add_column(heading)
    for heading in ("hours", "mg", "mL"):
        table.add_column(heading, justify="right")
    for plan in plans:
        amounts = (plan.duration_s / 3600, plan.total_mg, plan.total_ml)
        table.add_row(plan.protocol, plan.title, *(f"{float(amount):.7g}" for amount in amounts))
    output.results().print(table)
