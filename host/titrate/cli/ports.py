"""`titrate ports`: where pumps may be found."""

from titrate.cli import output


def ports(json: output.Json = False) -> None:
    """List the serial ports of this machine, and the simulated ones."""
    from titrate.ports import existing_ports, registered_urls

    found = [{"port": name, "description": description} for name, description in existing_ports()]
    found += [{"port": url, "description": description} for url, description in registered_urls()]
    if json:
        output.document(found)
        return
    for entry in found:
        output.results().print(f"{entry['port']:<16} {entry['description']}", markup=False, highlight=False)
