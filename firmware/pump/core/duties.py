"""Whether the loop still does what the watchdog is fed for: monitoring, handing over steps, planning (SR-DIAG-04)."""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.feeder import Feeder
    from pump.core.infusion import Infusion


class Duties:
    """Each duty counts its own beats; what is kept here are those of the last look. Allocates nothing."""

    def __init__(self) -> None:
        self._watched = self._fed = self._planned = -1

    def went_on(self, watched: int, feeder: "Feeder", course: "Infusion | None") -> bool:
        """Whether the monitors looked since the last time and, while a course runs, feeder and planner were asked."""
        went_on = watched != self._watched
        self._watched = watched
        if course:
            fed, planned = feeder.beats, course.planner.beats
            went_on = went_on and fed != self._fed and planned != self._planned
            self._fed, self._planned = fed, planned
        return went_on
