"""Random programs for the laws: any phases that a board could be asked for."""

from typing import Any

from hypothesis import Phase
from hypothesis import strategies as st

FASTEST_PL_H = 1_200 * 10**9
SYRINGES = ("bd-plastipak-5", "bd-plastipak-10", "bd-plastipak-20", "bd-plastipak-50")
NO_SHRINKING = (Phase.explicit, Phase.generate)  # for examples that are whole runs: a failure would take minutes

durations_ms = st.one_of(
    st.integers(1, 1000), st.integers(1000, 60_000), st.sampled_from([3_600_000, 14_400_000, 864_000_000])
)
short_ms = st.integers(1, 20_000)
rates_pl_h = st.one_of(
    st.just(0), st.integers(1, 10**6), st.integers(10**6, 10**9), st.integers(10**9, 10**11), st.just(25 * 10**9)
)


@st.composite
def phases(draw: st.DrawFn, durations: st.SearchStrategy[int] = durations_ms, most: int = 6) -> list[list[Any]]:
    """Flat phases, ramps up and down, and pauses."""
    found: list[list[Any]] = []
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(["infuse", "ramp", "bolus", "pause"]))
        begin = 0 if kind == "pause" else draw(rates_pl_h)
        end = draw(rates_pl_h) if kind == "ramp" else begin
        found.append([kind, draw(durations), begin, end])
    return found
