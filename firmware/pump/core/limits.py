"""What an entry of the drug library allows: a program before it starts, a bolus when it is asked for, the hold rate.

Exact integers: both sides of a comparison are multiplied out, so that nothing is rounded before the verdict. A value
in a finding is rounded away from its limit, and only for people.

A finding is (field of the entry, severity, phase or -1, value, limit, requirement). `hard` refuses. `soft` refuses
until a person has confirmed that very value: overrides are [field, value] pairs, and make the finding `overridden`,
which is to be logged and shown (SR-LIB-07, SR-LIB-08).
"""

from pump.core.law import BEGIN_PL_H, DURATION_MS, END_PL_H, KIND
from pump.core.ledger import MOST_STEPS
from pump.core.library import REDUCE, WINDOWS_H
from pump.core.units import G_PER_KG, MS_PER_H, PL_PER_ML, PL_PER_NL

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.hardware import Message, Phase

    Finding = tuple[str, str, int, int, int, str]
    Overrides = list[list[int | str]]

HARD, SOFT, OVERRIDDEN = "hard", "soft", "overridden"
TIMED_BOLUS_MOST_MS = 6 * MS_PER_H  # SR-BOLUS-12
KVO_MOST_NL_H = 1000000  # SR-KVO-01, SR-KVO-02

PIECES_PER_TURN = 40  # of phases, for each window: below 100 ms on the chip

_PER_KG = PL_PER_ML // G_PER_KG  # ng/kg = pL x ng/mL / (g x this)


class ProgramCheck:
    """The limits of an entry against a program, phase by phase as it comes in, so that no call takes long.

    header: of wire.PROGRAM. `add` every phase in order, `turn` until it is true, then ask for `findings`.
    """

    def __init__(self, entry: "Message", header: "Message") -> None:
        self._entry = entry
        self._header = header
        # Worst so far, each (value, phase): rates in pL/h, a loading dose in pL/h x ms, lengths in ms.
        self._fastest = self._slowest = self._loading_most = self._loading_least = (-1, -1)
        self._loading_fastest = self._loading_slowest = self._longest = (-1, -1)
        self._phases: "list[Phase]" = []
        self._windows = [Window(self._phases, hours * MS_PER_H) for hours in WINDOWS_H]

    def add(self, phases: list["Phase"]) -> None:
        """Takes in the next phases, as program.py has found them good."""
        for phase in phases:
            index = len(self._phases)
            self._phases.append(phase)
            kind: str = phase[KIND]
            duration_ms: int = phase[DURATION_MS]
            begin: int = phase[BEGIN_PL_H]
            end: int = phase[END_PL_H]
            if kind != "pause":
                self._longest = _more(self._longest, duration_ms, index)
            if kind == "bolus":
                self._loading_most = _more(self._loading_most, begin * duration_ms, index)
                self._loading_least = _less(self._loading_least, begin * duration_ms, index)
                self._loading_fastest = _more(self._loading_fastest, begin, index)
                self._loading_slowest = _less(self._loading_slowest, begin, index)
            elif kind != "pause":
                for rate in (begin, end):
                    self._fastest = _more(self._fastest, rate, index)
                    if rate or not begin + end:  # a ramp may begin or end at rest
                        self._slowest = _less(self._slowest, rate, index)

    def turn(self, pieces: int = PIECES_PER_TURN) -> bool:
        """Goes on with the dose windows by a bounded piece of work; whether they are through with what was added."""
        done = True
        for window in self._windows:
            done = window.turn(pieces) and done
        return done

    def findings(self, overrides: "Overrides" = []) -> "list[Finding]":  # noqa: B006  # never changed
        """Everything at which the program is beyond the entry; a limit is named once, with the worst value.

        Makes all the turns that are left: up to a second for the largest program, unless `turn` has made them before.
        """
        while not self.turn():
            pass
        entry, header = self._entry, self._header
        concentration: int = header["concentration_ng_ml"]
        per_kg: int = header["weight_g"] * _PER_KG  # times a dose in ng/kg: pL x ng/mL
        found: "list[Finding]" = []
        _above(found, entry, ("concentration_high_ng_ml",), (concentration, -1), 1, 1, "SR-DOSE-06")
        _below(found, entry, ("concentration_low_ng_ml",), (concentration, -1), 1, 1, "SR-DOSE-06")
        _check_rates(found, entry, header, self._slowest, self._fastest)
        for stem, unit, least, most, scale, divisor in (
            ("loading", "ng_kg", self._loading_least, self._loading_most, concentration, per_kg * MS_PER_H),
            ("loading_rate", "nl_h", self._loading_slowest, self._loading_fastest, 1, PL_PER_NL),
        ):
            _within(found, entry, stem, unit, least, most, scale, divisor)
        _above(found, entry, ("longest_phase_ms",), self._longest, 1, 1, "SR-RATE-06")
        total = (self._windows[0].total, -1)
        _above(found, entry, ("total_high_nl",), total, 1, 2 * MS_PER_H * PL_PER_NL, "SR-DOSE-01")
        _below(found, entry, ("total_low_nl",), total, 1, 2 * MS_PER_H * PL_PER_NL, "SR-DOSE-01")
        for hours, window in zip(WINDOWS_H, self._windows):
            names = ("dose_%dh_hard_ng_kg" % hours, "dose_%dh_soft_ng_kg" % hours)
            divisor = window.divisor * 2 * MS_PER_H * per_kg
            _above(found, entry, names, (window.most, -1), concentration, divisor, "SR-DOSE-03")
        if header.get("bolus_nl"):
            lockout_ms: int = header["bolus_lockout_ms"]
            if lockout_ms < entry["bolus_lockout_ms"]:
                found.append(("bolus_lockout_ms", HARD, -1, lockout_ms, entry["bolus_lockout_ms"], "SR-BOLUS-03"))
            found += check_bolus(entry, header["bolus_nl"], header["bolus_ms"])
        return overridden(found, overrides)


