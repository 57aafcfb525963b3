"""Bench files: the example is whole, every mistake is named with its place, and what is missing is said."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from hil import benchfile, inventory
from hil.instruments.errors import InstrumentMissing
from hil.instruments.pan import Pan
from hil.instruments.pty_port import PtyPort
from hil.instruments.relay_board import RelayBoardTwin
from hil.instruments.twins import SbiTwin
from titrate.errors import ProtocolError

BENCHES = Path(benchfile.__file__).parent / "benches"
EXAMPLE = (BENCHES / "example.toml").read_text()
LEAST = """
name = "least"
syringe = "bd-plastipak-50"
[pump]
port = "/dev/ttyACM0"
[line]
volume_ul = 1200
[limits]
rate_ml_h = 100
pressure_kpa = 50
volume_ml = 20
"""


@pytest.mark.parametrize("path", sorted(BENCHES.glob("*.toml")), ids=lambda path: path.name)
def test_the_benches_that_come_along_are_valid(path: Path) -> None:
    assert benchfile.read(path).name


def test_the_example_has_every_key() -> None:
    bench = benchfile.parse(EXAMPLE)
    for name, field in benchfile.BenchFile.model_fields.items():
        table = getattr(bench, name)
        assert table is not None, name
        for key in getattr(type(table), "model_fields", {}):
            assert f"\n{key} = " in EXAMPLE or key in ("port", "usb_serial"), f"{name}.{key}"
        assert field is not None
    assert (bench.power.relay, bench.power.inverted, bench.link.relay) == (1, True, None)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('family = "mt-sics"', 'family = "kern"', r"balance\.family.*kern.*'mt-sics', 'sbi' or 'ohaus'"),
        ('"bd-plastipak-50" ', '"bd-60" ', r"syringe.*bd-60.*bd-plastipak-50"),
        ('board = "pico"', 'board = "uno"', r"pump\.board.*uno.*pico"),
        ("baud = 9600", 'baud = "9600"', r"balance\.baud.*9600.*valid integer"),
        ("volume_ul = 1200", "volume_ul = -1", r"line\.volume_ul.*-1.*greater than 0"),
        ("volume_ul = 1200", "volume = 1200", r"line\.volume_ul.*nothing is given.*needed"),
        ("capacity_g = 220", "capacity_g = 220\ncolour = 1", r"balance\.colour.*this key.*family"),
        ("[link]", "[lonk]", r"lonk.*this key.*occluder, power, link"),
        ("relay = 1\n", "relay = 0\n", r"power.*relay 0.*used by \[occluder\]"),
        ("relay = 1\n", "relay = 40\n", r"power\.relay.*40.*less than or equal to 31"),
        ("relay = 1\n", "", r"power.*relay's number"),
        ("start = 5", "start = 0", r"keys.*relay 0.*used by \[occluder\]"),
        ("mute = 7", "louder = 7", r"keys\.louder.*this key.*stop, start, bolus, mute"),
        ('by = "person"', 'by = "person"\nrelay = 3', r"link.*3.*no relay"),
        ('port = "/dev/ttyUSB0"\nbaud', "baud", r"balance.*neither.*usb_serial"),
        ('usb_serial = "NLRL240001"', 'usb_serial = "N"\nport = "/dev/x"', r"relays.*both.*either"),
        ("[observer]", "[observer]\nrelay = 3", r"observer\.relay.*this key.*the keys by"),
        ('serial_number = "12345"', "", r"sound_meter\.serial_number.*nothing is given.*needed"),
        ("rate_ml_h = 400", "rate_ml_h = inf", r"limits\.rate_ml_h.*finite"),
        ("rate_ml_h = 400", "rate_ml_h = ", r"line \d+.*TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(old: str, new: str, message: str) -> None:
    assert EXAMPLE.count(old) >= 1
    with pytest.raises(ProtocolError, match=r"(?s)mine\.toml.*" + message) as caught:
        benchfile.parse(EXAMPLE.replace(old, new, 1), "mine.toml")
    assert "\n" not in str(caught.value)


def test_relays_need_their_board() -> None:
    with pytest.raises(ProtocolError, match=r"occluder.*relay 0.*\[relays\]"):
        benchfile.parse(LEAST + '[occluder]\nby = "relay"\nrelay = 0\n')


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "marked.toml"
    path.write_text(LEAST, encoding="utf-8-sig")
    assert benchfile.read(path).name == "least"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    for name in ("missing.toml", "latin.toml", ""):
        with pytest.raises(ProtocolError, match=r"read|UTF-8"):
            benchfile.read(tmp_path / name)


def usb(device: str, serial_number: str | None) -> SimpleNamespace:
    return SimpleNamespace(device=device, serial_number=serial_number)


def test_devices_are_found_by_their_usb_serial_number() -> None:
    pump = benchfile.parse(EXAMPLE).pump
    ports = [usb("/dev/ttyS0", None), usb("/dev/ttyACM3", "E6614103E7452D2F")]
    assert inventory.port_of(pump, "pump", lambda: ports) == "/dev/ttyACM3"
    with pytest.raises(InstrumentMissing, match="E6614103E7452D2F; plugged in: X1 at /dev/ttyUSB1"):
        inventory.port_of(pump, "pump", lambda: [usb("/dev/ttyUSB1", "X1")])


def test_what_stands_on_the_bench_is_said_line_by_line() -> None:
    twin, relays = SbiTwin(Pan(lambda: 0, lambda: 0), "31-4159"), RelayBoardTwin()
    with PtyPort(twin.answer) as balance, PtyPort(relays.answer) as board:
        bench = benchfile.parse(
            EXAMPLE.replace('"mt-sics"', '"sbi"')
            .replace("/dev/ttyUSB0", balance.path)
            .replace('usb_serial = "NLRL240001"', f'port = "{board.path}"')
        )
        said = inventory.lines(bench, list)
        hand = inventory.power_relay(bench)
        hand.restore()
        assert relays.states[1]
    text = "\n".join(said)
    for words in (
        "pump      NOT FOUND: pump: no USB device",
        f"balance sbi ({balance.path}), sbi, 0.0001 g of 220 g, serial number 31-4159",
        f"relay board ({board.path}), Numato protocol, serial number SIM00001",
        "power     relay 1",
        "link      a person is asked",
        "guard     relay 2",
        "observer  a person is asked",
        "sound     a hand-held meter, serial number 12345",
        "keys      stop on relay 4, start on relay 5, bolus on relay 6, mute on relay 7",
        "400 mL/h, 80 kPa, 45 mL at most",
    ):
        assert words in text


def test_what_a_bench_does_not_have_is_a_reason_to_skip() -> None:
    bench = benchfile.parse(LEAST)
    assert "balance   none: what needs it is skipped" in inventory.lines(bench)
    for get, table in (
        (inventory.open_balance, "balance"),
        (inventory.open_relays, "relays"),
        (inventory.occluder, "occluder"),
        (inventory.power_relay, "power"),
        (inventory.link_breaker, "link"),
        (inventory.guard, "guard"),
        (inventory.observer, "observer"),
        (inventory.sound_meter, "sound_meter"),
    ):
        with pytest.raises(InstrumentMissing, match=rf'bench "least" has no table \[{table}\]'):
            get(bench)
    assert inventory.of_target("sim")[0] == "bench     simulated; firmware in this process"
    assert "bench     /dev/ttyACM0" in inventory.of_target("/dev/ttyACM0")[0]
