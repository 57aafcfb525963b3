# Runs on the chip before main.py: what each of the app's own collections leaves free.
import gc
import time

from pump.app import App

init = App.__init__


def watched(self, **parts):
    def collect():
        gc.collect()
        print("HEAP", time.ticks_ms(), gc.mem_free())

    parts["collect"] = collect
    init(self, **parts)


App.__init__ = watched