class Window:
    """The largest volume within any stretch of `length_ms`, exactly; `phases` may grow between turns.

    Volumes are pL/h x ms, doubled. most / divisor: the largest in a stretch. total: that of all phases.
    Both ends of the stretch walk along the phases; in between, the volume in it is a quadratic of time, whose largest
    value stands at an end or at its vertex.
    """

    def __init__(self, phases: "list[Phase]", length_ms: int) -> None:
        self.most = 0
        self.divisor = 1
        self.total = 0  # before the phase that the front end is in
        self._phases = phases
        self._front = 0  # index of the phase that the front end is in
        self._at = 0  # how far into it
        self._rear = -1  # the same for the rear end; -1 and negative before the first
        self._rear_at = -length_ms
        self._rear_shape = (0, 0, 0, 1)
        self._rear_total = 0  # before the phase that the rear end is in

    def turn(self, pieces: int) -> bool:
        """Walks on by at most so many pieces of phases; whether all the phases that are there are walked."""
        while self._front < len(self._phases):
            front = _shape(self._phases[self._front])
            while self._at < front[0]:
                if pieces <= 0:
                    return False
                pieces -= 1
                rear = self._rear_shape
                left_ms = rear[0] - self._rear_at
                if left_ms == 0:
                    self._rear_total += (2 * rear[1] + rear[2]) * rear[0]
                    self._rear += 1
                    self._rear_at = 0
                    self._rear_shape = rear = _shape(self._phases[self._rear])
                    left_ms = rear[0]
                ahead_ms = min(front[0] - self._at, left_ms)
                self._walk(front, self._at, rear, ahead_ms)
                self._at += ahead_ms
                self._rear_at += ahead_ms
            self.total += (2 * front[1] + front[2]) * front[0]
            self._front += 1
            self._at = 0
        return True

    def _walk(self, front: tuple[int, int, int, int], at: int, rear: tuple[int, int, int, int], ahead_ms: int) -> None:
        """Both ends go on by ahead_ms within their phases: c0 + c1 t + c2 t^2, over divisor."""
        _, front_begin, front_rise, front_divisor = front
        _, rear_begin, rear_rise, rear_divisor = rear
        rear_at = max(self._rear_at, 0)
        divisor = front_divisor * rear_divisor
        c2 = front_rise * rear_divisor - rear_rise * front_divisor
        c1 = 2 * (
            (front_begin * front_divisor + front_rise * at) * rear_divisor
            - (rear_begin * rear_divisor + rear_rise * rear_at) * front_divisor
        )
        self._take(self._volume(front, at, rear, rear_at) + (c1 + c2 * ahead_ms) * ahead_ms, divisor)
        if c2 < 0 < c1 and c1 < -2 * c2 * ahead_ms:
            self._take(self._volume(front, at, rear, rear_at) * -4 * c2 + c1 * c1, divisor * -4 * c2)

    def _volume(self, front: tuple[int, int, int, int], at: int, rear: tuple[int, int, int, int], rear_at: int) -> int:
        """Volume between the two ends, times both divisors."""
        until_front = self.total * front[3] + (2 * front[1] * front[3] + front[2] * at) * at
        until_rear = self._rear_total * rear[3] + (2 * rear[1] * rear[3] + rear[2] * rear_at) * rear_at
        return until_front * rear[3] - until_rear * front[3]

    def _take(self, volume: int, divisor: int) -> None:
        if volume * self.divisor > self.most * divisor:
            self.most, self.divisor = volume, divisor


