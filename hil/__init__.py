"""The rig: the pump's firmware in a simulation, on an emulated RP2040 or on a board, and what came out of the line."""
