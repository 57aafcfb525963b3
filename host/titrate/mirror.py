"""The host's mirror of the pump's safety machine, built from the pump's own table: an impossible move is an error."""

from transitions import Machine, MachineError

from pump.core.states import COMMANDS, EVENTS, STATES, after
from titrate.errors import BadFrame


class Mirror:
    """state: the last one that the pump reported. Raises BadFrame for a transition that the table does not have."""

    state: str

    def __init__(self) -> None:
        self._machine = Machine(self, states=list(STATES), initial="BOOT", auto_transitions=False)
        for state in STATES:
            for event in (*COMMANDS, *EVENTS):
                following = after(state, event)
                if following is not None:
                    self._machine.add_transition(event, state, following)

    def follow(self, text: str) -> None:
        """Takes a log entry of kind state, "BEFORE > AFTER: EVENT", as the pump writes it."""
        moved, _, event = text.partition(": ")
        before, _, expected = moved.partition(" > ")
        try:
            self._machine.set_state(before)
            self.trigger(event)  # type: ignore[attr-defined]
        except (ValueError, AttributeError, MachineError) as error:
            raise BadFrame(f"the pump reported an impossible transition: {text}") from error
        if self.state != expected:
            raise BadFrame(f"the pump reported {text}; its table leads to {self.state}")
