"""Checks the data of every board, or of those named: parts, pins and gear. Exit code 1 with a line for each fault."""

import sys

from hil.boards import board_names
from hil.wiring import faults


def main(names: list[str]) -> int:
    found = [fault for name in names or board_names() for fault in faults(name)]
    for fault in found:
        print(fault, file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
