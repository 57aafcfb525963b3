# Runs on the chip before main.py. Wraps every method of the firmware with a clock of microseconds and tells, for the
# ticks from BEGIN to END of an infusion, how often each was called and how long it took without what it called.
import sys
import time

import pump.app
import pump.core.flow
import pump.core.keys
import pump.core.law
import pump.core.monitors
import pump.core.sensors
import pump.core.signals
import pump.drivers.clock_rp2
import pump.drivers.inputs_rp2
import pump.drivers.keys_gpio
import pump.drivers.link_usb
import pump.drivers.odometer_pio
import pump.drivers.pressure_adc
import pump.drivers.stepper_pio
import pump.drivers.watchdog_rp2

BEGIN, END = 60, 160
ticks_us = time.ticks_us
found, stack = {}, []
OVERHEAD_US = [0]


def wrap(cls, name, method):
    key = cls.__name__ + "." + name
    own = [0, 0]

    def timed(*arguments, **named):
        stack.append(0)
        begin = ticks_us()
        try:
            return method(*arguments, **named)
        finally:
            took = ticks_us() - begin
            own[0] += 1
            own[1] += took - stack.pop()
            if stack:
                stack[-1] += took + OVERHEAD_US[0]

    try:
        setattr(cls, name, timed)
        found[key] = own
    except AttributeError:
        pass  # a class that is built in


def wrap_all():
    seen = []
    for module in list(sys.modules):
        if module.startswith("pump."):
            for cls in [getattr(sys.modules[module], name) for name in dir(sys.modules[module])]:
                if isinstance(cls, type) and cls not in seen and not issubclass(cls, Exception):
                    seen.append(cls)
                    for name in dir(cls):
                        method = getattr(cls, name, None)
                        if type(method).__name__ == "function" and name[:2] != "__" and name != "run":
                            wrap(cls, name, method)


class Nothing:
    def nothing(self):
        pass


def calibrate():
    bare, begin = Nothing(), ticks_us()
    for _ in range(200):
        bare.nothing()
    without = ticks_us() - begin
    wrap(Nothing, "nothing", Nothing.nothing)
    begin = ticks_us()
    for _ in range(200):
        bare.nothing()
    OVERHEAD_US[0] = (ticks_us() - begin - without - found.pop("Nothing.nothing")[1]) // 200


calibrate()
wrap_all()
behind, count = pump.app.App._behind, [0]


def counted(self):
    behind(self)
    if self._course:
        count[0] += 1
        if count[0] == BEGIN:
            for key in found:
                found[key][:] = [0, 0]
        if count[0] == END:
            for key in sorted(found, key=lambda key: -found[key][1])[:60]:
                print("PROFILE", key, found[key][0], found[key][1])
                time.sleep_ms(5)  # the host takes a packet a millisecond
            print("PROFILED", END - BEGIN)


pump.app.App._behind = counted
