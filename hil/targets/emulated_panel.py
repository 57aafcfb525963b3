"""The emulated board's keys, buzzer and lights, at its pins: contacts that bounce go in, every edge is written down."""

from __future__ import annotations

from array import array
from typing import Any

from hil.devices.keys import NAMES, Keys, Time
from hil.targets.rp2040_parts import InputPin, OutputPin

LIGHTS = ("red", "yellow", "cyan")
SILENCE_US = 10_000  # between two edges of the buzzer: longer than any of its periods
HZ_APART = 8  # two pitches of ours are further apart


class Panel:
    """pins: GPIO by function. low_lights: bits of the lights that shine at a low level. parts: for the chip's board.

    light_edges: (device time in us, lights as bits) of each change. A light is dark without power; while the chip
    drives no pin, those shine that shine at a low level.
    """

    def __init__(self, time: Time, pins: dict[str, int], low_lights: int) -> None:
        self._time = time
        self.keys = Keys(time)
        self._contacts = [InputPin(pins[name], True) for name in NAMES]
        self._lights = [OutputPin(pins[name], on_edge=self._on_light) for name in LIGHTS]
        self._buzzer = OutputPin(pins["buzzer"], on_edge=self._on_buzzer)
        self.parts = (*self._contacts, *self._lights, self._buzzer)
        self._low_lights = low_lights
        self._powered = True
        self._rises_us, self._falls_us = array("q"), array("q")  # of the buzzer's pin
        self.light_edges = [(0, low_lights)]

    def connect(self, clock: Any) -> None:
        """The board is there, and time can be waited for."""
        self._alarm = clock.create_alarm(self._move)

    # --- keys

    def press(self, key: str, seconds: float | None) -> None:
        self.keys.press(key, seconds)
        self._move()

    def release(self, key: str) -> None:
        self.keys.release(key)
        self._move()

    def _move(self) -> None:
        """Contacts as they are now, and again when one of them changes next."""
        levels = self.keys.levels()
        for i, contact in enumerate(self._contacts):
            level = not levels >> i & 1  # pressed is low
            if contact.level != level:
                contact.set(level)
        edge_us = self.keys.next_edge_us
        if edge_us is not None:
            self._alarm.schedule((edge_us - self._time.now_us) * 1e3)

    # --- lights and buzzer

    @property
    def lights(self) -> int:
        if not self._powered:
            return 0
        return sum((pin.level is True) << i for i, pin in enumerate(self._lights)) ^ self._low_lights

    @property
    def tone_edges(self) -> list[tuple[int, int]]:
        """(device time in us, pitch in Hz or 0) of each change of the buzzer, from the edges at its pin."""
        found: list[tuple[int, int]] = []
        first = False  # whether the pitch is that of a tone's first period, which another may have begun
        rises, falls = self._rises_us, self._falls_us
        for i, at_us in enumerate(rises):
            period_us = rises[i + 1] - at_us if i + 1 < len(rises) else self._time.now_us - at_us
            if period_us >= SILENCE_US:
                if i < len(falls):
                    found.append((falls[i], 0))
                continue
            hz = round(1e6 / period_us)
            if not found or abs(found[-1][1] - hz) > HZ_APART:
                found.append((at_us, hz))
                first = True
            elif first:
                found[-1] = (found[-1][0], hz)
                first = False
        return found

    def _on_light(self, _level: bool) -> None:
        self._look_at_lights()

    def _look_at_lights(self) -> None:
        lights = self.lights
        if lights != self.light_edges[-1][1]:
            self.light_edges.append((self._time.now_us, lights))

    def _on_buzzer(self, level: bool) -> None:
        (self._rises_us if level else self._falls_us).append(self._time.now_us)

    def released(self, powered: bool) -> None:
        """The chip was reset and drives nothing, or has lost its power, or has it again."""
        if self._buzzer.level:
            self._on_buzzer(False)
        for pin in (self._buzzer, *self._lights):
            pin.released()
        self._powered = powered
        self._look_at_lights()
        self._move()  # a key that was pressed or let go in the dark
