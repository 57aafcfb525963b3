"""`make bench`: how exact, how fast, how small. Measures the firmware on the emulated chip, whose cycles and times
repeat to the digit on any machine, and the host by ratios taken in one run."""
