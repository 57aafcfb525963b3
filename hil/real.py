"""A bench that stands somewhere: the pump of a bench file behind its port, and the instruments around it.

The names are those of `hil.bench.Bench` where they make sense. What this bench does not have raises InstrumentMissing,
which the rig's tests turn into a skip with that reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol

from hil import inventory
from hil.bench import HELD_S, Bench
from hil.benchfile import BenchFile
from hil.flow import DENSITY_G_ML
from hil.guard import GuardedPump
from hil.instruments.balance import SerialBalance
from hil.instruments.errors import InstrumentMissing
from hil.instruments.hands import Guard, LinkBreaker, Occluder, Person, PowerRelay
from hil.instruments.observer import AskedObserver, SoundMeter
from hil.instruments.relay_board import RelayBoard
from titrate.errors import LinkError
from titrate.ports import open_port

LISTEN_S = 0.1
SEEN_UP_S = 0.4  # of a key: the pump has to see it up first
RELIEVES_S = 5.0  # an opened line has lost its pressure
RETURNS_S = 10.0  # a board is on the bus again so long after its power


class Clock(Protocol):
    """Seconds that pass on the bench; as `time` has them."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


class RealBench:
    """since: the pump's last log entry before it was opened here.

    file: what stands there. motion: whether anything may move. clock: of this machine unless a test brings one.

    Opening it opens the pump's port; instruments are opened on first use.
    """

    simulated = False
    seed = None

    def __init__(self, file: BenchFile, motion: bool = False, clock: Clock = time) -> None:
        self.file = file
        self.name = file.name
        self.motion = motion
        self.expected: set[str] = set()
        self.since = 0
        self._met = False
        self.powered = True
        self._clock = clock
        self._began_s = clock.monotonic()
        self._plugged = True
        self._shut = self._guard_open = False
        self._pump: GuardedPump | None = None
        self._balance: SerialBalance | None = None
        self._relays: RelayBoard | None = None
        self._zero_g = self._zero_s = 0.0
        self.port = open_port(inventory.port_of(file.pump, "pump"))

    def __enter__(self) -> RealBench:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for part in (self.port, self._balance, self._relays):
            if part is not None:
                part.close()

    def __getattr__(self, name: str) -> Any:
        if hasattr(Bench, name) or name in ("target", "twin"):
            raise InstrumentMissing(f'bench "{self.file.name}"', f"it has no {name}: only a simulated bench has")
        raise AttributeError(name)

    @property
    def pump(self) -> GuardedPump:
        if self._pump is None:
            self._pump = GuardedPump(self.port, self.file, self.motion)
            self._pump.at_the_pump = self.hold_in_turn
            if not self._met:
                self._met = True
                self.since = int(self._pump.request("events", after=0)["last"])
                self.expected.update(self._pump.status()["alarms"])
        return self._pump

    @property
    def balance(self) -> SerialBalance:
        """Opened on first use, which is where `delivered_ul` begins."""
        if self._balance is None:
            self._balance = inventory.open_balance(self.file, lambda: self.now_s)
            reading = self._balance.read()
            self._zero_g, self._zero_s = reading.grams, reading.time_s
        return self._balance

    @property
    def observer(self) -> AskedObserver:
        return inventory.observer(self.file)

    @property
    def sound_meter(self) -> SoundMeter:
        return inventory.sound_meter(self.file)

    @property
    def evaporation_g_h(self) -> float:
        """From the blank run in the bench file; 0 without a balance."""
        return self.file.balance.evaporation_g_h if self.file.balance else 0.0

    @property
    def density_g_ml(self) -> float:
        return self.file.balance.density_g_ml if self.file.balance else DENSITY_G_ML

    @property
    def pressure_kpa(self) -> float:
        """As the pump reads it: this bench has no gauge of its own."""
        return float(self.pump.status()["pressure_pa"]) / 1000

    @property
    def now_s(self) -> float:
        return self._clock.monotonic() - self._began_s

    def run_for(self, seconds: float) -> None:
        """Lets time pass, and listens to the pump meanwhile, so that it need not wait for a reader."""
        end_s = self.now_s + seconds
        while (left_s := end_s - self.now_s) > 0:
            if self._pump and self.powered and self._plugged:
                self._pump.listen(min(left_s, LISTEN_S))
            else:
                self._clock.sleep(min(left_s, LISTEN_S))

    @property
    def delivered_ul(self) -> float:
        """By the balance, since it was opened; what has evaporated meanwhile is added."""
        reading = self.balance.read()
        gone_g = self.evaporation_g_h * (reading.time_s - self._zero_s) / 3600
        return (reading.grams - self._zero_g + gone_g) / self.density_g_ml * 1000

    # --- hands

    def _hand(self, make: Callable[[BenchFile, RelayBoard | None], Any], *alarms: str) -> Any:
        """An occluder or its like; the relay board is opened once."""
        if self.file.relays is not None and self._relays is None:
            self._relays = inventory.open_relays(self.file)
        hand = make(self.file, self._relays)
        self.expected.update(alarms)
        return hand

    def occlude(self) -> None:
        hand: Occluder = self._hand(inventory.occluder, "OCCLUSION")
        hand.close_line()
        self._shut = True

    def release(self) -> None:
        hand: Occluder = self._hand(inventory.occluder)
        hand.open_line()
        self._shut = False

    def cut_power(self) -> None:
        hand: PowerRelay = self._hand(inventory.power_relay, "POWER_INTERRUPTED")
        hand.cut()
        self.powered = False

    def restore_power(self) -> None:
        """Waits until the board is on the bus again."""
        hand: PowerRelay = self._hand(inventory.power_relay)
        hand.restore()
        self.powered = True
        self._again()

    def unplug_link(self) -> None:
        hand: LinkBreaker = self._hand(inventory.link_breaker, "LINK_LOST")
        hand.unplug()
        self._plugged = False

    def plug_link(self) -> None:
        hand: LinkBreaker = self._hand(inventory.link_breaker)
        hand.plug()
        self._plugged = True
        self._again()

    def open_guard(self) -> None:
        hand: Guard = self._hand(inventory.guard, "GUARD_OPEN", "OVER_DELIVERY")
        hand.open_guard()
        self._guard_open = True

    def close_guard(self) -> None:
        hand: Guard = self._hand(inventory.guard)
        hand.close_guard()
        self._guard_open = False

    def press(self, key: str, seconds: float = 0.2) -> None:
        """Presses "stop", "start", "bolus" or "mute" for so long."""
        self._hold(key, True)
        self.run_for(seconds)
        self._hold(key, False)

    def hold_in_turn(self, keys: Sequence[str]) -> None:
        """Holds keys one after the other, each long enough to count; by relays, or a person is asked."""
        if self.file.keys is None:
            words = ", then ".join(key.upper() for key in keys)
            Person(f"Hold {words} of the pump for a second", "").set(True)
            return
        self.run_for(SEEN_UP_S)
        for key in keys:
            self.press(key, HELD_S)
            self.run_for(SEEN_UP_S)

    def _hold(self, key: str, down: bool) -> None:
        relay: int | None = getattr(self.file.keys, key, None)
        if relay is None:
            raise InstrumentMissing(f'bench "{self.name}"', f"it has no relay across the key {key}")
        if self._relays is None:
            self._relays = inventory.open_relays(self.file)
        self._relays.set(relay, down)

    def _again(self) -> None:
        self.port.close()
        end_s = self.now_s + RETURNS_S
        while True:
            self._clock.sleep(LISTEN_S)
            try:
                self.port = open_port(inventory.port_of(self.file.pump, "pump"))
                break
            except (LinkError, InstrumentMissing):
                if self.now_s > end_s:
                    raise
        self.reconnect()

    def rest(self) -> None:
        """What the hands did is undone: clamp open, guard closed, supply on, link plugged. Alarms are acknowledged."""
        if self._shut:
            self.release()
        if self._guard_open:
            self.close_guard()
        if not self.powered:
            self.restore_power()
        if not self._plugged:
            self.plug_link()
        self.reconnect()
        self.pump.stop()
        self.run_for(RELIEVES_S if "OCCLUSION" in self.expected else LISTEN_S)
        self.pump.acknowledge()

    def reconnect(self) -> None:
        """A fresh client on the same port; what the old one had not read is gone."""
        self.port.reset_input_buffer()  # type: ignore[attr-defined]  # every port class has it
        self._pump = None

    @property
    def motor_on(self) -> bool:
        """As the pump says: it has a rate, or pulses are still being counted."""
        before = self.pump.status()
        self.run_for(LISTEN_S)
        after = self.pump.status()
        return bool(after["rate_nl_h"]) or after["counted_steps"] != before["counted_steps"]
