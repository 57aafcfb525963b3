# Runs on the chip before main.py: how long each of the app's own collections takes, and what it leaves free.
import gc
import time

from pump.app import App

init = App.__init__


def watched(self, **parts):
    def collect():
        begun_us = time.ticks_us()
        gc.collect()
        print("HEAP", time.ticks_diff(time.ticks_us(), begun_us), gc.mem_free())

    parts["collect"] = collect
    init(self, **parts)


App.__init__ = watched
