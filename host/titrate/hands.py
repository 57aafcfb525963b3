"""Where to turn when a pump wants a hand at it: whoever has a person to ask puts a function here.

ask(keys): lets the person hold these keys of the pump, one after the other, a second each; returns when it is done.
"""

from collections.abc import Callable, Sequence

ask: Callable[[Sequence[str]], None] | None = None
