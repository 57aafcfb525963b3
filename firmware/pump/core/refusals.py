"""What was refused, in the log: a host that asks on and on neither fills it nor wears the flash."""

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.journal import Journal

LONGEST = 160  # characters: with the rest of its entry it is a line of the link


class Refusals:
    """The same refusal again is counted, and told with the next thing that is asked."""

    def __init__(self, log: "Journal") -> None:
        self._log = log
        self._text = ""
        self._again = 0

    def add(self, now_ms: int, text: str) -> None:
        """Something was refused."""
        text = text[:LONGEST]
        if text == self._text:
            self._again += 1
            return
        self.end(now_ms)
        self._text = text
        self._log.add(now_ms, "refused", text)

    def end(self, now_ms: int) -> None:
        """Something else was done, or is about to be refused."""
        if self._again:
            self._log.add(now_ms, "refused", "the same %d times more" % self._again)
        self._text, self._again = "", 0
