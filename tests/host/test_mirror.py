"""The host's mirror of the safety machine: it follows every move of the table and refuses every other (D5)."""

import pytest

from pump.core.states import COMMANDS, EVENTS, STATES, after
from titrate.errors import BadFrame
from titrate.mirror import Mirror


def test_every_move_of_the_table_is_followed_and_every_other_is_an_error() -> None:
    mirror = Mirror()
    for state in STATES:
        for event in (*COMMANDS, *EVENTS):
            for claimed in STATES:
                text = f"{state} > {claimed}: {event}"
                if after(state, event) == claimed:
                    mirror.follow(text)
                    assert mirror.state == claimed
                else:
                    with pytest.raises(BadFrame):
                        mirror.follow(text)


@pytest.mark.parametrize("text", ["", "IDLE", "IDLE > READY", "IDLE > READY: FLY", "HERE > READY: CONFIRM", ": :"])
def test_nonsense_is_an_error(text: str) -> None:
    with pytest.raises(BadFrame):
        Mirror().follow(text)
