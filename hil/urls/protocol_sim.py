"""sim://: the firmware in this process."""

from hil.bench import Target
from hil.mechanics import Mechanics
from hil.targets.simulated import Simulated
from hil.urls.lockstep import LockstepSerial


class Serial(LockstepSerial):
    def make_target(self, mechanics: Mechanics, seed: int) -> Target:
        return Simulated(mechanics, seed=seed)
