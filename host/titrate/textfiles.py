"""Files that people write, as text: a path or the name of a packaged one; small, UTF-8, TOML. Knows no content.

Some editors begin a text in UTF-8 with a byte order mark; it is passed over.
"""

import re
import tomllib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from titrate.errors import ProtocolError

LARGEST_BYTES = 1_000_000
ENCODING = "utf-8-sig"


def packaged(folder: str) -> list[str]:
    """Names of the files that come with the package in a folder of it, sorted."""
    found = (files("titrate") / folder).iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in found if entry.name.endswith(".toml"))


def text_of(file_or_name: str | Path, folder: str, what: str) -> str:
    """The text of a file, or of the packaged one of that name. Raises ProtocolError; `what` names the kind of file."""
    place: Path | Traversable = Path(file_or_name)
    if str(file_or_name) in packaged(folder) and not place.is_file():
        place = files("titrate") / folder / f"{file_or_name}.toml"
    try:
        if not place.is_file():
            raise ProtocolError(what, file_or_name, f"a file, or one of {', '.join(packaged(folder))}")
        with place.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ProtocolError):
            raise
        raise ProtocolError(what, file_or_name, f"a file that can be read ({error})") from None
    if len(data) > LARGEST_BYTES:
        raise ProtocolError(str(file_or_name), "the file", f"at most {LARGEST_BYTES} bytes")
    try:
        return data.decode(ENCODING)
    except UnicodeDecodeError as error:
        raise ProtocolError(str(file_or_name), "the file", f"a text in UTF-8 ({error.reason})") from None


def document_of(text: str, file: str) -> dict[str, Any]:
    """The TOML document in a text. Raises ProtocolError, with the line as far as it is known."""
    text = text.replace("\r\n", "\n")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        complaint = " ".join(str(error).split())
        place = re.search(r"\(at line (\d+), column (\d+)\)", complaint)
        where = file
        if place:
            where = f"{file} line {place[1]}, column {place[2]}"
        elif "at end of document" in complaint:
            where = f"{file} line {text.count(chr(10)) + 1}"
        allowed = f"TOML, where every text and every quantity stands in quotes ({complaint})"
        raise ProtocolError(where, "the file", allowed) from None
