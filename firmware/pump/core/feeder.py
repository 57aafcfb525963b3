"""Hands planned words to the step generator, never more than LEAD_US ahead, and knows which must be done by now.

If the loop hangs, what has been handed over is all that the motor will do (D3, SR-DIAG-05, SR-SAFE-01). Allocates
nothing.
"""

from pump.core.planner import RING, word
from pump.core.units import US_PER_TICK

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Any

    from pump.core.hardware import Stepper
    from pump.core.planner import Planner

LEAD_US = 245000  # the motor stops by itself within 250 ms of the last feed
SHORT_US = 110000  # four words may last less than a control period: then the loop feeds in between
NEVER_MS = 1000000
SLACK_US = 2000  # between the loop's idea of when the generator started and the truth
FIFO_WORDS = 4  # that wait in the generator, beside the one in work
MARGIN_STEPS = 2  # may be made between the look at the count and the halt
HALT_TICKS = 30  # what halting and starting take at most, beside what is lost of an interval


class Feeder:
    """lead_us: how long the generator will go on without another word. asked: steps handed over in this program.

    due: steps of the words that must be over by now; asked - due are in flight, and the pulse count lies between.
    starved: how often the generator ran dry while there was something to do. beats: how often it was fed (SR-DIAG-04).
    """

    def __init__(self, stepper: "Stepper") -> None:
        self._stepper = stepper
        self.starved = self.beats = 0
        self.begin(None, 0)

    def begin(self, planner: "Planner | None", asked: int) -> None:
        """Starts on a planner, or forgets one: nothing is with the generator."""
        self._planner: Any = planner  # asked for only while there is one
        self.lead_us = self._held_us = 0
        self._dry_us = 0  # for how long the generator has had nothing
        self.asked = self.due = asked

    def is_over(self) -> bool:
        """Whether all that could be planned has been made: the end, or the syringe's last step."""
        planner = self._planner
        return bool(planner.oldest == planner.tail and (planner.done or planner.dry))

    def needs_ms(self) -> int:
        """When the generator wants more words; NEVER_MS while what it holds will last a control period."""
        planner = self._planner
        if self.lead_us > SHORT_US or planner.head == planner.tail:
            return NEVER_MS
        return self.lead_us // 2000 + 1

    def elapse(self, us: int) -> None:
        """Lets time pass: words that must be over are counted as due."""
        lead = self.lead_us - us
        planner = self._planner
        if lead <= 0:
            if self.lead_us and not planner.done and not planner.dry:
                self.starved += 1
            self._dry_us -= lead
            lead = 0
        else:
            self._dry_us = 0
        self.lead_us = lead
        ticks = planner.ticks
        due = planner.oldest  # ring index of the oldest word that may still be in work
        head = planner.head
        held = self._held_us
        over = lead + SLACK_US - self._dry_us
        while due != head:
            left = held - ticks[due] * US_PER_TICK
            if left < over:
                break
            held = left
            self.due += planner.steps[due]
            due = (due + 1) & (RING - 1)
        planner.oldest = due
        self._held_us = held

    def feed(self) -> None:
        """Hands over words while the generator has room and the lead allows."""
        planner = self._planner
        self.beats = (self.beats + 1) & 0xFFFF
        i, tail = planner.head, planner.tail
        if i == tail:
            return
        stepper, column = self._stepper, planner.ticks
        before = lead = self.lead_us
        for _ in range(stepper.room()):
            ticks = column[i]
            us = lead + ticks * US_PER_TICK
            if i == tail or us > LEAD_US:
                break
            stepper.put(planner.words[i])
            lead = us
            self.asked += planner.steps[i]
            planner.ahead_ticks -= ticks
            i = (i + 1) & (RING - 1)
        planner.head = i
        self.lead_us = lead
        self._held_us += lead - before

    def ramp_down(self, counted: int) -> int:
        """Halts the generator, and lets it make a ramp's steps in place of what it held, `counted` by the odometer so
        far; microseconds until the last of them is made. 0 where there is no ramp, and nothing is done: it runs slowly
        enough, or what it holds is all but over, or slows down by itself.

        The ramp's steps are among those that were handed over: asked for, within every limit. Each interval is at least
        the one that was planned, so no step comes before its tick. The first is as long as those before it, but begins
        behind the halt, which may have cut off all but the end of one; the others are no shorter than the two together.
        """
        planner, stepper = self._planner, self._stepper
        column, numbers = planner.ticks, planner.steps
        held = FIFO_WORDS - stepper.room()
        i = (planner.head - 1 - held) & (RING - 1)  # ring index of the word in work
        if (i - planner.oldest) & (RING - 1) >= (planner.head - planner.oldest) & (RING - 1) or not numbers[i]:
            return 0
        pace: int = column[i] // numbers[i] + 1  # two words of a group differ by a tick
        if not planner.ramp or pace >= planner.ramp[-1]:
            return 0
        ramp = [pace] + [ticks for ticks in planner.ramp if ticks >= 2 * pace + HALT_TICKS]
        steps = self.asked - counted - MARGIN_STEPS
        slow = False
        for _ in range(held):
            i = (i + 1) & (RING - 1)
            slow = slow or column[i] > pace * numbers[i]
            if slow:
                steps -= numbers[i]
        ramp = ramp[: max(steps, 0)]
        if ramp:
            stepper.halt()
            for ticks in ramp:
                stepper.put(word(1, ticks))
            stepper.start()
        return sum(ramp) * US_PER_TICK

    def ramped(self, counted: int) -> None:
        """The ramp is made: infusion time stands where the last step was planned, so that nothing is to be made up."""
        planner = self._planner
        left = self.asked - counted
        lead = 0
        i = planner.head
        while left > 0 and i != planner.oldest:
            i = (i - 1) & (RING - 1)
            steps, ticks = planner.steps[i], planner.ticks[i]
            lead += ticks // steps * left if steps > left else ticks
            left -= steps
        self.lead_us = lead * US_PER_TICK
