"""Simulated twins of firmware/pump/drivers: the same methods, on a clock that is cranked by hand."""
