"""The board of tests/boards/breadboard on a bench: simulated, or the very image with this board's data in place."""

from pathlib import Path

from hil.bench import Bench, Target
from hil.boards import board_folder
from hil.instruments.errors import InstrumentMissing
from hil.mechanics import Mechanics
from hil.plugin import need_emulator
from hil.targets.simulated import Simulated
from hil.urls.lockstep import LockstepSerial
from tools.bench.scripted import scripted

BOARD = "tests/boards/breadboard"


class SimulatedSerial(LockstepSerial):
    def make_target(self, mechanics: Mechanics, seed: int) -> Target:
        return Simulated(mechanics, board=BOARD, seed=seed)


def breadboard(bench_url: str, folder: Path, script: str = "") -> Bench:
    """A bench with this board; InstrumentMissing on a real one, which has a board of its own.

    folder: for the emulated one's flash; script: what runs there before the firmware.
    """
    if bench_url not in ("sim://", "emu://"):
        raise InstrumentMissing(f"bench {bench_url}", "it has its own board: this test brings a simulated one")
    if bench_url == "emu://":
        need_emulator()
        data = (board_folder(BOARD) / "board.py").read_text()
        return scripted(folder / "fs.img", {"board.py": data, "boot.py": f"import board\n{script}"}, board=BOARD).bench
    port = SimulatedSerial()
    port.port = bench_url
    port.open()
    return port.bench
