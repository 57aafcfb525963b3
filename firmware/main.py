"""Wiring only: the board's pins to the drivers, the drivers to the app."""

import gc
import sys
from time import ticks_ms

# As files the firmware is imported by firmware/loader.py, which has set sys.path to their folder. Frozen, nothing in
# the filesystem may stand in for a part of the image; nor is time lost with looking there.
FROZEN = __name__ == "__main__"
if FROZEN:
    sys.path[:] = [".frozen"]

from pump.drivers.selftest_rp2 import Flash, image_trailer, prove_watchdog

# Before anything else is set up or even read: after power-on it starves the watchdog and does not return (SR-DIAG-07).
bites, unexpected_reset = prove_watchdog()

import board
import build_info
from pump import fitted
from pump.app import COLLECT_EVERY_S, App
from pump.core.selftest import Image, Parts
from pump.drivers.annunciator_pwm import Annunciator
from pump.drivers.clock_rp2 import Clock
from pump.drivers.clocks_pio import clocks
from pump.drivers.identity_rp2 import serial_number
from pump.drivers.inputs_rp2 import Inputs
from pump.drivers.interlock_pio import Interlock
from pump.drivers.keys_gpio import Keys
from pump.drivers.link_usb import Link
from pump.drivers.odometer_pio import Odometer
from pump.drivers.restart_rp2 import make_way, started
from pump.drivers.stepper_pio import Stepper
from pump.drivers.store_littlefs import Store
from pump.drivers.watchdog_rp2 import Watchdog

PINS = board.PINS
interlock = Interlock(PINS["step"], PINS["enable"])  # first of all: it holds the motor driver off
stepper = Stepper(PINS["step"], PINS["direction"])
pressure = fitted.pressure(board)
keys = Keys([PINS[name] for name in ("stop", "start", "bolus", "mute")])
inputs = Inputs(PINS["battery"], board.BATTERY_UV_PER_COUNT, PINS["syringe"], PINS["air"], PINS["guard"], keys)
annunciator = Annunciator(PINS["buzzer"], [PINS[name] for name in ("red", "yellow", "cyan")], board.LIGHTS_ON_LOW)

parts = Parts()
parts.annunciator = annunciator
parts.inputs = inputs
parts.pressure = pressure
parts.driver = fitted.motor_driver(board)
bus = fitted.bus(board)
parts.flow_meter = fitted.flow_meter(board, bus)
parts.display = fitted.display(board, bus)
trailer = image_trailer() if FROZEN else None  # beside files it would be that of an image which was there before
if trailer:
    parts.image = Image(Flash().crc, trailer[0], trailer[1])
parts.watchdog_bites = bites
parts.clocks = clocks
parts.supply_mv = (board.BATTERY_DEPLETED_MV, board.SUPPLY_HIGH_MV)
parts.rest_pa = board.REST_PA

store = Store()  # before the watchdog runs: a new folder is a slow write

app = App(
    board=board,
    build=build_info,
    serial=serial_number(),
    stepper=stepper,
    interlock=interlock,
    odometer=Odometer(PINS["step"]),
    pressure=pressure,
    clock=Clock(board.CONTROL_PERIOD_MS),
    link=Link(),
    watchdog=Watchdog(board.WATCHDOG_MS),
    watchdog_reset=unexpected_reset,
    collect=gc.collect,
    # As files the bytecode lies in the heap, which is full the sooner.
    collect_every_s=COLLECT_EVERY_S if FROZEN else 1,
    inputs=inputs,
    annunciator=annunciator,
    store=store,
    parts=parts,
)
started()
gc.collect()
app.controller.boot = {"ms": ticks_ms(), "free_bytes": gc.mem_free(), "frozen": int(FROZEN)}
app.run()
make_way(FROZEN)
