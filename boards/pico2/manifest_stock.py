# MicroPython alone, for boards that get the firmware as files.
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
