"""Checksums of eight bits, as two chips have them; four bits at a time."""


def _table(poly: int, reflected: bool) -> "list[int]":
    """What four bits make of a register, for a polynomial whose highest power goes without saying."""
    table = []
    for nibble in range(16):
        register = nibble if reflected else nibble << 4
        for _ in range(4):
            if reflected:
                register = register >> 1 ^ (poly if register & 1 else 0)
            else:
                register = (register << 1 ^ (poly if register & 0x80 else 0)) & 0xFF
        table.append(register)
    return table


_ATM = _table(0xE0, True)  # x^8 + x^2 + x + 1, its bits in reverse
_REVERSED = (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15)
_SENSIRION = _table(0x31, False)  # x^8 + x^5 + x^4 + 1


def atm(data: bytes) -> int:
    """CRC-8-ATM from 0 on, each byte's lowest bit first: TMC2209 datasheet Rev. 1.03, 4.2."""
    register = 0
    for byte in data:
        register ^= byte
        register = register >> 4 ^ _ATM[register & 15]
        register = register >> 4 ^ _ATM[register & 15]
    return _REVERSED[register & 15] << 4 | _REVERSED[register >> 4]


def sensirion(data: bytes) -> int:
    """CRC-8 from 0xFF on, each byte's highest bit first: SLF3S-1300F datasheet, chapter on checksums."""
    register = 0xFF
    for byte in data:
        register ^= byte
        register = (register << 4 & 0xFF) ^ _SENSIRION[register >> 4]
        register = (register << 4 & 0xFF) ^ _SENSIRION[register >> 4]
    return register
