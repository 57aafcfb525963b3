"""Where in a TOML file a value stands: the key path as people write it, and the line. Knows nothing of protocols."""

from collections.abc import Sequence

Path = tuple[str | int, ...]


def key_path(path: Sequence[str | int]) -> str:
    """("phase", 0, "for") as "phase[0].for"; the index counts from 0."""
    text = ""
    for item in path:
        text += f"[{item}]" if isinstance(item, int) else f".{item}" if text else item
    return text


def where(file: str, text: str, path: Sequence[str | int]) -> str:
    """File, line and key path of a value, as far as they are known."""
    line = line_of(text, path)
    place = f"{file} line {line}" if line else file
    return ", ".join(part for part in (place, key_path(path)) if part)


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """Line, from 1, of a key path, or of the nearest table around it that has a line of its own; None if none has."""
    lines = _lines(text)
    for length in range(len(path), 0, -1):
        if tuple(path[:length]) in lines:
            return lines[tuple(path[:length])]
    return None


def _lines(text: str) -> dict[Path, int]:
    """Key path of each table header and each plain key, with its line. Inside a multi-line string nothing counts."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    quoted = ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        for quotes in ('"""', "'''"):
            if quoted in ("", quotes) and stripped.count(quotes) % 2:
                quoted = "" if quoted else quotes
                break
        else:
            if quoted:
                continue
        if stripped.startswith("[") and "]" in stripped and "=" not in stripped.partition("]")[0]:
            is_array = stripped.startswith("[[")
            table = _table(stripped.strip("[").partition("]")[0], is_array, counts)
            lines.setdefault(table, number)
            lines.setdefault(table[:-1] if is_array else table, number)
        elif "=" in stripped and not stripped.startswith("#"):
            key = stripped.partition("=")[0].strip().strip("\"'")
            lines.setdefault((*table, *key.split(".")), number)
    return lines


def _table(header: str, is_array: bool, counts: dict[Path, int]) -> Path:
    """The key path of a header such as phase.phase, after counting it if it begins an element of an array."""
    names = [name.strip().strip("\"'") for name in header.split(".")]
    path: Path = ()
    for place, name in enumerate(names):
        path = (*path, name)
        if is_array and place == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path
