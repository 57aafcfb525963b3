"""What alarms sound and look like: the patterns as data, and the annunciator that plays them (SR-AUDIO-*, SR-VIS-*).

The limits are those of IEC 60601-1-8 as far as one buzzer and three lights can keep them: pulses of 75-200 ms (high)
or 125-250 ms, spacing 50-125 ms or 125-250 ms, 2.5 s or more between bursts. Every time is a multiple of 100 ms, so
that all edges fall on control ticks and nothing but the loop times them: an edge is made at the tick nearest to it.
A tick may be 24 ms late before the tightest spacing leaves its limits; a pulse bears 50 ms.

The volume is fixed and nothing here lowers it (SR-AUDIO-02). Sound can be paused for MOST_MUTE_MS, never switched off.
"""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

NONE, LOW, MEDIUM, HIGH = 0, 1, 2, 3
RED, YELLOW, CYAN = 1, 2, 4  # lights, one bit each

MOST_MUTE_MS = 120000  # SR-AUDIO-05

_C, _D, _E, _G, _C_HIGH = 262, 294, 330, 392, 523
_FIVE = ((_C_HIGH, 100, 100), (_D, 100, 100), (_G, 100, 300), (_C_HIGH, 100, 100))

# A burst, by priority: (tone_hz, on_ms, off_ms) of each pulse; the last off_ms is the gap to the next burst
# (SR-AUDIO-01). The tunes are SR-AUDIO-03's: C d g - C d twice; C d g; e c.
BURSTS = (
    (),
    ((_E, 200, 200), (_C, 200, 16000)),
    ((_C_HIGH, 200, 200), (_D, 200, 200), (_G, 200, 5000)),
    _FIVE + ((_D, 100, 500),) + _FIVE + ((_D, 100, 5000),),
)

# The light, by priority: (light, period_ms, on_ms): SR-VIS-02. Low is steady.
FLASHES = (
    (0, 1000, 0),
    (CYAN, 1000, 1000),
    (YELLOW, 2000, 800),
    (RED, 500, 200),
)

# Steady beside the light of the priority while its sound is paused: SR-VIS-05. No priority shows these two by itself.
MUTED = (0, YELLOW, CYAN, CYAN)

# A refused input: one pulse that is in no tune, kept out of the bursts: SR-AUDIO-08.
CUE: "Final" = (880, 100, 100)

# A soft limit is overridden: whatever the cyan light shows, it shows the opposite for so long, so often: SR-LIB-08.
MARK_EVERY_MS, MARK_MS = 4000, 200

_LEAD_MS = 200  # silence where one priority's burst breaks off another's
_NEAREST_MS = 50  # half a control period: an edge that is due sooner than this is made now
_LONGEST_MS = 1000  # a loop that was away for longer goes on from here, not from where it would have been


