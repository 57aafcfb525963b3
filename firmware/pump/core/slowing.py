"""The ramp of a stop (SR-STOP-03): a few last steps, each later than the one before it.

A stepping motor follows a sudden stop from any rate below its start-stop rate. From above, it is slowed down to that.
"""

STEPS = 4  # as many words as the generator holds, so that nothing need be fed


def ramp(shortest_ticks: int, start_stop_ticks: int) -> tuple[int, ...]:
    """Ticks of each step, from the motor's fastest rate down to the start-stop rate; none where that is no slower."""
    longer = start_stop_ticks - shortest_ticks
    if longer <= 0:
        return ()
    return tuple([shortest_ticks + longer * step // STEPS for step in range(1, STEPS + 1)])
