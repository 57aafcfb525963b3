"""Which drivers a board's data ask for: from the parts in FITTED to objects, with their pins and figures.

Only what is fitted is imported, and so takes RAM.
"""


def motor_driver(board):
    """What sets up and watches the motor driver; None for one that tells nothing."""
    pins = board.PINS
    if board.FITTED["driver"] == "tmc2209":
        from pump.core.tmc2209 import Tmc2209
        from pump.drivers.wire_uart import Wire

        wire = Wire(pins["driver_tx"], pins["driver_rx"])
        return Tmc2209(wire, board.MICROSTEPS, board.MOTOR_MA, board.MOTOR_HOLD_MA, board.SENSE_MOHM)
    if board.FITTED["driver"] == "drv8825":
        from pump.drivers.driver_fault_gpio import FaultPin

        return FaultPin(pins["driver_fault"])
    return None


def pressure(board):
    """What reads the pressure."""
    pins = board.PINS
    if board.FITTED["pressure"] == "hx711":
        from pump.core.load_cell import LoadCell
        from pump.drivers.load_hx711_pio import Converter

        converter = Converter(pins["load_data"], pins["load_clock"])
        return LoadCell(converter, board.LOAD_ZERO, board.LOAD_UN_PER_64_COUNTS, board.LOAD_BORE_UM)
    from pump.drivers.pressure_adc import Pressure

    return Pressure(pins["pressure"], board.PRESSURE_ZERO, board.PRESSURE_MPA_PER_COUNT)


def bus(board):
    """The one I2C bus that every such part hangs on; None for none. With a display it is fast: a page is 135 bytes."""
    with_display = board.FITTED["display"] == "ssd1306"
    if with_display or board.FITTED["flow"] == "slf3s":
        from pump.drivers.bus_i2c import Bus

        return Bus(board.PINS["sda"], board.PINS["scl"], 400000 if with_display else 100000)
    return None


def flow_meter(board, bus):
    """What reads the flow; None for no sensor."""
    if board.FITTED["flow"] == "slf3s":
        from pump.core.slf3s import Slf3s

        return Slf3s(bus, board.METER_NL_H_PER_COUNT)
    return None


def display(board, bus):
    """What shows the pump's state; None for no display."""
    if board.FITTED["display"] == "ssd1306":
        from pump.core.screen import Screen
        from pump.core.ssd1306 import Ssd1306

        return Screen(Ssd1306(bus))
    return None
