"""Wiring only: the board's pins to the drivers, the drivers to the app."""

import gc

import board
import build_info
from pump.app import App
from pump.drivers.clock_rp2 import Clock
from pump.drivers.link_usb import Link
from pump.drivers.odometer_pio import Odometer
from pump.drivers.pressure_adc import Pressure
from pump.drivers.stepper_pio import Stepper
from pump.drivers.watchdog_rp2 import Watchdog, was_watchdog_reset

App(
    board=board,
    build=build_info,
    stepper=Stepper(board.PINS["step"], board.PINS["direction"], board.PINS["enable"]),
    odometer=Odometer(board.PINS["step"]),
    pressure=Pressure(board.PINS["pressure"], board.PRESSURE_ZERO, board.PRESSURE_MPA_PER_COUNT),
    clock=Clock(board.CONTROL_PERIOD_MS),
    link=Link(),
    watchdog=Watchdog(board.WATCHDOG_MS),
    watchdog_reset=was_watchdog_reset(),
    collect=gc.collect,
).run()
