"""The board of tests/boards/breadboard on a bench: simulated, or the very image with this board's data in place."""

from pathlib import Path

from littlefs import LittleFS

from hil.bench import Bench, Target
from hil.boards import board_folder
from hil.mechanics import Mechanics
from hil.plant.data import plant_of
from hil.plugin import need_emulator
from hil.targets.emulated import FLASH_BLOCKS, Emulated
from hil.targets.simulated import Simulated
from hil.urls.lockstep import LockstepSerial

BOARD = "tests/boards/breadboard"


class BreadboardSerial(LockstepSerial):
    image: Path | None = None

    def make_target(self, mechanics: Mechanics, seed: int) -> Target:
        if self.image is None:
            return Simulated(mechanics, board=BOARD, seed=seed)
        return Emulated(mechanics, board=BOARD, filesystem=self.image, seed=seed)


def breadboard(bench_url: str, folder: Path, plant: str = "ideal") -> Bench:
    """A bench with this board; folder: for the emulated one's flash."""
    port = BreadboardSerial()
    if bench_url == "emu://":
        need_emulator()
        port.image = folder / "fs.img"
        files = LittleFS(block_size=4096, block_count=FLASH_BLOCKS, prog_size=256, read_size=256)
        for name, text in {
            "boot.py": "import board\n",
            "board.py": (board_folder(BOARD) / "board.py").read_text(),
        }.items():
            with files.open(name, "w") as file:
                file.write(text)
        port.image.write_bytes(bytes(files.context.buffer))
    assert plant_of(plant)
    port.port = f"{bench_url}?plant={plant}&seed=1"
    port.open()
    return port.bench
