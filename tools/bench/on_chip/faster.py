# Runs on the chip before main.py. A board whose motor and syringe bear more than any: what is left is the firmware's.
import board

board.MAX_STEPS_PER_S = 5000
board.MAX_RATE_NL_H = 2000000000
