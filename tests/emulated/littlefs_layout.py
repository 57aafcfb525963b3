"""The flash of a pump's files, as MicroPython mounts it. A smaller cache cannot read the files inside the directory."""

from typing import Any

from hil.targets.emulated import BLOCK_BYTES, FLASH_BLOCKS

LAYOUT: Any = {
    "block_size": BLOCK_BYTES,
    "block_count": FLASH_BLOCKS,
    "prog_size": 256,
    "read_size": 32,
    "cache_size": 1024,
}
