# The background load of every peer, and of nothing else: once a second a status as the firmware tells it, and the bytes
# that a host sends read one by one, as the firmware has to read them.
import binascii
import json
import select
import sys
import time

readable = select.poll()
readable.register(sys.stdin, select.POLLIN)
one = bytearray(1)
STATUS = {
    "time_ms": 0,
    "state": "INFUSING",
    "phase": 0,
    "rate_nl_h": 25000000,
    "counted_steps": 0,
    "counted_nl": 0,
    "pressure_pa": 1500,
    "alarms": [],
    "operator": "bench",
    "remaining_nl": 50000000,
    "empty_s": 7200,
}
told_ms = [time.ticks_ms()]


def listen():
    for _ in range(64):
        if not readable.poll(0):
            return
        sys.stdin.buffer.readinto(one)


def tell():
    now = time.ticks_ms()
    if time.ticks_diff(now, told_ms[0]) >= 1000:
        told_ms[0] = now
        text = json.dumps(STATUS).encode()
        sys.stdout.buffer.write(b"%s %08x\n" % (text, binascii.crc32(text)))
