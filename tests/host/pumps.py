"""A pump that is nothing but a journal on a store, for the functions and the command that read it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from hil.devices.store import Store
from pump.core import housekeeping
from pump.core.journal import Journal
from pump.core.program import Refusal
from titrate.client import Pump
from titrate.errors import Refused


class JournalPump:
    """before(method, params): called ahead of each request, to let something happen meanwhile. days: what happens
    before each status that is waited for; then Ctrl-C."""

    port = SimpleNamespace(port="fake://")
    state = "IDLE"

    def __init__(self, store: Store) -> None:
        self.log = Journal(store)
        self.log.open()
        self.before: Callable[[str, dict[str, Any]], None] = lambda method, params: None
        self.days: list[Callable[[], None]] = []
        self.asked: list[str] = []

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        self.before(method, params)
        self.asked.append(params.get("name", method))
        try:
            reply: dict[str, Any] = getattr(housekeeping, method)(self, **params)
        except Refusal as refusal:
            raise Refused(method, self.state, refusal.reason) from None
        return reply

    events = Pump.events

    def wait_status(self) -> None:
        if not self.days:
            raise KeyboardInterrupt
        self.days.pop(0)()

    def __enter__(self) -> "JournalPump":
        return self

    def __exit__(self, *error: object) -> None: ...
