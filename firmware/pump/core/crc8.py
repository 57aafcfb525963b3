"""Checksums of eight bits, as two chips have them; from tables, since the motor driver is asked once a second."""


def _table(poly: int, reflected: bool) -> bytes:
    """What a byte makes of the register, for a polynomial whose highest power goes without saying."""
    table = bytearray(256)
    for register in range(256):
        begin = register
        for _ in range(8):
            if reflected:
                register = register >> 1 ^ (poly if register & 1 else 0)
            else:
                register = (register << 1 ^ (poly if register & 0x80 else 0)) & 0xFF
        table[begin] = register
    return bytes(table)


_ATM = _table(0xE0, True)  # x^8 + x^2 + x + 1, its bits in reverse
_REVERSED = (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15)
_SENSIRION = _table(0x31, False)  # x^8 + x^5 + x^4 + 1


def atm(data: bytes) -> int:
    """CRC-8-ATM from 0 on, each byte's lowest bit first: TMC2209 datasheet Rev. 1.03, 4.2."""
    register = 0
    for byte in data:
        register = _ATM[register ^ byte]
    return _REVERSED[register & 15] << 4 | _REVERSED[register >> 4]


def sensirion(data: bytes) -> int:
    """CRC-8 from 0xFF on, each byte's highest bit first: SLF3S-1300F datasheet, chapter on checksums."""
    register = 0xFF
    for byte in data:
        register = _SENSIRION[register ^ byte]
    return register
