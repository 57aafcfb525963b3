"""A pump at work above a balance: readings at even times, and what they come to. For every bench that has a balance."""

from collections.abc import Callable
from typing import Any

from hil.bench import Bench
from hil.flow import Array, evenly, flow_ml_h
from hil.instruments.balance import Reading, SerialBalance

READ_S = 1.0


def weigh(bench: Bench, balance: SerialBalance, seconds: float, every_s: float) -> list[Reading]:
    """A reading now and after each interval."""
    readings = [balance.read()]
    for _ in range(round(seconds / every_s)):
        bench.run_for(readings[0].time_s + every_s * len(readings) - bench.now_s)
        readings.append(balance.read())
    return readings


def rates_ml_h(bench: Bench, readings: list[Reading], sample_min: float) -> Array:
    """Rates between readings; what evaporates is added."""
    weights = evenly([r.time_s for r in readings], [r.grams for r in readings], sample_min)
    return flow_ml_h(weights, sample_min, bench.density_g_ml, bench.evaporation_g_h)


def volume_ul(bench: Bench, before: Reading, after: Reading) -> float:
    """Between two readings; what evaporated is added."""
    gone_g = bench.evaporation_g_h * (after.time_s - before.time_s) / 3600
    return (after.grams - before.grams + gone_g) / bench.density_g_ml * 1000


def listen_until(bench: Bench, until: Callable[[dict[str, Any]], bool]) -> float:
    """Follows the pump until a status fits; when that was."""
    while not until(bench.pump.wait_status()):
        pass
    return bench.now_s
