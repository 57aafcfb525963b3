"""What stands around the pump: balance, occluder, power relay, link breaker, guard, observer, sound level meter.

Real, simulated, and done by a person.

Nothing here opens a port before it is asked to. An instrument that fails says so by a kind of InstrumentError, so that
its failure is never taken for one of the pump.
"""