def _shape(phase: "Phase") -> tuple[int, int, int, int]:
    """(duration, begin, rise, the divisor of what is delivered within the phase)."""
    duration_ms: int = phase[DURATION_MS]
    begin: int = phase[BEGIN_PL_H]
    end: int = phase[END_PL_H]
    return duration_ms, begin, end - begin, duration_ms if end != begin else 1


def check_program(
    entry: "Message",
    header: "Message",
    phases: list["Phase"],
    overrides: "Overrides" = [],  # noqa: B006  # never changed
) -> "list[Finding]":
    """Everything at which a whole program is beyond the entry. ProgramCheck does the same in parts."""
    check = ProgramCheck(entry, header)
    check.add(phases)
    return check.findings(overrides)


def check_bolus(
    entry: "Message",
    volume_nl: int,
    duration_ms: int,
    overrides: "Overrides" = [],  # noqa: B006  # never changed
    timed_lockout_ms: int = -1,
) -> "list[Finding]":
    """Everything at which a bolus on request is beyond the entry (SR-BOLUS-04, SR-BOLUS-08).

    timed_lockout_ms: the programmed interval between boluses, for a timed bolus, which must last at least as long and
    at most 6 h (SR-BOLUS-12).
    """
    found: "list[Finding]" = []
    volume = (volume_nl, -1)
    _within(found, entry, "bolus", "nl", volume, volume, 1, 1, "SR-BOLUS-04")
    if timed_lockout_ms < 0:  # the rate of a timed bolus follows from its volume and its length
        _within(found, entry, "bolus_rate", "nl_h", volume, volume, MS_PER_H, duration_ms, "SR-BOLUS-04")
    elif duration_ms < timed_lockout_ms:
        found.append(("bolus_lockout_ms", HARD, -1, duration_ms, timed_lockout_ms, "SR-BOLUS-12"))
    elif duration_ms > TIMED_BOLUS_MOST_MS:
        found.append(("bolus_ms", HARD, -1, duration_ms, TIMED_BOLUS_MOST_MS, "SR-BOLUS-12"))
    return overridden(found, overrides)


def check_rate(entry: "Message", header: "Message", rate_pl_h: int, overrides: "Overrides") -> "list[Finding]":
    """Everything at which a rate that an operator sets is beyond the entry. The dose windows are the ledger's."""
    found: "list[Finding]" = []
    _check_rates(found, entry, header, (rate_pl_h, -1), (rate_pl_h, -1))
    return overridden(found, overrides)


def _check_rates(
    found: "list[Finding]", entry: "Message", header: "Message", least: tuple[int, int], most: tuple[int, int]
) -> None:
    """Rates in pL/h against the limits of flow and of dose."""
    per_kg: int = header["weight_g"] * _PER_KG
    _within(found, entry, "rate", "nl_h", least, most, 1, PL_PER_NL)
    _within(found, entry, "dose_rate", "ng_kg_h", least, most, header["concentration_ng_ml"], per_kg)


def overridden(found: "list[Finding]", overrides: "Overrides") -> "list[Finding]":
    """The findings, those soft ones marked whose very value a person has confirmed."""
    marked: "list[Finding]" = []
    for name, severity, phase, value, limit, requirement in found:
        if severity == SOFT and [name, value] in overrides:
            severity = OVERRIDDEN
        marked.append((name, severity, phase, value, limit, requirement))
    return marked


