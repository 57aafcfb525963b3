"""Pure rules: no hardware, no clock, no input or output; the same on CPython and MicroPython."""
