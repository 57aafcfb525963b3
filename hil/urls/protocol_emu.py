"""emu://: the real image on an emulated RP2040."""

from serial import SerialException

from hil.bench import Target
from hil.mechanics import Mechanics
from hil.targets.emulated import Emulated, EmulatorMissing
from hil.urls.lockstep import LockstepSerial


class Serial(LockstepSerial):
    def make_target(self, mechanics: Mechanics, seed: int) -> Target:
        try:
            return Emulated(mechanics, seed=seed)
        except EmulatorMissing as error:
            raise SerialException(str(error)) from error
