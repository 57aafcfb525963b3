"""What the display says, and when it is told: state, alarms, rate, what was given and is left, and whether a host and a
drug library are there (SR-LINK-06, SR-LIB-14, SR-VIS-03).

It is drawn behind the tick, one bounded piece a turn. While nobody needs the pump it is dark. The display is no part of
safety: one that is silent is logged, tried again now and then, and changes nothing else.
"""

from pump.core import alarms, readings
from pump.core.glyphs import LARGE_LOWER, LARGE_UPPER, SMALL, TALL_LOWER, TALL_UPPER
from pump.core.ssd1306 import PAGES
from pump.core.units import MS_PER_S, NL_PER_ML, PL_PER_NL, S_PER_H

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from typing import Final

    from pump.core.controller import Controller
    from pump.core.ssd1306 import Ssd1306

    Row = tuple[int, str, str]  # style, text, what stands at the right

COLUMNS: "Final" = 21  # small letters in a line
_PERIOD_MS: "Final" = 1000
_RETRY_MS: "Final" = 10000
_AGAIN_MS: "Final" = 30000  # everything anew, for a display may have lost its supply and says nothing of it
_FIGURES_MS, _TEXT_MS = 8000, 4000  # while there is an alarm: the figures, then what to do about one

_NL_NG_PER_ML_UG: "Final" = NL_PER_ML * 1000

_NOT_MEDICAL: "list[Row]" = [(SMALL, "Bench device.", ""), (SMALL, "Not a medical device.", "")]
_EMPTY: "Row" = (SMALL, "", "")
_BOOT: "list[Row]" = [(LARGE_UPPER, "BOOT", ""), (LARGE_LOWER, "BOOT", "")] + _NOT_MEDICAL + [_EMPTY] * 4


