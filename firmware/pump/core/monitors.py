"""Samples in, conditions out: each monitor says whether its condition is true now. Thresholds are arguments.

They run in every control tick: small integers only, nothing is allocated.
"""


class Occlusion:
    """Outlet pressure above the threshold while the motor runs; over when it has fallen to half (SR-OCC-01)."""

    def __init__(self, threshold_pa: int) -> None:
        self._threshold_pa = threshold_pa
        self._release_pa = threshold_pa // 2
        self._active = False

    def update(self, running: bool, pressure_pa: int) -> bool:
        if self._active:
            self._active = pressure_pa > self._release_pa
        else:
            self._active = running and pressure_pa > self._threshold_pa
        return self._active


def motor_fault(due_steps: int, counted_steps: int, asked_steps: int) -> bool:
    """The pulse count must lie between the steps that are due and those handed over (SR-DIAG-14)."""
    return not due_steps <= counted_steps <= asked_steps


class Silence:
    """The host has been silent for too long. `heard` at each good line; time is what `update` is told."""

    def __init__(self, timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._silent_ms = 0

    def heard(self) -> None:
        self._silent_ms = 0

    def update(self, elapsed_ms: int) -> bool:
        self._silent_ms = min(self._silent_ms + elapsed_ms, self._timeout_ms)
        return self._silent_ms >= self._timeout_ms
