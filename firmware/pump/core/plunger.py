"""Where the pulses have brought the plunger: the odometer counts them whichever way they go."""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.hardware import Motor


class Plunger:
    """starts, on, backward: how the motor is driven. It is on until it has been halted, a moment after the controller's
    `course` says so; backward is that of the last start, for DIR stays."""

    def __init__(self) -> None:
        self.starts = 0
        self.on = self.backward = False
        self._back_steps = 0  # pulses that went back before this start
        self._start_steps = 0  # the odometer at it

    def begun(self, backward: bool, total_steps: int) -> None:
        """The motor is about to run, with the odometer at total_steps."""
        self.starts += 1
        self.on, self.backward = True, backward
        self._start_steps = total_steps

    def halted(self, total_steps: int) -> None:
        """The motor has just been turned off."""
        self._back_steps += self.under_way_back(total_steps)
        self.on = False

    def under_way_back(self, total_steps: int) -> int:
        """Pulses since the start of a motor that runs backward."""
        return total_steps - self._start_steps if self.on and self.backward else 0

    def steps(self, total_steps: int) -> int:
        """Pulses forward minus backward, since power-on."""
        return total_steps - 2 * (self._back_steps + self.under_way_back(total_steps))

    def motor(self) -> "Motor":
        """How it is driven now; another one as soon as anything of it has changed."""
        return self.starts, self.on, self.backward
