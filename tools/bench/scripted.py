"""The emulated pump with a script in its flash that runs before main.py: the firmware looked at from inside."""

from pathlib import Path

from littlefs import LittleFS

from hil.bench import DEFAULT_SYRINGE, Target
from hil.mechanics import Mechanics
from hil.targets.emulated import FLASH_BLOCKS, Emulated
from hil.urls.lockstep import LockstepSerial


class ScriptedSerial(LockstepSerial):
    """emu:// with a littlefs image; keeps all that the chip has said. uf2: another image than the firmware's.
    board: whose parts are at the pins."""

    files: Path
    uf2: Path | None = None
    board = "pico"
    said = b""

    def make_target(self, mechanics: Mechanics, seed: int) -> Target:
        return Emulated(mechanics, self.board, filesystem=self.files, image=self.uf2, seed=seed)

    def read(self, size: int = 1) -> bytes:
        data = super().read(size)
        self.said += data
        return data

    def drain(self) -> bytes:
        """All that has been said so far."""
        while self.in_waiting:
            self.read(self.in_waiting)
        return self.said


def scripted(
    path: Path,
    files: dict[str, str | bytes],
    uf2: Path | None = None,
    board: str = "pico",
    syringe: str = DEFAULT_SYRINGE,
) -> ScriptedSerial:
    """A powered board whose littlefs, made at `path`, holds these files; boot.py runs first."""
    image = LittleFS(block_size=4096, block_count=FLASH_BLOCKS, prog_size=256, read_size=256)
    for name, content in files.items():
        if "/" in name:
            image.makedirs(name.rpartition("/")[0], exist_ok=True)
        with image.open(name, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    path.write_bytes(bytes(image.context.buffer))
    port = ScriptedSerial()
    port.files, port.uf2, port.board = path, uf2, board
    port.port = f"emu://?syringe={syringe}"
    port.open()
    return port
