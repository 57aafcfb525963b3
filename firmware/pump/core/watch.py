"""Watches: holds every monitor with the board's thresholds, and says which conditions are true now.

Those that must stop the motor soon are looked at in every control tick, the others once a second behind it (`slow`).
A condition is the bit of its alarm.
"""

from pump.core import alarms, load_cell, monitors, readings, slf3s
from pump.core.flow import BASAL, ON_DEMAND, OVER, TIMED, UNDER, Flow
from pump.core.law import KIND
from pump.core.sensors import Sensors
from pump.core.units import MS_PER_H, MS_PER_S, PL_PER_NL

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from pump.core.controller import Controller
    from pump.core.hardware import Board, Driver, FlowMeter, Inputs, Message, Pressure

_OCCLUSION = alarms.BITS["OCCLUSION"]
_UPSTREAM = alarms.BITS["UPSTREAM_OCCLUSION"]
_AIR = alarms.BITS["AIR_IN_LINE"]
_MISSING = alarms.BITS["SYRINGE_MISSING"]
_GUARD = alarms.BITS["GUARD_OPEN"]
_MOTOR_FAULT = alarms.BITS["MOTOR_FAULT"]
_OVER = alarms.BITS["OVER_DELIVERY"]
_SUPPLY = (
    (monitors.LOW, alarms.BITS["BATTERY_LOW"]),
    (monitors.DEPLETED, alarms.BITS["BATTERY_DEPLETED"]),
    (monitors.HIGH, alarms.BITS["SUPPLY_HIGH"]),
)
_LEAP = {0: 0, monitors.RISE: _OCCLUSION, monitors.FALL: alarms.BITS["LINE_DISCONNECTED"]}
_NO_PRESSURE = {load_cell.BROKEN_PA: "silent", load_cell.OVERLOADED_PA: "overloaded"}
_OF_A_PROGRAM = alarms.BITS["LIBRARY_MISSING"] | alarms.BITS["NEAR_EMPTY"] | alarms.BITS["RESERVOIR_LOW"]
_MINUTE_MS = 60000
_REMIND_FIRST_MS = 5 * _MINUTE_MS  # SR-UI-08
_REMIND_AGAIN_MS = 15 * _MINUTE_MS
RECENT = 5  # seconds of pressure that the record of an alarm keeps


