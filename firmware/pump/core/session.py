"""Requests in order, each acted on once: the host's ids count up by one from the `hello` that opens a session.

The last request and its reply are kept, so that a repeated line gets the same reply and nothing is done twice
(SR-LINK-09).
"""

from pump.core.wire import METHODS, REPLAYED, UNKNOWN_METHOD, WRONG_PARAMETERS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable

    from pump.core.hardware import Message

    Act = Callable[[str, Message], tuple[Message | None, tuple[int, str] | None]]

_AT_ANY_ID = ("hello", "stop")  # a new session, and what must never be refused; doing either twice does no harm


def checked(message: "Message") -> "tuple[int, str] | None":
    """(code, reason) of what is wrong with a request's form, or None."""
    method = message.get("method")
    if not isinstance(method, str) or method not in METHODS:
        return UNKNOWN_METHOD, "unknown method"
    params = message.get("params", {})
    wanted = METHODS[method][1]
    if not isinstance(params, dict) or len(params) != len(wanted):
        return WRONG_PARAMETERS, "%s takes %s" % (method, ", ".join(sorted(wanted)) or "no parameters")
    for name in wanted:
        if name not in params or type(params[name]) is not wanted[name]:
            return WRONG_PARAMETERS, "%s: %s must be %s" % (method, name, wanted[name].__name__)
    return None


def _error(number: int, code: int, text: str) -> "Message":
    return {"id": number, "error": {"code": code, "message": text}}


class Session:
    """answer(message, act) -> reply or None. act(method, params) -> (result, None) or (None, (code, reason))."""

    def __init__(self) -> None:
        self._last_id = -1
        self._last_request: "Message | None" = None
        self._last_reply: "Message | None" = None

    def answer(
        self, message: "Message", act: "Act", refused: "Callable[[str], None] | None" = None
    ) -> "Message | None":
        """refused(reason): told of a request that is malformed, and so comes to no `act`."""
        number = message.get("id")
        if type(number) is not int or number < 0:
            return None  # a notification or nonsense: nothing to answer, nothing to do
        if number == self._last_id and message == self._last_request:
            return self._last_reply
        if number != self._last_id + 1 and message.get("method") not in _AT_ANY_ID:
            return _error(number, REPLAYED, "id %d; %d is next" % (number, self._last_id + 1))
        wrong = checked(message)
        if wrong:
            reply = _error(number, wrong[0], wrong[1])
            if refused:
                refused(wrong[1])
        else:
            result, error = act(message["method"], message.get("params", {}))
            reply = _error(number, error[0], error[1]) if error else {"id": number, "result": result}
        self._last_id, self._last_request, self._last_reply = number, message, reply
        return reply
