"""What a test notes while it measures, as plain data that travels from an xdist worker, and the record made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import ArrayLike

from hil import flow
from hil.figures import Figure
from hil.instruments.balance import Reading
from hil.plots import pressure_plot, start_up_plot, trumpet_plot
from hil.report import Instrument, Record


class Numbered(Protocol):
    """An instrument, as the report names it."""

    name: str
    simulated: bool

    def serial_number(self) -> str: ...


class Notes:
    """Of one test. simulated: whether its bench is. requirement: what its figures are for unless they say otherwise."""

    def __init__(self, test: str, target: str, simulated: bool, requirement: str = "") -> None:
        self._test, self._target, self._simulated = test, target, simulated
        self._requirement = requirement
        self.data: dict[str, Any] = {"figures": [], "series": {}, "flows": {}, "pressures": {}, "instruments": []}

    def figure(
        self,
        name: str,
        value: float | None,
        unit: str,
        low: float = -math.inf,
        high: float = math.inf,
        requirement: str | None = None,
    ) -> Figure:
        """Keeps a figure; the test fails by `check`, or by what it asserts itself. None: it could not be had."""
        found = Figure(
            name,
            math.nan if value is None else float(value),
            unit,
            low,
            high,
            self._simulated,
            self._target,
            self._requirement if requirement is None else requirement,
            self._test,
        )
        self.data["figures"].append(vars(found) | {})
        return found

    def check(self, name: str, value: float | None, unit: str, low: float = -math.inf, high: float = math.inf) -> None:
        """Keeps a figure that must hold."""
        found = self.figure(name, value, unit, low, high)
        if found.verdict == "fail":
            raise AssertionError(f"{name}: {found.value:.4g} {unit}, allowed is {found.limit} {unit}")

    def readings(self, name: str, readings: Sequence[Reading]) -> None:
        """Raw readings of a balance, for a CSV of that name."""
        self.data["series"][name] = [
            [reading.time_s for reading in readings],
            [reading.grams for reading in readings],
            [reading.stable for reading in readings],
        ]

    def flow(self, rate_ml_h: float, rates_ml_h: ArrayLike) -> None:
        """Rates of two hours, for the pictures of start-up and trumpet."""
        rates = flow.checked(rates_ml_h, 1, "rates")
        self.data["flows"][f"{rate_ml_h:g} mL/h"] = [rate_ml_h, [float(rate) for rate in rates]]

    def pressure(self, name: str, time_s: Sequence[float], kpa: Sequence[float], moments: Mapping[str, float]) -> None:
        """For a picture of pressure against time."""
        self.data["pressures"][name] = [list(time_s), list(kpa), dict(moments)]

    def instrument(self, found: Numbered) -> None:
        self.data["instruments"].append([found.name, found.serial_number(), found.simulated])


def add(record: Record, data: Mapping[str, Any]) -> None:
    """Takes a test's notes into the record, pictures made of them."""
    record.figures += [Figure(**figure) for figure in data["figures"]]
    for name, (time_s, grams, stable) in data["series"].items():
        record.series[name] = (time_s, grams, stable)
    for number in (Instrument(*found) for found in data["instruments"]):
        family = number.name.partition(" (")[0]  # a simulated one has another port in every test
        shown = Instrument(family if number.simulated else number.name, number.serial_number, number.simulated)
        if shown not in record.instruments:
            record.instruments.append(shown)
    for name, (rate, rates) in data["flows"].items():
        hour = flow.second_hour(rates)
        curves = {name: flow.trumpet(hour, rate)}
        mean = {name: flow.mean_error_percent(hour, rate)}
        record.pictures.append((start_up_plot(rates, rate, record.simulated), f"Start-up at {name}"))
        record.pictures.append((trumpet_plot(curves, mean, record.simulated), f"Trumpet curve at {name}, second hour"))
    for name, (time_s, kpa, moments) in data["pressures"].items():
        record.pictures.append((pressure_plot(time_s, kpa, moments, record.simulated), name))
