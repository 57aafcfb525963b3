"""A pyserial port whose far end only lives while somebody reads: time-outs are device time, and runs repeat."""

from __future__ import annotations

from typing import Any

from serial import PortNotOpenError, SerialBase, SerialException

from hil.bench import Bench, Target, parse_url
from hil.mechanics import Mechanics
from hil.plant.data import plant_of
from pump.core.syringes import SYRINGES


class LockstepSerial(SerialBase):
    """bench: everything around the pump. timeout: seconds of device time; None waits for ever."""

    bench: Bench

    def make_target(self, mechanics: Mechanics, seed: int) -> Target:
        """The target of this url's scheme; seed: of the noise of its sensors."""
        raise NotImplementedError

    def open(self) -> None:
        try:
            options = parse_url(self.port or "")
            plant = plant_of(options.plant)
        except ValueError as error:
            raise SerialException(str(error)) from error
        if options.syringe not in SYRINGES:
            known = ", ".join(SYRINGES)
            raise SerialException(f"{self.port}: syringe {options.syringe} is not known; known are {known}")
        mechanics = Mechanics(options.syringe, plant, seed=options.seed)
        self.bench = Bench(self.make_target(mechanics, options.seed), options.seed)
        self.bench.port = self
        self.is_open = True

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self.bench.target.close()

    def _reconfigure_port(self, force_update: bool = False) -> None:
        pass

    @property
    def in_waiting(self) -> int:
        return self._target.available()

    @property
    def _target(self) -> Target:
        if not self.is_open:
            raise PortNotOpenError
        return self.bench.target

    def read(self, size: int = 1) -> bytes:
        target = self._target
        if target.available() < size:
            target.run_for(1 << 60 if self.timeout is None else round(self.timeout * 1e6), until_bytes=size)
        return target.read(size)

    def write(self, data: Any) -> int:
        self._target.write(bytes(data))
        return len(data)

    def reset_input_buffer(self) -> None:
        self._target.read(self._target.available())

    def reset_output_buffer(self) -> None:
        pass

    def flush(self) -> None:
        pass

    def _update_dtr_state(self) -> None:
        pass

    def _update_rts_state(self) -> None:
        pass

    def _update_break_state(self) -> None:
        pass