class Annunciator:
    """tone_hz (0: silent) and lights (bits) are what buzzer and lights must show; `update` says when they change.

    priority: the highest in force, 0 to 3. muted_ms: time left of a sound pause, 0 without one. hushed: a person has
    pressed Stop, and the alarms that were in force make no more sound (SR-AUDIO-07). busy: there is something to play;
    while there is not, `update` need not be called.
    """

    def __init__(self) -> None:
        self.priority = NONE
        self.muted_ms = 0
        self.hushed = False
        self.tone_hz = 0
        self.lights = 0
        self._mute_by_link = False
        self.busy = False
        self._fresh = False  # the burst begins at the next update
        self._pulse = 0
        self._sounding = False
        self._left_ms = 0  # of the pulse, or of the silence behind it
        self._burst_tone_hz = 0
        self._flash_ms = 0  # since the light's period began; below 0: it begins at the next update
        self._cue_asked = False
        self._cue_ms = 0  # left of the cue and of the silence behind it
        self._marked = False
        self._mark_ms = 0  # since the last mark began
        self._exercise_ms = 0  # left of what a person wants to see while there is no alarm
        self._exercise_hz = self._exercise_lights = 0

    def set(self, priority: int, new: bool = False) -> None:
        """The highest priority in force; new: an alarm has been raised, which ends every silence (SR-AUDIO-05)."""
        if new or not priority:
            self._fresh = self._fresh or self.muted_ms > 0 or self.hushed
            self.muted_ms = 0
            self.hushed = False
        if priority != self.priority:
            self.priority = priority
            self._fresh = True
            self._flash_ms = -1
        self.busy = True

    def mark(self, on: bool) -> None:
        """Whether the program under way has an overridden limit, which the lamp repeats (SR-LIB-08)."""
        if on != self._marked:
            self._marked = on
            self._mark_ms = 0
            self.busy = True

    def mute(self, ms: int, by_link: bool = False) -> bool:
        """Pauses the sound of the alarms in force; False where that is refused: nothing sounds, or the pause has no
        end, or one too far away (SR-AUDIO-05, SR-AUDIO-06). by_link: it ends when the link is lost."""
        if not self.priority or self.hushed or not 0 < ms <= MOST_MUTE_MS:
            return False
        self.muted_ms = ms
        self._mute_by_link = by_link
        return True

    def unmute(self) -> None:
        """Ends a sound pause early; what is in force sounds from the begin of its burst."""
        if self.muted_ms:
            self.muted_ms = 0
            self._fresh = True

    def link_lost(self) -> None:
        """A pause that was asked for over the link ends with it (SR-LINK-07)."""
        if self._mute_by_link:
            self.unmute()

    def stopped(self) -> None:
        """A person has pressed Stop: the alarms in force fall silent, and the next one sounds (SR-AUDIO-07)."""
        self.muted_ms = 0
        self.hushed = self.priority != NONE

    def refuse(self) -> None:
        """Makes the cue of a refused input, as soon as no burst is in the way; one at a time (SR-AUDIO-08)."""
        if not self._cue_ms:
            self._cue_asked = True
            self.busy = True

    def exercise(self, tone_hz: int, lights: int, ms: int) -> None:
        """Shows these for a while, for whoever checks the outputs; an alarm ends it at once."""
        self._exercise_hz, self._exercise_lights, self._exercise_ms = tone_hz, lights, ms
        self.busy = True

    def update(self, elapsed_ms: int) -> bool:
        """Lets time pass; whether tone_hz or lights have changed. Once in every control tick; allocates nothing."""
        if not self.busy:
            return False
        priority = self.priority
        if self.muted_ms:
            self.muted_ms -= elapsed_ms
            if self.muted_ms <= 2 * _NEAREST_MS:  # the next tick might be too late
                self.muted_ms = 0
                self._fresh = True
        if elapsed_ms > _LONGEST_MS:
            elapsed_ms = _LONGEST_MS
        if self._fresh:
            self._begin(priority)
        else:
            self._left_ms -= elapsed_ms
        if priority:
            self._play(BURSTS[priority])
        silenced = self.muted_ms or self.hushed
        tone_hz = 0 if silenced else self._burst_tone_hz
        if self._cue_ms:
            self._cue_ms -= elapsed_ms
            if self._cue_ms < _NEAREST_MS:
                self._cue_ms = 0
            elif self._cue_ms >= CUE[2] + _NEAREST_MS:
                tone_hz = CUE[0]
        elif self._cue_asked and (silenced or not priority or self._in_gap(BURSTS[priority])):
            self._cue_asked = False
            self._cue_ms = CUE[1] + CUE[2]
            tone_hz = CUE[0]
        lights = self._shine(FLASHES[priority], elapsed_ms)
        if self.muted_ms:
            lights |= MUTED[priority]
        if self._marked:
            self._mark_ms = (self._mark_ms + elapsed_ms) % MARK_EVERY_MS
            if self._mark_ms < MARK_MS:
                lights ^= CYAN
        if self._exercise_ms:
            self._exercise_ms = 0 if priority else max(self._exercise_ms - elapsed_ms, 0)
            if self._exercise_ms:
                tone_hz, lights = self._exercise_hz, self._exercise_lights
        self.busy = priority > 0 or self._cue_ms > 0 or self._marked or self._exercise_ms > 0
        if tone_hz == self.tone_hz and lights == self.lights:
            return False
        self.tone_hz = tone_hz
        self.lights = lights
        return True

    def _begin(self, priority: int) -> None:
        """The burst from its first edge. A pulse that sounds now is kept apart from the first one by a silence."""
        self._fresh = False
        self._pulse = len(BURSTS[priority]) - 1
        self._left_ms = _LEAD_MS if self.tone_hz else 0
        self._sounding = False
        self._burst_tone_hz = 0

    def _play(self, burst: tuple[tuple[int, int, int], ...]) -> None:
        while self._left_ms < _NEAREST_MS:
            if self._sounding:
                self._sounding = False
                self._burst_tone_hz = 0
                self._left_ms += burst[self._pulse][2]
            else:
                self._sounding = True
                self._pulse += 1
                if self._pulse >= len(burst):
                    self._pulse = 0
                self._burst_tone_hz = burst[self._pulse][0]
                self._left_ms += burst[self._pulse][1]

    def _in_gap(self, burst: tuple[tuple[int, int, int], ...]) -> bool:
        """Whether a cue fits between this burst and the next with a silence before and behind it."""
        last = len(burst) - 1
        if self._sounding or self._pulse != last:
            return False
        return CUE[1] + _LEAD_MS <= self._left_ms <= burst[last][2] - _LEAD_MS

    def _shine(self, flash: tuple[int, int, int], elapsed_ms: int) -> int:
        if self._flash_ms < 0:
            self._flash_ms = _NEAREST_MS
        else:
            self._flash_ms = (self._flash_ms + elapsed_ms) % flash[1]
        return flash[0] if self._flash_ms < flash[2] else 0
