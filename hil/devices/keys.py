"""Twin of drivers/keys_gpio.py: contacts that are pressed by hand, and that bounce."""

import random
from typing import Protocol

NAMES = ("stop", "start", "bolus", "mute")  # in the order of their bits
BOUNCE_US = 20_000  # as long as a cheap push-button does
BOUNCES = 4


class Time(Protocol):
    """now_us: device time."""

    @property
    def now_us(self) -> int: ...


class Keys:
    """levels(): the keys that are pressed now, as bits. press, release and tap are the bench's hand.

    A contact that changes opens and closes up to BOUNCES times within bounce_us; repeatable from the seed.
    """

    def __init__(self, clock: Time, seed: int = 0, bounce_us: int = BOUNCE_US) -> None:
        self._clock = clock
        self._random = random.Random(seed)
        self.bounce_us = bounce_us
        self._pressed = 0
        self._edges: list[list[tuple[int, bool]]] = [[] for _ in NAMES]  # to come, in order of time

    def press(self, key: str, seconds: float | None = None) -> None:
        """Closes the contact now, and opens it after `seconds`; without them it stays closed."""
        self._change(key, True, self._clock.now_us)
        if seconds is not None:
            self._change(key, False, self._clock.now_us + round(seconds * 1e6))

    def release(self, key: str) -> None:
        """Opens the contact now; what was planned for it is dropped."""
        self._change(key, False, self._clock.now_us)

    def _change(self, key: str, closed: bool, at_us: int) -> None:
        edges = self._edges[NAMES.index(key)]
        edges[:] = [edge for edge in edges if edge[0] < at_us]  # the hand decides, not an earlier bounce
        edges.append((at_us, closed))
        times = sorted(self._random.sample(range(1, self.bounce_us), 2 * BOUNCES)) if self.bounce_us else []
        for i, after_us in enumerate(times):
            edges.append((at_us + after_us, closed if i % 2 else not closed))

    @property
    def next_edge_us(self) -> int | None:
        """When a contact changes next: for whoever drives a pin with it."""
        return min((edges[0][0] for edges in self._edges if edges), default=None)

    def levels(self) -> int:
        if any(self._edges):
            for i, edges in enumerate(self._edges):
                while edges and edges[0][0] <= self._clock.now_us:
                    closed = edges.pop(0)[1]
                    self._pressed = self._pressed & ~(1 << i) | closed << i
        return self._pressed