def number(thousandths: int) -> str:
    """In five characters, to the nearest digit that there is room for."""
    if thousandths < 10000:
        return "%d.%03d" % (thousandths // 1000, thousandths % 1000)
    if thousandths < 99995:
        hundredths = (thousandths + 5) // 10
        return "%d.%02d" % (hundredths // 100, hundredths % 100)
    if thousandths < 999950:
        tenths = (thousandths + 50) // 100
        return "%d.%d" % (tenths // 10, tenths % 10)
    if thousandths < 99999500:
        return "%d" % ((thousandths + 500) // 1000)
    return ">9999"


def duration(seconds: int) -> str:
    """In eight characters."""
    if seconds < 100 * S_PER_H:
        return "%d:%02d:%02d" % (seconds // S_PER_H, seconds // 60 % 60, seconds % 60)
    return "%d h" % min(seconds // S_PER_H, 999999)


def wrapped(text: str, width: int) -> "list[str]":
    """Lines of whole words."""
    lines = [""]
    for word in text.split():
        line = lines[-1]
        if line and len(line) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = line + " " + word if line else word
    return lines


def _title(name: str) -> str:
    """An alarm with a mark for each degree of its priority."""
    return "!" * alarms.ALARMS[name][alarms.PRIORITY] + " " + name.replace("_", " ")


def instruction(name: str) -> "list[Row]":
    """An alarm, and what a person should do."""
    title = _title(name)
    rows = [(TALL_UPPER, title, ""), (TALL_LOWER, title, "")]
    rows += [(SMALL, line, "") for line in wrapped(alarms.ALARMS[name][alarms.TEXT], COLUMNS)]
    return (rows + [_EMPTY] * PAGES)[:PAGES]


def figures(pump: "Controller") -> "list[Row]":
    """The pump as it is now."""
    header = pump.program.header if pump.program else None
    alone = not pump.watch.host
    rows: "list[Row]" = [
        (LARGE_UPPER, pump.state, "NO" if alone else ""),
        (LARGE_LOWER, pump.state, "HOST" if alone else ""),
    ]
    rate_nl_h = readings.rate_pl_h(pump) // PL_PER_NL
    title = dose = ""
    if header:
        ng_ml: int = header["concentration_ng_ml"]
        title = "%s %s mg/mL" % (header["drug"], number(ng_ml // 1000))
        if len(title) > COLUMNS:
            title = header["drug"]
        dose = number(_nearest(rate_nl_h * ng_ml, header["weight_g"] * NL_PER_ML))  # ng/g is thousandths of mg/kg
    if pump.access.notice_ms:  # SR-AUTH-02
        title = "SESSION CLOSED"
    if pump.alarms:
        title = _title(alarms.named(pump.alarms)[0])
    rows += [(TALL_UPPER, title, ""), (TALL_LOWER, title, "")] if title else _NOT_MEDICAL
    library = "" if pump.dosing.library.entries else "NO LIBRARY"
    muted_s = -(-pump.signals.muted_ms // MS_PER_S)
    return rows + [
        (SMALL, number(_nearest(rate_nl_h, 1000)) + " mL/h", library),
        (SMALL, (dose or "--") + " mg/kg/h", "MUTE %d" % muted_s if muted_s else ""),
        (SMALL, _given(pump), ""),
        (SMALL, _left(pump, rate_nl_h), ""),
    ]


def _nearest(value: int, by: int) -> int:
    return (value + by // 2) // by


def _given(pump: "Controller") -> str:
    """Of the program; of the last one, while none is loaded."""
    nl, ng_ml = readings.progress(pump)[5], pump.books.last_ng_ml
    if pump.program:
        nl, ng_ml = nl if pump.infusion else 0, pump.program.header["concentration_ng_ml"]
    mg = number(_nearest(nl * ng_ml, _NL_NG_PER_ML_UG)) if ng_ml else "--"
    return "given %smL %smg" % (number(_nearest(nl, 1000)), mg)


def _left(pump: "Controller", rate_nl_h: int) -> str:
    """In the syringe, and for how long (SR-RES-01)."""
    if not pump.syringe:
        return "no syringe declared"
    remaining_nl = pump.remaining_nl()
    text = "left %smL" % number(_nearest(remaining_nl, 1000))
    empty_s = readings.empty_s(pump, remaining_nl, rate_nl_h)
    return text if empty_s < 0 else "%s %s" % (text, duration(empty_s))


class Screen:
    """Keeps a display at what the pump says. May allocate."""

    def __init__(self, panel: "Ssd1306") -> None:
        self._panel = panel
        self._up = self._told = False  # whether it listens; whether the log says that it does not
        self._due_ms = 0  # when it is set up anew
        self._of = ("", 0, False)  # state, alarms and host that the rows are of
        self._since_ms = self._looked_ms = 0  # for how long they have been so; when they were looked at
        self._begin(_BOOT)

    def _begin(self, rows: "list[Row]") -> None:
        """Nothing is known of what it shows."""
        self._rows = rows
        self._shown: "list[Row | None]" = [None] * PAGES
        self._on = False

    def set_up(self) -> str:
        """At power-on, before anything else happens: what is wrong, or nothing. Dark, until nothing old is shown."""
        self._up = self._panel.turn(False) and self._panel.set_up()
        while self._up and not self._on:
            self._up = self._draw()
        self._due_ms = _AGAIN_MS if self._up else _RETRY_MS
        return "" if self._up else "silent"

    def turn(self, pump: "Controller") -> None:
        """One piece, behind a tick: a look at the pump, or one transfer."""
        now_ms = pump.now_ms
        if pump.watch.resting:
            if self._on:
                self._begin(self._rows)
                self._panel.turn(False)
        elif now_ms >= self._due_ms:
            self._begin(self._rows)
            self._up = self._panel.set_up()
            self._due_ms = now_ms + (_AGAIN_MS if self._up else _RETRY_MS)
        elif self._up and not self._look(pump, now_ms) and not self._draw():
            self._up = False
            self._due_ms = now_ms + _RETRY_MS
        if not self._up and not self._told:
            self._told = True
            pump.log.add(now_ms, "fault", "display: silent")

    def _look(self, pump: "Controller", now_ms: int) -> bool:
        """Once a second, and at once where state, alarms or host have changed: what is to be shown."""
        of = (pump.state, pump.alarms, pump.watch.host)
        if of != self._of:
            self._of = of
            self._since_ms = now_ms
        elif now_ms - self._looked_ms < _PERIOD_MS:
            return False
        self._looked_ms = now_ms
        rounds, at_ms = divmod(now_ms - self._since_ms, _FIGURES_MS + _TEXT_MS)
        if pump.alarms and at_ms >= _FIGURES_MS:
            in_force = alarms.named(pump.alarms)
            self._rows = instruction(in_force[rounds % len(in_force)])
        else:
            self._rows = figures(pump)
        return True

    def _draw(self) -> bool:
        """Sends the next page that differs; after the last one the display is turned on. Whether it has taken it."""
        for page in range(PAGES):
            row = self._rows[page]
            if row != self._shown[page]:
                self._shown[page] = row
                return self._panel.show(page, row[0], row[1], row[2])
        if self._on:
            return True
        self._on = True
        return self._panel.turn(True)
