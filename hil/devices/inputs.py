"""Twin of drivers/inputs_rp2.py: slow inputs that the bench sets."""

from collections.abc import Callable

from hil.devices.keys import Keys


class Inputs:
    """battery, temperature, syringe, guard: what the bench sets; the methods are the driver's. air(): whether the
    detector sees any."""

    def __init__(
        self, contacts: Keys, air: Callable[[], bool], battery_mv: int = 12_000, temperature_dc: int = 270
    ) -> None:
        self.contacts = contacts
        self.air = air
        self.battery = battery_mv
        self.temperature = temperature_dc
        self.syringe = True
        self.guard = True

    def battery_mv(self) -> int:
        return self.battery

    def temperature_dc(self) -> int:
        return self.temperature

    def syringe_present(self) -> bool:
        return self.syringe

    def guard_closed(self) -> bool:
        return self.guard

    def keys(self) -> int:
        return self.contacts.levels()
