# Runs on the chip before main.py. Times every control tick of an infusion and every turn with what follows it; looks
# every eighth tick at the heap before and after; notes what each collection leaves free.
import gc
import time

from pump.app import App

ticks_us = time.ticks_us
BEGIN, END = 50, 650  # ticks of the infusion: the first seconds are the start's own
tick, behind = App.tick, App._behind
count, longest, total, turns, grown, heap = [0], [0], [0], [0], [0], []
begun = [0]


def timed(self):
    if not self._course:
        return tick(self)
    count[0] += 1
    look = count[0] % 8 == 0
    before = gc.mem_alloc() if look else 0
    begun[0] = ticks_us()
    tick(self)
    took = ticks_us() - begun[0]
    if look:
        grown[0] = max(grown[0], gc.mem_alloc() - before)
        begun[0] = ticks_us() - took
    if BEGIN <= count[0] < END:
        longest[0] = max(longest[0], took)
        total[0] += took


def timed_behind(self):
    behind(self)
    if BEGIN <= count[0] < END:
        turns[0] = max(turns[0], ticks_us() - begun[0])
    if count[0] == END:
        count[0] += 1
        print("TICK", longest[0], total[0] // (END - BEGIN), turns[0], grown[0])


App.tick, App._behind = timed, timed_behind