class Watch:
    """sensors: the slow inputs. slow: conditions of the last second. keys_stuck: set by whoever reads the keys.
    driver: what watches the motor driver, if it has something to tell; driver_waits: to be asked in this second.
    pressure: its sensor.
    meter: the flow sensor. host: whether one is connected, by its good lines (SR-LINK-06). resting: nobody has needed
    the pump for the hours that are set, so it may be dark (SR-POWER-08)."""

    def __init__(self, board: "Board", inputs: "Inputs") -> None:
        self._board = board
        self.sensors = Sensors(inputs, board.BATTERY_CEILING_MV)
        self.slow = 0
        self.keys_stuck = False
        self.host = self.resting = self._touched = False
        self.driver: "Driver | None" = None
        self.driver_waits = False
        self.pressure: "Pressure | None" = None
        self.meter: "FlowMeter | None" = None
        self._delivery = slf3s.delivery(board)
        self._meter_air = False
        self._driver_failed = False
        self._driver_told, self._meter_told = monitors.Doubling(), monitors.Doubling()
        self._occlusion = monitors.Occlusion(board.OCCLUSION_PA[-1])
        self._suction = monitors.Suction(board.REFILL_FALL_PA)
        self._leap = monitors.Leap(board.PRESSURE_LEAP_PA, board.PRESSURE_FALL_PA, board.PRESSURE_LEAP_S)
        self._band = monitors.SensorBand(board.PRESSURE_BAND_PA[0], board.PRESSURE_BAND_PA[1], board.PRESSURE_STUCK_S)
        self._air = monitors.Air()
        self._saw_air = False
        self._missing = False
        self._opened = False  # the guard, while the motor ran
        self._recent_pa = [0] * RECENT  # one a second, the oldest first
        self._supply = monitors.Supply(board.BATTERY_LOW_MV, board.BATTERY_DEPLETED_MV, board.SUPPLY_HIGH_MV)
        self._heat = monitors.Heat(board.OVERHEATED_DC)
        self._silence = monitors.Silence(board.LINK_TIMEOUT_MS)
        self._paused = monitors.Waiting(board.PAUSED_S * MS_PER_S)
        self._reminder = monitors.Reminder(_REMIND_FIRST_MS, _REMIND_AGAIN_MS)
        self._staged = monitors.Waiting(board.STAGED_S * MS_PER_S)
        self._flow = Flow(
            board.FLOW_PERCENT, board.FLOW_NL_H, board.FLOW_BASAL_S, board.FLOW_BOLUS_S, board.FLOW_TIMED_S
        )
        self._flow_of: "object" = None  # what the flow was compared with: (course, phase, state)
        self._flow_steps = self._second_steps = 0
        self._rate_pl_h = 0
        self._minute_ms = 0
        self._near_empty_min = board.NEAR_EMPTY_MIN[-1]
        self._rest: "monitors.Waiting | None" = None
        self._library_required = False

    # --- thresholds

    def use(self, settings: "dict[str, int]") -> None:
        """Takes up the settings."""
        self._occlusion.set(self._board.OCCLUSION_PA[settings["occlusion_level"]])
        self._near_empty_min = self._board.NEAR_EMPTY_MIN[settings["near_empty_level"]]
        hours = settings["auto_off_h"]
        self._rest = monitors.Waiting(hours * MS_PER_H) if hours else None
        self._library_required = settings["library_required"] > 0

    def fitted(self, step_volume: tuple[int, int], bore_um: int) -> None:
        """A syringe was declared: volumes become steps, and a force becomes a pressure."""
        pl, divisor = step_volume
        single, hour = self._board.AIR_SINGLE_NL, self._board.AIR_HOUR_NL
        self._air.limits(single * PL_PER_NL * divisor // pl, hour * PL_PER_NL * divisor // pl)
        self._flow.step_volume = step_volume
        if self.pressure:
            self.pressure.fitted(bore_um)

    def calibrated(self, measured: "Message") -> None:
        """Takes up what the pressure sensor was measured to read; without it the sensor is nominal."""
        if self.pressure:
            self.pressure.correct(measured.get("zero_pa", 0), measured.get("span_ppm", 0))

    def heard(self) -> None:
        """A good line has come from the host."""
        self._silence.heard()
        self.host = True
        self.touched()

    def touched(self) -> None:
        """Somebody is there: a host, or a finger on a key."""
        self._touched = True
        self.resting = False

    def motor_starts(self, pressure_pa: int) -> None:
        """Whatever was done while the motor stood, if only for a moment, is no leap of the pressure."""
        self._leap.update(0, pressure_pa)
        self._suction.begin(pressure_pa)

    def acknowledged(self) -> None:
        """A person has seen to what was there: the air of the last hour is out of the line."""
        self._air.forget()

    def program_ended(self) -> None:
        """What can only be true while a program is under way is over."""
        self.slow &= ~_OF_A_PROGRAM

    def measured(self, pump: "Controller", name: str) -> str:
        """For the record of an alarm: what the sensors say, the value that tripped it where that is none of them, and
        what the pressure was before (SR-ALARM-02, SR-ALARM-12)."""
        sensors = self.sensors
        before = " ".join([str(pressure_pa) for pressure_pa in self._recent_pa])
        return "%d Pa, %d steps, %d mV, %d dC%s; each second before %s Pa" % (
            pump.pressure_pa,
            pump.total_steps,
            sensors.battery_mv,
            sensors.temperature_dc,
            self._tripped(pump, name),
            before,
        )

    def _tripped(self, pump: "Controller", name: str) -> str:
        if name == "AIR_IN_LINE":
            bubble_steps, hour_steps = self._air.seen_steps()
            return ", %d nL of air at once, %d in the hour" % (pump.nl_of(bubble_steps), pump.nl_of(hour_steps))
        if name == "DOSE_LIMIT":
            return ", %d, %d and %d ng in 1, 4 and 24 h" % tuple(pump.dosing.ledger.given_ng())
        if name in ("SYRINGE_EMPTY", "RESERVOIR_LOW", "NEAR_EMPTY"):
            return ", %d nL left" % pump.remaining_nl()
        if name in ("OVER_DELIVERY", "UNDER_DELIVERY"):
            return ", %d steps a second at %d nL/h" % (self._second_steps, self._rate_pl_h // PL_PER_NL)
        return ""

    # --- in every control tick

    def tick(self, running: bool, drawing: bool, pressure_pa: int, steps: int) -> int:
        """Conditions that are true now. running: the motor pushes or, drawing, refills the syringe; steps: made since
        the last tick. No allocation."""
        sensors = self.sensors
        sensors.sample()
        conditions = self.slow
        if self._occlusion.update(running, pressure_pa):
            conditions |= _OCCLUSION
        if drawing and self._suction.update(pressure_pa):
            conditions |= _UPSTREAM
        air = sensors.air or self._meter_air
        if air or self._saw_air:
            found = self._air.update(air, steps if running else 0)
            self._saw_air = air or found
            if found:
                conditions |= _AIR
        if not sensors.syringe:
            if running or self._missing:
                self._missing = True
                conditions |= _MISSING
        elif self._missing:
            self._missing = False
        if not sensors.guard:
            if running:  # nothing holds the plunger any more: it may flow by itself, so no time is lost (SR-ACC-04)
                self._opened = True
                conditions |= _OVER
            if self._opened:
                conditions |= _GUARD
        elif self._opened:
            self._opened = False
        return conditions

    # --- once a second, behind the tick

    def second(self, pump: "Controller", elapsed_ms: int) -> None:
        """Looks at everything that has time; elapsed_ms since the last look."""
        bits = alarms.BITS
        course = pump.course
        running = course is not None and not course.backward
        rate_pl_h = readings.rate_pl_h(pump) if running else 0
        pressure_pa = pump.pressure_pa
        sensors = self.sensors
        self._recent_pa = self._recent_pa[1:] + [pressure_pa]
        leap = self._leap.update(rate_pl_h // PL_PER_NL, pressure_pa)
        # A syringe on its way out takes the pressure along: its switch says what it is, within three ticks.
        # And a line that fills is no leap either.
        slow = 0 if sensors.syringe_changes or pump.state == "PRIMING" else _LEAP[leap]
        beyond = self._band.update(running, pressure_pa)
        if beyond or sensors.faulty:
            slow |= bits["SENSOR_FAULT"]
            if not self.slow & bits["SENSOR_FAULT"] and pump.state != "FAULT":
                text = "supply and temperature: %d mV, %d dC cannot be true" % (sensors.read_mv, sensors.read_dc)
                if beyond:
                    text = "pressure sensor: %s" % _NO_PRESSURE.get(pressure_pa, "%d Pa cannot be true" % pressure_pa)
                pump.log.add(pump.now_ms, "fault", text)
        supply = self._supply.update(sensors.battery_mv)
        for mark, bit in _SUPPLY:
            if supply & mark:
                slow |= bit
        if self._heat.update(sensors.temperature_dc):
            slow |= bits["OVERHEATED"]
        if self._driver_failed or (pump.state != "FAULT" and self._look_at_driver(pump)):
            slow |= _MOTOR_FAULT
        if self.keys_stuck:
            slow |= bits["STUCK_KEY"]
        if self._silence.update(elapsed_ms):
            self.host = False
            pump.signals.link_lost()
            if pump.attended:
                slow |= bits["LINK_LOST"]
        if self._paused.update(pump.state == "PAUSED", elapsed_ms):
            slow |= bits["PAUSED_TOO_LONG"]
        if self._reminder.update(pump.waits_for_a_person(), elapsed_ms):
            pump.log.add(pump.now_ms, "reminder", "waiting in %s at %s" % (pump.state, self.measured(pump, "")))
            pump.signals.refuse()
        if self._staged.update(pump.is_staged(), elapsed_ms):
            pump.expire()
        if self._rest:
            idle = pump.state == "IDLE" and not pump.alarms and not self._touched
            self.resting = self._rest.update(idle, elapsed_ms)
            self._touched = False
        if self._library_required and not pump.dosing.library.entries:
            slow |= bits["LIBRARY_MISSING"]
        if pump.infusion:
            slow |= self._program(pump, rate_pl_h)
        if pump.memory.failed or pump.log.failed:
            slow |= bits["MEMORY_FAULT"]
        if self.meter:
            slow |= self._read_meter(pump, self.meter, running, elapsed_ms)
        slow |= self._compare_flow(pump, running, rate_pl_h, elapsed_ms)
        self._minute_ms += elapsed_ms
        if self._minute_ms >= _MINUTE_MS:
            self._minute_ms -= _MINUTE_MS
            self._air.pass_minute()
        self.slow = slow

    def _look_at_driver(self, pump: "Controller") -> bool:
        """Whether the motor driver reports a fault; the log says which. It is asked no more after that."""
        driver = self.driver
        if driver:
            trouble = driver.look(pump.plunger.motor())
            self.driver_waits = not trouble
            if trouble:
                self._driver_failed = True
                pump.log.add(pump.now_ms, "fault", "motor driver: %s" % trouble)
            elif self._driver_told.update(driver.mended):
                pump.log.add(pump.now_ms, "mended", "motor driver: %d replies lost, asked again" % driver.mended)
        return self._driver_failed

    def _read_meter(self, pump: "Controller", meter: "FlowMeter", running: bool, elapsed_ms: int) -> int:
        """The flow sensor against the pulses. Air in it is air at the detector; a flow beyond its range is too much."""
        trouble = meter.look()
        if trouble and not self.slow & alarms.BITS["SENSOR_FAULT"]:
            pump.log.add(pump.now_ms, "fault", "flow sensor: %s" % trouble)
        elif self._meter_told.update(meter.mended):
            pump.log.add(pump.now_ms, "mended", "flow sensor: %d replies lost, asked again" % meter.mended)
        self._meter_air = meter.air and meter.good
        if not running:
            self._delivery.reset()
        if trouble:
            return alarms.BITS["SENSOR_FAULT"]
        if not running or not meter.good or meter.air:
            return 0
        if meter.high:
            return _OVER
        found = self._delivery.update(elapsed_ms, meter.rate_nl_h, pump.nl_of(pump.total_steps - self._flow_steps))
        conditions = _OVER if found & OVER else 0
        return conditions | alarms.BITS["UNDER_DELIVERY"] if found & UNDER else conditions

    def _program(self, pump: "Controller", rate_pl_h: int) -> int:
        """What can only be true while a program is under way."""
        bits = alarms.BITS
        found = 0 if pump.dosing.entry else bits["LIBRARY_MISSING"]
        remaining_nl = pump.remaining_nl()
        if monitors.near_empty(remaining_nl, rate_pl_h // PL_PER_NL, self._near_empty_min):
            found |= bits["NEAR_EMPTY"]
        if pump.dosing.is_low(remaining_nl):
            found |= bits["RESERVOIR_LOW"]
        return found

    def _compare_flow(self, pump: "Controller", running: bool, rate_pl_h: int, elapsed_ms: int) -> int:
        """Pulses against the programmed rate (SR-ACC-03 to SR-ACC-10); anew with each phase, bolus and start."""
        course = pump.course
        steps = self._second_steps = pump.total_steps - self._flow_steps
        self._flow_steps = pump.total_steps
        mean_pl_h = (rate_pl_h + self._rate_pl_h) // 2
        self._rate_pl_h = rate_pl_h
        if not running or course is None:
            self._flow_of = None
            return 0
        of = (course, course.phase, pump.state)
        if of != self._flow_of:
            self._flow_of = of
            self._flow.reset()
            return 0
        kind = BASAL
        if pump.state == "BOLUS":
            kind = ON_DEMAND
        elif course.phases[course.phase][KIND] == "bolus":
            kind = TIMED
        found = self._flow.update(elapsed_ms, mean_pl_h, steps, kind)
        conditions = alarms.BITS["OVER_DELIVERY"] if found & OVER else 0
        return conditions | alarms.BITS["UNDER_DELIVERY"] if found & UNDER else conditions
