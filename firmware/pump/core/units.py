"""Units that travel between host and pump, as integers, and the one clock of the step generator.

Volumes are picolitres or nanolitres, rates picolitres an hour, times milliseconds. A picolitre an hour held for
240 h rounds a phase by at most 0.12 nL, far below a microstep.
"""

PL_PER_NL = 1000
PL_PER_ML = 1000000000
NL_PER_ML = 1000000
NG_PER_MG = 1000000
G_PER_KG = 1000

MS_PER_S = 1000
S_PER_H = 3600
MS_PER_H = 3600000

# One tick is one cycle of the stepper's PIO state machine: 125 MHz / 1250 exactly.
TICKS_PER_S = 100000
TICKS_PER_MS = 100
US_PER_TICK = 10
