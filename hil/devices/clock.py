"""Twin of drivers/clock_rp2.py. Time stands still until somebody waits."""


class Clock:
    """now_us: device time since the bench was opened. horizon_us: nobody may wait beyond it."""

    def __init__(self, now_us: int, period_ms: int) -> None:
        self.now_us = now_us
        self.horizon_us = now_us
        self._period_us = period_ms * 1000
        self.restart()

    def restart(self) -> None:
        """The chip begins anew; device time goes on."""
        self._due_us = self.now_us + self._period_us
        self._last_us = self.now_us

    def remaining_ms(self) -> int:
        left_us = self._due_us - self.now_us
        return -(-left_us // 1000) if left_us > 0 else 0

    def advance(self) -> None:
        self._due_us += self._period_us
        if self._due_us <= self.now_us:
            self._due_us = self.now_us + self._period_us

    def elapsed_us(self) -> int:
        elapsed_us = self.now_us - self._last_us
        self._last_us = self.now_us
        return elapsed_us

    def pause_us(self, us: int) -> None:
        """The firmware sleeps for so long: beyond the horizon, too, as it cannot be woken."""
        self.now_us += us

    def wait(self, us: int) -> None:
        """Lets time pass, up to the horizon."""
        end_us = self.now_us + us
        if end_us <= self.horizon_us:
            self.now_us = end_us
        elif self.now_us < self.horizon_us:
            self.now_us = self.horizon_us
