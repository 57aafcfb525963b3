"""Keys: levels in, actions out. Debounced, held long enough, one at a time; knows neither pins nor what an action does.

- STOP acts on the first debounced press, whatever else is down (SR-STOP-02, SR-UI-07).
- Every other key must be held for PRESS_MS, and one long press counts once (SR-UI-14).
- Two keys at once are ignored, apart from STOP; a key found stuck counts for nothing until it is let go (SR-UI-07).
- Starting takes two different keys one after the other: START, and within CONFIRM_MS a press of MUTE. MUTE, because
  pressed too late it does no more than to pause a sound. With BOLUS in its place the hold rate is asked for: whoever
  meant a bolus gets less, not more. STOP, or the wait, calls it off.
- A key that is down at power-on counts for nothing until it was let go.

A press or a release is debounced when two samples in a row agree; the samples are the control tick's, and while
`unsettled` the loop may take more in between (elapsed_ms 0), 5 ms or more apart.
"""

STOP, START, BOLUS, MUTE = 1, 2, 4, 8  # keys and actions, one bit each
# Actions that no key means by itself. REFUSED: presses that were ignored, for the cue (SR-AUDIO-08).
REFUSED, HOLD = 16, 32

KEYS = (STOP, START, BOLUS, MUTE)
NAMES = ("stop", "start", "bolus", "mute")

PRESS_MS = 1000  # SR-UI-14
CONFIRM_MS = 5000
STUCK_MS = 60000  # SR-UI-13
RELEASE_MS = 200  # a press that has counted is over when the key was up for so long
_CREDIT_MS = 200  # two samples further apart say nothing of the time between them

_ALL = STOP | START | BOLUS | MUTE


class Keys:
    """down, stuck: keys, as bits. armed_ms: left for MUTE to confirm a start, or 0. unsettled: a second sample would
    decide something. busy: `update` has something to do even when no key is pressed.
    """

    def __init__(self) -> None:
        self.down = self._timed = self._spent = _ALL & ~STOP
        self.stuck = 0
        self.armed_ms = 0
        self.unsettled = False
        self.busy = True
        self._last = 0
        self._held_ms = [0, 0, 0, 0]
        self._up_ms = [0, 0, 0, 0]

    def update(self, elapsed_ms: int, levels: int) -> int:
        """One sample of the keys that are pressed; the actions that it decides, as bits. Allocates nothing."""
        actions = 0
        if self.armed_ms:
            self.armed_ms -= elapsed_ms
            if self.armed_ms <= 0:
                self.armed_ms = 0
                actions = REFUSED
        last = self._last
        self.unsettled = levels != last
        self.busy = (levels | last | self.down | self._spent | self.armed_ms) > 0
        if not self.busy:
            return actions
        self._last = levels
        down = (self.down | levels & last) & (levels | last)
        pressed = down & ~self.down
        self.down = down
        if pressed & STOP and not self._spent & STOP:
            actions |= STOP
            self._spent |= STOP
            self.armed_ms = 0
        others = down & ~self.stuck
        if others & (others - 1):  # more than one
            fresh = others & ~STOP & ~self._spent
            if fresh:
                self._spent |= fresh
                self.armed_ms = 0
                if not others & STOP:
                    actions |= REFUSED
        return actions | self._hold(elapsed_ms if elapsed_ms < _CREDIT_MS else _CREDIT_MS, levels)

    def _hold(self, elapsed_ms: int, levels: int) -> int:
        """Counts how long each key has been down, or up after a press that counted."""
        actions = 0
        for i in range(4):
            key = KEYS[i]
            if self.down & key:
                self._up_ms[i] = 0
                if not elapsed_ms:
                    continue
                if not self._timed & key:  # the press began at some time before this sample
                    self._timed |= key
                    self._held_ms[i] = 0
                    continue
                held_ms = self._held_ms[i]
                if held_ms <= STUCK_MS:
                    held_ms += elapsed_ms
                    self._held_ms[i] = held_ms
                    if held_ms > STUCK_MS:
                        self.stuck |= key
                        self._spent |= key
                if held_ms >= PRESS_MS and not self._spent & key:
                    self._spent |= key
                    actions |= self._count(key)
            else:
                self._timed &= ~key
                self._held_ms[i] = 0
                if self._spent & key and not levels & key:
                    self._up_ms[i] += elapsed_ms
                    if self._up_ms[i] >= RELEASE_MS:
                        self._spent &= ~key
                        self.stuck &= ~key
                        self._up_ms[i] = 0
                else:
                    self._up_ms[i] = 0
        return actions

    def _count(self, key: int) -> int:
        """What a press that was long enough means."""
        armed_ms = self.armed_ms
        self.armed_ms = 0
        if key == START:
            self.armed_ms = CONFIRM_MS
            return 0
        if armed_ms and key == MUTE:
            return START
        if armed_ms and key == BOLUS:
            return HOLD
        return key
