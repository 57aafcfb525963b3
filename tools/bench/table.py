"""What `make bench` measures: each figure with its unit, its limits, which way is better, and what a peer has."""

import math
from dataclasses import dataclass

TICK_CYCLES = 12_500_000  # a control period of 100 ms at 125 MHz


@dataclass(frozen=True)
class Row:
    """better: "lower" or "higher". low, high: the limits. peer: the same of others, or empty."""

    what: str
    unit: str
    better: str
    low: float = -math.inf
    high: float = math.inf
    peer: str = ""


ROWS: dict[str, Row] = {
    "tick_cycles_max": Row("longest control tick while infusing, all monitors on", "cycles", "lower", high=625_000),
    "tick_cycles_mean": Row("control tick while infusing", "cycles", "lower", high=TICK_CYCLES * 0.05),
    "turn_cycles_max": Row("longest control tick with the slow duties behind it", "cycles", "lower", high=TICK_CYCLES),
    "busy_percent": Row("of the CPU's time while infusing at 25 mL/h, telemetry on", "%", "lower"),
    "collect_us_max": Row("longest collection of garbage, in ten minutes of infusing and asking; a stop may meet it",
                          "us", "lower", high=10_000),
    "tick_alloc_bytes": Row("heap allocated by a control tick", "bytes", "lower", high=0),
    "heap_free_boot": Row("heap free after boot", "bytes", "higher", low=100 * 1024),
    "heap_free_infusing": Row("heap free after each collection, ten minutes of infusing and asking; the least",
                              "bytes", "higher", low=100 * 1024),
    "heap_drift_bytes_h": Row("trend of that heap, upwards or down", "bytes/h", "higher", low=-1024),
    "objects_grown_24h": Row("objects more that the firmware keeps in 24 h of infusing and asking on sim://",
                             "objects", "lower", high=0),
    "step_error_us_max": Row("each step at the pin against the exact law, 25 mL/h, 10 min, asked each second", "us",
                             "lower", high=200, peer="see steps_vs_timer and steps_vs_asyncio"),
    "step_error_us_max_slow": Row("the same at 0.1 mL/h", "us", "lower", high=200),
    "rate_max_ml_h": Row("fastest rate with no step lost, 50 mL syringe", "mL/h", "higher", low=1200),
    "steps_per_s_max": Row("steps a second at that rate", "1/s", "higher"),
    "steps_per_s_firmware": Row("the same where motor and syringe set no limit; tried at 5000", "1/s",
                                "higher", low=4_900),
    "law_error_steps_240h": Row("largest distance of the plan from the exact law, 240 h regimen", "steps",
                                "lower", high=1),
    "stop_latency_us": Row("sending `stop` to the last step, 400 mL/h; the longest of 8", "us", "lower", high=20_000),
    "occlusion_latency_us": Row("threshold crossed to the last step, 300 mL/h; the longest of 3", "us", "lower",
                                high=150_000),
    "hang_overrun_ms": Row("CPU hangs to the last step, 25 mL/h; the longest of 3", "ms", "lower", high=250),
    "hang_overrun_steps": Row("steps made in it", "steps", "lower"),
    "hang_overrun_ms_fast": Row("the same at 1200 mL/h", "ms", "lower", high=250),
    "hang_overrun_steps_fast": Row("steps made in it", "steps", "lower"),
    "link_rtt_us_mean": Row("status request to its reply, infusing", "us", "lower", high=5_000),
    "link_rtt_us_max": Row("the longest of 100", "us", "lower", high=25_000),
    "boot_ms": Row("reset to the end of the self-test", "ms", "lower", high=5_000),
    "image_bytes": Row("payload of the UF2", "bytes", "lower"),
    "sim_speed_4h": Row("simulated seconds a wall second by the CLI, 4 h, the fastest of 5", "1", "higher", low=2000),
    "sim_speed_100h": Row("the same, 100 h", "1", "higher", low=2000),
    "sim_speed_4h_compiled": Row("the same after `make compiled`, 4 h, the fastest of 5", "1", "higher", low=2000),
    "sim_speed_100h_compiled": Row("the same, 100 h", "1", "higher", low=2000),
    "emu_speed": Row("simulated seconds a wall second on the emulated chip, 25 mL/h", "1", "higher", low=3,
                     peer="0.005 to 0.015, the one open peer with an emulated pump"),
    "timer_error_us_max": Row("a machine.Timer stepper's step against its own period, same load, 10 s", "us", "lower"),
    "asyncio_error_us_max": Row("an asyncio stepper's", "us", "lower"),
    "steps_vs_timer": Row("largest step error of a machine.Timer stepper over ours, same load", "1", "higher", low=10),
    "steps_vs_asyncio": Row("the same of an asyncio stepper", "1", "higher", low=10),
    "startup_help": Row("`titrate --help` over `python -c pass`", "1", "lower", high=12),
    "startup_import": Row("`import titrate` over `python -c pass`", "1", "lower", high=12),
}  # fmt: skip