def refuses(found: "list[Finding]") -> bool:
    """Whether any finding keeps the program or bolus from starting."""
    return any(finding[1] != OVERRIDDEN for finding in found)


def window_steps(
    entry: "Message", weight_g: int, concentration_ng_ml: int, step_volume: tuple[int, int]
) -> tuple[int, int, int]:
    """Steps that the hard limits allow within 1 h, 4 h and 24 h: whole ones, and one more would be beyond the limit."""
    pl, divisor = step_volume
    steps = []
    for hours in WINDOWS_H:
        dose_ng_kg: int = entry["dose_%dh_hard_ng_kg" % hours]
        steps.append(min(dose_ng_kg * weight_g * _PER_KG * divisor // (concentration_ng_ml * pl), MOST_STEPS))
    return steps[0], steps[1], steps[2]


def bolus_steps(entry: "Message", wanted_steps: int, room_steps: int, step_volume: tuple[int, int]) -> int:
    """Steps of a bolus that the dose windows have room for, by the entry's policy; 0 is a refusal (SR-DOSE-03).

    It is never made smaller than the entry's lower hard limit, nor made to fit any limit but the windows'.
    """
    if wanted_steps <= room_steps:
        return wanted_steps
    pl, divisor = step_volume
    if entry["bolus_policy"] != REDUCE or room_steps * pl < entry["bolus_hard_low_nl"] * PL_PER_NL * divisor:
        return 0
    return max(room_steps, 0)


def hold_pl_h(entry: "Message", running_pl_h: int) -> int:
    """The hold rate: the smallest of the rate that was running, the entry's and 1 mL/h (SR-KVO-01, SR-KVO-02)."""
    own_nl_h: int = entry["kvo_nl_h"]
    return min(running_pl_h, own_nl_h * PL_PER_NL, KVO_MOST_NL_H * PL_PER_NL)


def _more(worst: tuple[int, int], value: int, index: int) -> tuple[int, int]:
    return (value, index) if worst[1] < 0 or value > worst[0] else worst


def _less(worst: tuple[int, int], value: int, index: int) -> tuple[int, int]:
    return (value, index) if worst[1] < 0 or value < worst[0] else worst


def _within(
    found: "list[Finding]",
    entry: "Message",
    stem: str,
    unit: str,
    least: tuple[int, int],
    most: tuple[int, int],
    scale: int,
    divisor: int,
    requirement: str = "",
) -> None:
    """Holds least and most, times scale over divisor, against the limits of a stem."""
    low = ("%s_hard_low_%s" % (stem, unit), "%s_soft_low_%s" % (stem, unit))
    high = ("%s_hard_high_%s" % (stem, unit), "%s_soft_high_%s" % (stem, unit))
    _above(found, entry, high, most, scale, divisor, requirement)
    _below(found, entry, low, least, scale, divisor, requirement)


def _above(
    found: "list[Finding]",
    entry: "Message",
    names: "tuple[str, ...]",
    worst: tuple[int, int],
    scale: int,
    divisor: int,
    requirement: str,
) -> None:
    """Adds a finding where the value is above the first of the limits that it is above: hard, then soft."""
    value, phase = worst
    if value < 0:
        return
    for index, name in enumerate(names):
        limit: int = entry[name]
        if value * scale > limit * divisor:
            found.append(_finding(name, index, phase, -(-value * scale // divisor), limit, requirement))
            return


def _below(
    found: "list[Finding]",
    entry: "Message",
    names: "tuple[str, ...]",
    worst: tuple[int, int],
    scale: int,
    divisor: int,
    requirement: str,
) -> None:
    """Adds a finding where the value is below the first of the limits that it is below: hard, then soft."""
    value, phase = worst
    if value < 0:
        return
    for index, name in enumerate(names):
        limit: int = entry[name]
        if value * scale < limit * divisor:
            found.append(_finding(name, index, phase, value * scale // divisor, limit, requirement))
            return


def _finding(name: str, index: int, phase: int, value: int, limit: int, requirement: str) -> "Finding":
    severity = SOFT if index else HARD
    if not requirement or severity == SOFT:
        requirement = "SR-LIB-07" if severity == SOFT else "SR-LIB-06"
    return name, severity, phase, value, limit, requirement
