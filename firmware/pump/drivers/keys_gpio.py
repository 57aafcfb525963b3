"""RP2040 pins: keys that connect to ground when they are pressed. Levels only; what a press is, core/keys.py says."""

from machine import Pin, mem32

_GPIO_IN = 0xD0000004  # every pad's level in one word of 30 bits, which is a small integer


class Keys:
    """levels(): the keys that are pressed now, as bits in the order of `pins`: stop, start, bolus, mute."""

    def __init__(self, pins):
        self._pads = [1 << pin for pin in pins]
        for pin in pins:
            Pin(pin, Pin.IN, Pin.PULL_UP)
        self._mask = sum(self._pads)

    def levels(self):
        low = mem32[_GPIO_IN] & self._mask ^ self._mask
        if not low:
            return 0
        levels = 0
        key = 1
        for pad in self._pads:
            if low & pad:
                levels |= key
            key <<= 1
        return levels
