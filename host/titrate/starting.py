"""A protocol file to begin with: the packaged template under a name of its own."""

import re
from importlib.resources import files
from pathlib import Path

from titrate.errors import ProtocolError


def write(file: Path, force: bool) -> str:
    """Writes the template to a file; the name that the protocol got. Raises ProtocolError."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.name.removesuffix(".toml")).strip("-._")[:60] or "protocol"
    text = (files("titrate") / "templates" / "protocol.toml").read_text(encoding="utf-8")
    text = text.replace('name = "NAME"', f'name = "{name}"', 1)
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ProtocolError("protocols new", file, "a file that is not there yet, or --force") from None
    except (OSError, ValueError) as error:
        raise ProtocolError("protocols new", file, f"a file that can be written ({error})") from None
    return name
