"""Twin of drivers/inputs_rp2.py: slow inputs that the bench sets."""

from hil.devices.keys import Keys


class Inputs:
    """battery, temperature, syringe, guard, bubble: what the bench sets; the methods are the driver's."""

    def __init__(self, contacts: Keys, battery_mv: int = 12_000, temperature_dc: int = 270) -> None:
        self.contacts = contacts
        self.battery = battery_mv
        self.temperature = temperature_dc
        self.syringe = True
        self.guard = True
        self.bubble = False

    def battery_mv(self) -> int:
        return self.battery

    def temperature_dc(self) -> int:
        return self.temperature

    def syringe_present(self) -> bool:
        return self.syringe

    def guard_closed(self) -> bool:
        return self.guard

    def air(self) -> bool:
        return self.bubble

    def keys(self) -> int:
        return self.contacts.levels()
