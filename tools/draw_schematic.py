"""Draws boards/<name>/schematic.svg from the board's data: the parts that are fitted, at the pins that PINS names.

The same data give the same bytes. With --check nothing is written, and a drawing that is stale is named. What the parts
are in words is the README's; here is how they hang together.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib

from hil.boards import board_data, board_folder, board_names
from tools.schematic_symbols import RIGHT, Sheet

CHIP = (0.0, 5.0)  # left and right edge of the controller
ROW = 1.0
GAP = 0.7  # between two groups
PULL = 0.8  # more room above a wire with a pull-up
LEFT_PARTS, RIGHT_PARTS = -9.0, 11.5  # where boxes of parts end, or begin

Pins = dict[str, int]


class Drawing:
    """One board. Groups are drawn from the top down on either side; each takes the rows that it needs."""

    def __init__(self, name: str) -> None:
        board = board_data(name)
        self.pins: Pins = board.PINS
        self.fitted: dict[str, str] = board.FITTED
        self.sheet = Sheet()
        self.y = {-1: 0.0, 1: 0.0}  # by side

    def pin(self, function: str, side: int, y: float) -> float:
        """The controller's pin; the x at which its wire begins."""
        edge = CHIP[side > 0]
        self.sheet.text(edge - side * 0.2, y, f"GP{self.pins[function]}", "right" if side > 0 else "left", bold=True)
        self.sheet.wire((edge, y), (edge + side * 0.5, y))
        self.sheet.text(edge + side * 0.1, y + 0.17, function, "left" if side > 0 else "right", small=True)
        return edge + side * 0.5

    def rows(self, side: int, count: int, pitch: float = ROW) -> list[float]:
        """The next rows of a group on this side."""
        found = [self.y[side] - i * pitch for i in range(count)]
        self.y[side] = found[-1] - ROW - GAP
        return found

    def box(
        self, side: int, rows: dict[str, float], title: str, note: str, extra: dict[str, float] | None = None
    ) -> float:
        """A part with its terminals at these heights; the x of the edge that they are on."""
        edge = LEFT_PARTS if side < 0 else RIGHT_PARTS
        every = {**rows, **(extra or {})}
        top, bottom = max(every.values()) + 0.9, min(every.values()) - 0.5
        self.sheet.box(edge, edge + side * 4.2, bottom, top, title, note)
        for label, y in every.items():
            self.sheet.text(edge + side * 0.2, y, label, "left" if side > 0 else "right")
        return edge

    # --- the left side: motor, supply, sensors

    def driver(self) -> None:
        part = self.fitted["driver"]
        functions = ["step", "direction", "enable", *(["driver_tx", "driver_rx"] if part == "tmc2209" else [])]
        functions += ["driver_fault"] if part == "drv8825" else []
        heights = self.rows(-1, len(functions), 1.1)
        rows = {name: y - (PULL if i > 1 else 0) for i, (name, y) in enumerate(zip(functions, heights, strict=True))}
        labels = {"step": "STEP", "direction": "DIR", "enable": "EN", "driver_rx": "PDN_UART", "driver_fault": "nFAULT"}
        low = min(rows.values()) - 1.1
        logic = {"tmc2209": "VIO", "drv8825": "nSLEEP, nRESET", "a4988": "VDD"}[part]
        supply = {logic: low, "VM": low - 1.1, "GND": low - 2.2}
        self.y[-1] -= 3.3 + PULL
        notes = {
            "tmc2209": "MS1, MS2 to ground: address 0",
            "drv8825": "MODE2 high: 16 microsteps",
            "a4988": "MS1-3 high: 16",
        }
        terminals = {labels[name]: y for name, y in rows.items() if name in labels}
        edge = self.box(-1, terminals, f"motor driver {part.upper()}", notes[part], supply)
        self.sheet.motor(edge - 4.2, (rows["step"] + low) / 2)
        for name, y in rows.items():
            x = self.pin(name, -1, y)
            if name == "driver_tx":  # joins the one wire through its resistor
                self.sheet.resistor((x, y), (edge + 1.2, y), "1 kΩ")
                self.sheet.wire((edge + 1.2, y), (edge + 1.2, rows["driver_rx"]), dot=True)
            else:
                self.sheet.wire((x, y), (edge, y))
            if name == "enable":
                self.sheet.pull((-8.0, y), "4.7 kΩ", "3V3")  # at the driver: it holds when the wire breaks
        self.sheet.supply((edge, supply[logic]), RIGHT, "3V3")
        self.sheet.wire((edge, supply["VM"]), (edge + 4.2, supply["VM"]))
        self.sheet.supply((edge + 4.2, supply["VM"]), RIGHT, "12 V")
        self.sheet.capacitor((edge + 1.2, supply["VM"]), "100 µF and 100 nF, within 3 cm")
        self.sheet.ground((edge, supply["GND"]), RIGHT)

    def battery(self) -> None:
        (y,) = self.rows(-1, 1)
        self.divider(y, "battery", "100 kΩ", "22 kΩ", "12 V", "supply of motor and board")

    def divider(self, y: float, function: str, upper: str, lower: str, source: str, note: str) -> None:
        """Two resistors, the pin between them, and a capacitor at the pin."""
        x = self.pin(function, -1, y)
        node = -4.6
        self.sheet.wire((x, y), (node, y), dot=True)
        self.sheet.resistor((node, y), (node - 2.6, y), upper)
        self.sheet.supply((node - 2.6, y), -RIGHT, source)
        self.sheet.resistor((node, y), (node, y - 1.3), lower)
        self.sheet.ground((node, y - 1.3))
        self.sheet.capacitor((-2.6, y), "100 nF")
        self.sheet.text(node - 4.4, y, note, "right", small=True)
        self.y[-1] -= 1.3

    def pressure(self) -> None:
        if self.fitted["pressure"] == "hx711":
            rows = self.rows(-1, 2)
            low = rows[-1] - ROW
            supply = {"VCC": low, "GND": low - ROW}
            edge = self.box(
                -1, {"DOUT": rows[0], "PD_SCK": rows[1]}, "HX711", "load cell under the drive's nut", supply
            )
            for function, y in zip(("load_data", "load_clock"), rows, strict=True):
                self.sheet.wire((self.pin(function, -1, y), y), (edge, y))
            self.sheet.supply((edge, low), RIGHT, "3V3")
            self.sheet.ground((edge, low - ROW), RIGHT)
            self.y[-1] -= 2 * ROW
            return
        (y,) = self.rows(-1, 1)
        edge = self.box(-1, {"OUT": y}, "pressure sensor", "0.5 to 4.5 V, ratiometric", {"VS": y - 1.3, "GND": y - 2.6})
        x = self.pin("pressure", -1, y)
        node = -5.0
        self.sheet.wire((x, y), (node, y), dot=True)
        self.sheet.resistor((node, y), (edge, y), "10 kΩ")
        self.sheet.resistor((node, y), (node, y - 1.3), "10 kΩ")
        self.sheet.ground((node, y - 1.3))
        self.sheet.capacitor((-2.6, y), "100 nF")
        self.sheet.supply((edge, y - 1.3), RIGHT, "5 V")
        self.sheet.ground((edge, y - 2.6), RIGHT)
        self.y[-1] -= 2.6

    def bus(self) -> None:
        if "sda" not in self.pins:
            return
        self.y[-1] -= PULL
        titles = {
            "slf3s": ("flow sensor SLF3S", "arrow away from the syringe"),
            "ssd1306": ("display SSD1306", "128 x 64"),
        }
        first: list[float] = []
        for title, note in [titles[part] for part in self.fitted.values() if part in titles]:
            rows = self.rows(-1, 2, 1.1 + PULL)
            low = rows[-1] - ROW
            edge = self.box(-1, {"SDA": rows[0], "SCL": rows[1]}, title, note, {"VDD": low, "GND": low - ROW})
            for function, y, x in zip(("sda", "scl"), rows, (-3.0, -5.0), strict=True):
                if not first:
                    self.sheet.wire((self.pin(function, -1, y), y), (edge, y))
                    self.sheet.pull((x, y), "4.7 kΩ", "3V3")
                else:  # from the first part's wire down to this one's
                    self.sheet.wire((edge, y), (x - 0.5, y))
                    self.sheet.wire((x - 0.5, y), (x - 0.5, first[rows.index(y)]), dot=True)
            self.sheet.supply((edge, low), RIGHT, "3V3")
            self.sheet.ground((edge, low - ROW), RIGHT)
            self.y[-1] -= 2 * ROW + GAP
            first = first or rows

    # --- the right side: hands, eyes and ears

    def switches(self) -> None:
        names = {"stop": "stop", "start": "start", "bolus": "bolus", "mute": "mute"}
        names |= {"syringe": "a fitted syringe closes it", "guard": "the closed guard closes it"}
        for (function, note), y in zip(names.items(), self.rows(1, len(names), 1.45), strict=True):
            x = self.pin(function, 1, y)
            self.sheet.capacitor((x + 1.2, y), "1 nF")
            self.sheet.resistor((x, y), (x + 4.2, y), "1 kΩ", at=0.66)
            self.sheet.switch((x + 4.2, y), (x + 6.2, y))
            self.sheet.ground((x + 6.2, y))
            self.sheet.text(x + 7.0, y, note, "left", small=True)

    def air(self) -> None:
        self.y[1] -= GAP + PULL
        (y,) = self.rows(1, 1)
        edge = self.box(
            1, {"OUT": y}, "optical air detector", "low while it sees liquid", {"LED": y - ROW, "GND": y - 2 * ROW}
        )
        x = self.pin("air", 1, y)
        self.sheet.wire((x, y), (edge, y))
        self.sheet.pull((x + 1.2, y), "10 kΩ", "3V3")
        self.sheet.resistor((edge, y - ROW), (edge - 2.0, y - ROW), "100 Ω")
        self.sheet.supply((edge - 2.0, y - ROW), -RIGHT, "3V3")
        self.sheet.ground((edge, y - 2 * ROW), -RIGHT)
        self.y[1] -= 2 * ROW

    def signals(self) -> None:
        buzzer, red, yellow, cyan = self.rows(1, 4, 1.45)
        yellow, cyan = yellow - PULL, cyan - PULL  # below the red light's resistor to ground
        self.y[1] -= PULL
        x = self.pin("buzzer", 1, buzzer)
        self.sheet.resistor((x, buzzer), (x + 2.8, buzzer), "100 Ω")
        self.sheet.buzzer((x + 2.8, buzzer))
        for function, y in (("red", red), ("yellow", yellow), ("cyan", cyan)):
            x = self.pin(function, 1, y)
            self.sheet.resistor((x, y), (x + 2.8, y), "330 Ω")
            if function == "red":  # shines while nobody drives the pin high: the chip's own pull-down is no help
                self.sheet.wire((x, y), (x + 0.3, y), dot=True)
                self.sheet.resistor((x + 0.3, y), (x + 0.3, y - 1.3), "1 kΩ")
                self.sheet.ground((x + 0.3, y - 1.3))
                self.sheet.diode((x + 4.8, y), (x + 2.8, y), function)
                self.sheet.supply((x + 4.8, y), RIGHT, "3V3")
            else:
                self.sheet.diode((x + 2.8, y), (x + 4.8, y), function)
                self.sheet.ground((x + 4.8, y))

    def draw(self, name: str) -> bytes:
        groups: tuple[Callable[[], None], ...] = (self.driver, self.battery, self.pressure, self.bus)
        for group in (*groups, self.switches, self.air, self.signals):
            group()
        bottom = min(self.y.values()) + GAP
        self.sheet.box(CHIP[0], CHIP[1], bottom, 1.2, f"board {name}", "")
        self.sheet.text(CHIP[1] / 2, bottom + 1.7, "VSYS: 5 V from a regulator,\nor USB", "center", small=True)
        self.sheet.text(CHIP[1] / 2, bottom + 0.6, "GND: one point at the supply", "center", small=True)
        use = "for experiments on a bench; not a medical device"
        return self.sheet.svg(f"Titrate, board {name}: {use}. Drawn from its data, never built.")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing; exit 1 when a drawing is stale")
    arguments.add_argument("--png", type=Path, help="write the drawing of --board there as well")
    arguments.add_argument("--board", default="pico")
    options = arguments.parse_args()
    matplotlib.use("Agg")
    stale = False
    for name in board_names():
        path, drawn = board_folder(name) / "schematic.svg", Drawing(name).draw(name)
        if path.exists() and path.read_bytes() == drawn:
            continue
        stale = True
        if options.check:
            print(f"boards/{name}/schematic.svg is stale: run `make docs`", file=sys.stderr)
        else:
            path.write_bytes(drawn)
            print(f"wrote boards/{name}/schematic.svg")
    if options.png:
        drawing = Drawing(options.board)
        drawing.draw(options.board)
        data = io.BytesIO()
        drawing.sheet.figure.savefig(data, format="png", dpi=80)
        options.png.write_bytes(data.getvalue())
    return int(options.check and stale)


if __name__ == "__main__":
    sys.exit(main())
