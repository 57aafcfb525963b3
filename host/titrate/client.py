"""titrate.Pump: the client of the link. Asks and waits, retries a lost line, keeps what the pump tells by itself.

It waits by no clock: every wait is a read on the port, whose time-out is device time on sim:// and emu:// (D6). The
host's time is only told, for the log.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import serial

from pump.core import framing, wire
from titrate import hands
from titrate.errors import BadFrame, LinkError, ProtocolError, Refused, TimedOut, VersionMismatch
from titrate.mirror import Mirror
from titrate.ports import open_port, reopen

Status = dict[str, Any]
Event = dict[str, Any]
Overrides = Sequence[tuple[str, int]]

REPLY_TIMEOUT_S = 1.0
TRIES = 4  # SR-LINK-08
PROMPT_S = 0.010  # SR-LOG-04
STATUS_TIMEOUT_S = 5.0  # the pump speaks every second
STATUS_READS = 1000  # a device that chatters without ever sending a status is no pump at work
HEARTBEAT_EVERY = 5  # status messages
MOST_WANTED = 3  # before a request: a session, and a hand at the pump for two things

SIGNED_IN_AS = {
    "operator": os.environ.get("TITRATE_OPERATOR", "bench"),
    "passphrase": os.environ.get("TITRATE_PASSPHRASE", ""),
    "label": os.environ.get("TITRATE_LABEL", "bench"),
}
RECONNECTS = 100  # tries: one takes 4 s of silence, or a second for a port that is not there


def unneeded(overrides: Overrides, passed: int) -> list[str]:
    """A warning, where more soft limits were named than the pump has let pass: it says nothing of the others."""
    named = dict.fromkeys(overrides)
    if passed >= len(named):
        return []
    given = ", ".join(f"{field}={value}" for field, value in named)
    return [f"override {given}: {len(named) - passed} of {len(named)} had no effect, as no such soft limit is passed"]


class Pump:
    """One pump on one port. status and events arrive while anybody waits.

    hello: what the pump said of itself. any_version: for whoever only wants to replace the firmware. on_status,
    on_event: called for each notification. Raises LinkError's tree when the pump does not answer or does not fit,
    Refused when it says no.

    operator, passphrase, label: who signs in, and for which run, when a request wants a session; the environment's
    TITRATE_OPERATOR, TITRATE_PASSPHRASE and TITRATE_LABEL unless given. at_the_pump: as `hands.ask`, for when a
    request wants a hand at the pump; a simulated bench has its own.
    """

    def __init__(
        self,
        port: serial.SerialBase,
        operator: str | None = None,
        passphrase: str | None = None,
        label: str | None = None,
        any_version: bool = False,
    ) -> None:
        self.port = port
        self._any_version = any_version
        given = {"operator": operator, "passphrase": passphrase, "label": label}
        self._credentials = {name: SIGNED_IN_AS[name] if value is None else value for name, value in given.items()}
        bench = getattr(port, "bench", None)
        self.at_the_pump = bench.hold_in_turn if bench else hands.ask
        self.on_status: Callable[[Status], None] | None = None
        self.on_event: Callable[[Event], None] | None = None
        self.event_log: list[Event] = []
        self.bad_lines = 0
        self._statuses: deque[Status] = deque(maxlen=8)
        self._deframer = framing.Deframer()
        self._mirror = Mirror()
        self._id = 0
        self._since_heartbeat = 0
        self._gone = False  # the port itself, as when a plug is pulled
        self._told = 0  # periodic statuses so far: the only clock there is
        self.state = "BOOT"
        self._operator = ""  # whose session is open
        self.hello = self._open()

    def reconnect(self) -> Status:
        """Finds the same pump again after a lost link and opens a session anew; its status. The pump was not asked, and
        has gone on meanwhile. Raises the last LinkError when it stays lost.
        """
        for left in reversed(range(RECONNECTS)):
            try:
                if self._gone:
                    reopen(self.port)
                    self._gone = False
                self._deframer, self._mirror = framing.Deframer(), Mirror()
                self._statuses.clear()
                hello = self._open()
                if hello["firmware"] != self.hello["firmware"]:
                    raise VersionMismatch(f"{self.port.port}: another pump, or another firmware, answers now")
                return self.status()
            except VersionMismatch:
                raise
            except LinkError:
                if not left:
                    raise
        raise AssertionError

    @classmethod
    def open(
        cls,
        url: str,
        operator: str | None = None,
        passphrase: str | None = None,
        label: str | None = None,
        any_version: bool = False,
    ) -> Pump:
        """Opens a port and says hello. LinkError names the ports that exist when this one does not."""
        port = open_port(url)
        try:
            return cls(port, operator, passphrase, label, any_version)
        except BaseException:
            port.close()
            raise

    def _open(self) -> dict[str, Any]:
        hello = self.request("hello")
        ours = wire.table_digest()
        if hello.get("wire") != ours and not self._any_version:  # SR-LINK-10
            raise VersionMismatch(
                f"the pump speaks version {hello.get('version')} (tables {hello.get('wire')}), "
                f"this host {wire.VERSION} (tables {ours}): install the matching one"
            )
        self.request("status")
        return hello

    def close(self) -> None:
        """Closes the port; the pump goes on with what it was doing."""
        self.port.close()

    def __enter__(self) -> Pump:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # --- requests

    def status(self) -> Status:
        """The fields of wire.STATUS, as of now."""
        return self.request("status")

    def syringe(self, syringe: str, fill_nl: int) -> dict[str, Any]:
        """Declares the fitted syringe."""
        return self.request("syringe", syringe=syringe, fill_nl=fill_nl)

    def fluid(self, drug: str, concentration_ng_ml: int) -> str:
        """Declares what the syringe holds; the state after that. Stops a program that is for another fluid."""
        return str(self.request("fluid", drug=drug, concentration_ng_ml=concentration_ng_ml)["state"])

    def load(self, header: dict[str, Any], phases: list[list[Any]]) -> str:
        """Stores a program, compares what the pump reads back, and returns the digest that `confirm` must name."""
        reply: dict[str, Any] = {}
        for first in range(0, len(phases), wire.PHASES_PER_LOAD):
            part = phases[first : first + wire.PHASES_PER_LOAD]
            reply = self.request("load", program=header, first=first, phases=part)
            if reply["phases"] != part:
                raise BadFrame(f"load: the pump read back {reply['phases']} for {part}")
        digest = wire.program_digest(header, phases)
        if reply.get("digest") != digest:
            raise BadFrame(f"load: the pump stored a program with digest {reply.get('digest')}, not {digest}")
        return digest

    def confirm(self, digest: str, overrides: Overrides = ()) -> None:
        """Accepts the loaded program. overrides: (field, value) of each soft limit that it may pass."""
        self.request("confirm", digest=digest, overrides=[list(pair) for pair in overrides])

    def program(self) -> tuple[dict[str, Any], list[list[Any]], str]:
        """(header, phases, digest) of the program that was confirmed last, as the pump stores it."""
        phases: list[list[Any]] = []
        while True:
            reply = self.request("program", first=len(phases))
            phases += reply["phases"]
            if len(phases) >= reply["program"]["phases"]:
                return reply["program"], phases, reply["digest"]

    def start(self) -> None:
        self.request("start")

    def prime(self) -> None:
        """Fills or flushes the line, with nobody at its end, until `stop` or the pump's time-out."""
        self.request("prime")

    def refill(self, volume_nl: int) -> None:
        """Draws so much into the declared syringe, from a line that ends in liquid."""
        self.request("refill", volume_nl=volume_nl)

    def pause(self) -> None:
        self.request("pause")

    def resume(self) -> None:
        self.request("resume")

    def stop(self) -> None:
        """Legal in every state."""
        self.request("stop")

    def hold(self) -> None:
        """Down to the hold rate until `resume`: another device saw a hazard."""
        self.request("hold")

    def bolus(self, volume_nl: int, duration_ms: int, overrides: Overrides = ()) -> int:
        """Asks for a bolus; the volume that the pump gives, in nL, which its drug library may have reduced."""
        pairs = [list(pair) for pair in overrides]
        reply = self.request("bolus", volume_nl=volume_nl, duration_ms=duration_ms, overrides=pairs)
        return int(reply["volume_nl"])

    def adjust(self, rate_pl_h: int, overrides: Overrides = ()) -> None:
        """Another rate for the rest of the phase in force, within the bounds that the program gives it."""
        self.request("adjust", rate_pl_h=rate_pl_h, overrides=[list(pair) for pair in overrides])

    def acknowledge(self) -> list[str]:
        """Acknowledges alarms; those still in force."""
        return list(self.request("acknowledge")["alarms"])

    def mute(self, seconds: float = 120) -> None:
        """Pauses the sound of the alarms in force, for two minutes at most; 0 ends the pause."""
        self.request("mute", ms=round(seconds * 1000))

    def doses(self) -> dict[str, Any]:
        """What the boluses of the run and the dose windows have come to."""
        return self.request("doses")

    def selftest(self) -> dict[str, str]:
        """passed, failed or skipped for each step of the self-test at power-on."""
        return self.request("selftest")

    def settings(self) -> dict[str, int]:
        """The settings in force."""
        return self.request("settings")

    def configure(self, **settings: int) -> dict[str, int]:
        """Changes settings of wire.SETTINGS in a pump that is idle; all that are then in force."""
        return self.request("configure", settings=self.settings() | settings)

    def calibration(self) -> dict[str, Any]:
        """{"syringes": {model: {...}}, "pressure": {...}} in force; what is empty is nominal."""
        return self.request("calibration")

    def library_digest(self) -> str:
        """Of the drug library in force; empty where there is none."""
        held = self.request("library", index=0, first=0)
        return str(held["digest"]) if held["count"] else ""

    def tell_time(self) -> None:
        """Sets the host's time beside the pump's in the log, so that entries get dates (SR-LOG-04). One more time where
        the answer was so slow that nobody knows when it was heard."""
        for _ in range(2):
            asked_s = time.time()
            self.request("clock", utc_s=int(asked_s), ms=int(asked_s * 1000) % 1000)
            if time.time() - asked_s < PROMPT_S:
                return

    def heartbeat(self) -> int:
        """Tells the pump that somebody is there; its time in ms."""
        return int(self.request("heartbeat")["time_ms"])

    def events(self, after: int = 0) -> list[Event]:
        """The pump's log behind sequence number `after`, oldest first."""
        found: list[Event] = []
        while True:
            reply = self.request("events", after=after)
            for sequence, time_ms, kind, text in reply["entries"]:
                found.append({"sequence": sequence, "time_ms": time_ms, "kind": kind, "text": text})
                after = sequence
            if not reply["entries"] or after >= reply["last"]:
                return found

    # --- what the pump tells

    def wait_status(self) -> Status:
        """The next status that the pump sends by itself; keeps the link alive. TimedOut when it is silent."""
        self._statuses.clear()
        self._since_heartbeat += 1
        if self._since_heartbeat >= HEARTBEAT_EVERY:
            self._since_heartbeat = 0
            self.heartbeat()
        for _ in range(STATUS_READS):
            if self._statuses:
                return self._statuses.popleft()
            if not self._receive(STATUS_TIMEOUT_S):
                raise TimedOut(f"the pump said nothing for {STATUS_TIMEOUT_S:g} s")
        raise TimedOut(f"the pump sends, but no status in {STATUS_READS} reads")

    def listen(self, timeout_s: float) -> bool:
        """Takes in what the pump tells, without asking it anything; False when it said nothing for so long."""
        return self._receive(timeout_s)

    # --- the line

    def request(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a request, and before it what the pump wants first: a session, or a hand at the pump."""
        for _ in range(MOST_WANTED):
            if wire.METHODS[method][0] in wire.SIGNED and not self._operator:
                self._request("sign_in", **self._credentials, wire=wire.table_digest())
            try:
                return self._request(method, **params)
            except Refused as refused:
                if not self._provide(refused):
                    raise
        return self._request(method, **params)

    def _provide(self, refused: Refused) -> bool:
        """Does what a refusal asks for; False where that is nothing, or nothing that can be done from here."""
        if refused.code == wire.NO_SESSION and refused.method != "sign_in":  # it was closed meanwhile
            self._operator = ""
            return True
        keys = wire.KEYS_FOR.get(refused.code)
        if keys and self.at_the_pump:
            self.at_the_pump(keys)
            self._request("status")
            return True
        return False

    def _request(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a request until its reply comes, at most TRIES times; the pump acts on it once."""
        number = self._id
        message = {"id": number, "method": method} | (
            {"params": params} if params else {}
        )  # a byte costs the pump 35 us
        line = framing.encode(message)
        if len(line) > framing.MAX_LINE_BYTES:
            longest = max((text for text in params.values() if isinstance(text, str)), key=len, default=method)
            allowed = (
                f"a text that is shorter by {len(line) - framing.MAX_LINE_BYTES} bytes: the link holds no longer line"
            )
            raise ProtocolError(method, longest, allowed)
        for _ in range(TRIES):
            self._send(line)
            reply = self._await_reply(number)
            if reply is None:
                continue
            error = reply.get("error")
            if error:
                if error.get("code") == wire.REPLAYED and method != "hello":
                    # A request before this one was cut short here, by an exception, but not there: begin anew.
                    self._id = number + 1
                    self._request("hello")
                    return self._request(method, **params)
                self._id = number + 1
                raise Refused(method, self.state, str(error.get("message")), int(error.get("code", 0)))
            self._id = number + 1
            result = reply["result"]
            if method == "status":
                self._take_status(result)
            if method == "sign_in":
                self._operator = result["operator"]
            return dict(result)
        raise TimedOut(f"no answer to {method} from {self.port.port} after {TRIES} tries; is it a Titrate pump?")

    def _await_reply(self, number: int) -> dict[str, Any] | None:
        """The reply, or None when it is lost: after silence, or after two statuses, which come once a second."""
        self._reply: dict[str, Any] | None = None
        told = self._told
        while self._told - told < 2 and self._receive(REPLY_TIMEOUT_S):
            reply = self._reply
            if reply is not None and reply.get("id") == number:
                return reply
        return None

    def _send(self, line: bytes) -> None:
        try:
            self.port.write(line)
        except (serial.SerialException, OSError) as error:
            self._gone = True
            raise LinkError(f"{self.port.port}: the line is gone: {error}") from error

    def _receive(self, timeout_s: float) -> bool:
        """Reads what is there, or waits for the first byte; False when the time is over."""
        try:
            self.port.timeout = timeout_s
            waiting: int = self.port.in_waiting  # type: ignore[attr-defined]  # every port class has it
            data = self.port.read(waiting or 1)
        except (serial.SerialException, OSError) as error:
            self._gone = True
            raise LinkError(f"{self.port.port}: the line is gone: {error}") from error
        for message, _fault in self._deframer.feed(data):
            if message is None:
                self.bad_lines += 1
            elif "result" in message or "error" in message:
                self._reply = message
            elif "id" not in message:  # what has one is a request of this host, come back from a line that echoes
                self._take_notification(message)
        return bool(data)

    def _take_notification(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "status":
            self._take_status(params)
            self._told += 1
            self._statuses.append(params)
        elif message.get("method") == "event":
            if params["kind"] == "state":
                self._mirror.follow(params["text"])
            self.event_log.append(params)
            if self.on_event:
                self.on_event(params)

    def _take_status(self, status: Status) -> None:
        self.state = status["state"]
        self._operator = status["operator"]
        if self.on_status:
            self.on_status(status)
