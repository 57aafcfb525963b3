"""The drug library: what an entry must say, how entries come in, are told apart and are named by one digest
(SR-LIB-01, SR-LIB-11).

An entry holds the numbers for one drug in one use, which its `code` names. What a program or a bolus may do under an
entry is in limits.py. Nothing here changes a number, and nothing is filled in: an entry is whole or refused
(SR-LIB-09).
"""

import binascii
import hashlib

from pump.core.program import Refusal, is_whole
from pump.core.units import MS_PER_H, NG_PER_MG, NL_PER_ML
from pump.core.wire import DIGEST_DIFFERS, MAX_PHASE_MS, WRONG_PARAMETERS

TYPE_CHECKING = False  # MicroPython has no typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pump.core.hardware import Message

ANY_DRUG = "*"
MOST_ENTRIES = 32
FIELDS_PER_PART = 16  # keeps a line under framing.MAX_LINE_BYTES, whatever the fields hold

# profile: (least rate, most rate, longest phase, least total, most total); units as in the fields of an entry.
# The rates bind every entry (SR-RATE-03, SR-RATE-04); the rest are defaults, and an entry states its own where it must
# (SR-RATE-06, SR-DOSE-01).
PROFILES: dict[str, tuple[int, int, int, int, int]] = {
    "small-volume": (100000, 99900000, 24 * MS_PER_H, 100000, 999 * NL_PER_ML),
    "large-volume": (1000000, 999 * NL_PER_ML, 24 * MS_PER_H, 1000000, 9999 * NL_PER_ML),
}

# What a person is offered before choosing; it seeds a program and never starts one (SR-LIB-16).
DEFAULTS: "dict[str, int | str]" = {
    "rate_nl_h": 1 * NL_PER_ML,
    "rate_most_nl_h": 99900000,
    "bolus_unit": "mL",
    "time_format": "24 h",
    "total_low_nl": 100000,
    "total_high_nl": 999 * NL_PER_ML,
    "concentration_ng_ml": 1 * NG_PER_MG,
    "pressure_low_pa": 0,
    "pressure_high_pa": 100000,
}

# What has five limits: (stem, unit, most). A value at its most is no limit at all. `loading` is a bolus phase of a
# program, `bolus` one on request.
LIMITS = (
    ("rate", "nl_h", 10000 * NL_PER_ML),
    ("dose_rate", "ng_kg_h", 10000 * NG_PER_MG),
    ("loading", "ng_kg", 10000 * NG_PER_MG),
    ("loading_rate", "nl_h", 10000 * NL_PER_ML),
    ("bolus", "nl", 100 * NL_PER_ML),
    ("bolus_rate", "nl_h", 10000 * NL_PER_ML),
)
SIDES = ("hard_low", "soft_low", "typical", "soft_high", "hard_high")
WINDOWS_H = (1, 4, 24)
MOST_DOSE_NG_KG = 100000 * NG_PER_MG

HOLD, KEEP = "hold", "keep"  # at the low mark: drop to the hold rate, or keep the rate
REFUSE, REDUCE = "refuse", "reduce"  # a bolus that a dose window has no room for

CHOICES: dict[str, tuple[str, ...]] = {
    "profile": ("small-volume", "large-volume"),
    "near_empty_action": (HOLD, KEEP),
    "bolus_policy": (REFUSE, REDUCE),
}

# field: (type, least, most); a text is its length in characters. Every one of them is required (SR-LIB-02).
ENTRY: dict[str, tuple[type, int, int]] = {
    "drug": (str, 1, 40),
    "code": (str, 1, 40),
    "profile": (str, 1, 20),
    "concentration_low_ng_ml": (int, 1, 1000000000),
    "concentration_ng_ml": (int, 1, 1000000000),
    "concentration_high_ng_ml": (int, 1, 1000000000),
    "bolus_lockout_ms": (int, 0, 24 * MS_PER_H),
    "bolus_count": (int, 0, 32),
    "bolus_window_ms": (int, 60000, 24 * MS_PER_H),
    "bolus_policy": (str, 1, 20),
    "kvo_nl_h": (int, 0, 1000000),
    "kvo_nl": (int, 0, 50000000),
    "kvo_ms": (int, 0, 24 * MS_PER_H),
    "near_empty_nl": (int, 0, 50000000),
    "near_empty_action": (str, 1, 20),
    "longest_phase_ms": (int, 1000, MAX_PHASE_MS),
    "total_low_nl": (int, 1, 100000 * NL_PER_ML),
    "total_high_nl": (int, 1, 100000 * NL_PER_ML),
    "version": (int, 1, 1000000),
    "date": (str, 10, 10),
    "author": (str, 1, 40),
}
for _stem, _unit, _most in LIMITS:
    for _side in SIDES:
        ENTRY["%s_%s_%s" % (_stem, _side, _unit)] = (int, 0, _most)
for _hours in WINDOWS_H:
    ENTRY["dose_%dh_soft_ng_kg" % _hours] = (int, 0, MOST_DOSE_NG_KG)
    ENTRY["dose_%dh_hard_ng_kg" % _hours] = (int, 0, MOST_DOSE_NG_KG)
FIELDS = tuple(sorted(ENTRY))

# Fields whose values must not fall from one to the next (SR-LIB-03).
RISING = tuple([tuple(["%s_%s_%s" % (stem, side, unit) for side in SIDES]) for stem, unit, _ in LIMITS]) + (
    ("concentration_low_ng_ml", "concentration_ng_ml", "concentration_high_ng_ml"),
    ("total_low_nl", "total_high_nl"),
    ("dose_1h_soft_ng_kg", "dose_1h_hard_ng_kg", "dose_4h_hard_ng_kg", "dose_24h_hard_ng_kg"),
    ("dose_1h_soft_ng_kg", "dose_4h_soft_ng_kg", "dose_24h_soft_ng_kg"),
    ("dose_4h_soft_ng_kg", "dose_4h_hard_ng_kg"),
    ("dose_24h_soft_ng_kg", "dose_24h_hard_ng_kg"),
)


def _is_date(text: str) -> bool:
    """Whether text is YYYY-MM-DD, the month and the day in their spans."""
    digits = text[:4] + text[5:7] + text[8:]
    if len(digits) != 8 or text[4] != "-" or text[7] != "-":
        return False
    for character in digits:
        if not "0" <= character <= "9":
            return False
    return 1 <= int(text[5:7]) <= 12 and 1 <= int(text[8:]) <= 31


def _is_text(value: object, least: int, most: int) -> bool:
    """Whether value is printable ASCII of that length: nothing that could break a line of the canonical text."""
    if not isinstance(value, str) or not least <= len(value) <= most:
        return False
    for character in value:
        if not " " <= character <= "~":
            return False
    return value == value.strip()


def fault(entry: "Message") -> "tuple[str, object, str] | None":
    """What is wrong with an entry: (field, its value or None, what is allowed); None for a good one."""
    for name in sorted(entry):
        if name not in ENTRY:
            return name, entry[name], "only the fields of an entry"
    for name in FIELDS:
        if name not in entry:
            return name, None, "every field"
        kind, least, most = ENTRY[name]
        value = entry[name]
        if kind is int and not is_whole(value, least, most):
            return name, value, "a whole number, %d to %d" % (least, most)
        if kind is str and not _is_text(value, least, most):
            return name, value, "%d to %d printable ASCII characters" % (least, most)
        if name in CHOICES and value not in CHOICES[name]:
            return name, value, " or ".join(CHOICES[name])
    if not _is_date(entry["date"]):
        return "date", entry["date"], "a date as YYYY-MM-DD"
    for names in RISING:
        lower = names[0]
        for upper in names[1:]:
            if entry[lower] > entry[upper]:
                return lower, entry[lower], "at most %s, %d" % (upper, entry[upper])
            lower = upper
    slowest, fastest = PROFILES[entry["profile"]][:2]
    if entry["rate_hard_low_nl_h"] < slowest:
        return "rate_hard_low_nl_h", entry["rate_hard_low_nl_h"], "at least %d, by the profile" % slowest
    if entry["rate_hard_high_nl_h"] > fastest:
        return "rate_hard_high_nl_h", entry["rate_hard_high_nl_h"], "at most %d, by the profile" % fastest
    return None


def check_entry(entry: "Message") -> None:
    """Raises Refusal, naming entry and field, for an entry that is not exactly right."""
    found = fault(entry)
    if found:
        name, value, allowed = found
        given = "is missing" if value is None else "%r is not allowed" % (value,)
        raise Refusal(WRONG_PARAMETERS, "entry %s: %s: %s; %s" % (entry.get("code"), name, given, allowed))


def entry_text(entry: "Message") -> str:
    """An entry in the one form that is hashed and stored: a line `field=value` for each field, sorted."""
    return "".join(["%s=%s\n" % (name, entry[name]) for name in FIELDS])


def part(entry: "Message", first: int) -> "Message":
    """The fields of an entry that travel together, beginning with number `first` of FIELDS."""
    return {name: entry[name] for name in FIELDS[first : first + FIELDS_PER_PART]}


def _takes(entry: "Message", concentration_ng_ml: int) -> bool:
    least: int = entry["concentration_low_ng_ml"]
    most: int = entry["concentration_high_ng_ml"]
    return least <= concentration_ng_ml <= most


def _key(entry: "Message") -> tuple[str, str]:
    return str(entry.get("drug")), str(entry.get("code"))


class Library:
    """Entries, good and told apart by (drug, code), in that order; raises Refusal for any others.

    An empty library is a good one, but it is no library in use (SR-LIB-14).
    """

    def __init__(self, entries: "list[Message]" = []) -> None:  # noqa: B006  # never changed
        self.entries: "list[Message]" = []
        self._hash = hashlib.sha256()
        self._digest = ""
        for entry in sorted(entries, key=_key):
            self.add(entry)

    def add(self, entry: "Message") -> None:
        """Adds an entry behind those that are there; not after the digest was asked for."""
        check_entry(entry)
        if len(self.entries) == MOST_ENTRIES:
            raise Refusal(WRONG_PARAMETERS, "library: at most %d entries" % MOST_ENTRIES)
        if self.entries and _key(entry) <= _key(self.entries[-1]):
            raise Refusal(WRONG_PARAMETERS, "entry %s: entries come sorted, one for each drug and code" % entry["code"])
        self._hash.update(entry_text(entry).encode())
        self.entries.append(entry)

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all entries."""
        if not self._digest:
            self._digest = binascii.hexlify(self._hash.digest()).decode()
        return self._digest

    def find(self, drug: str, concentration_ng_ml: int, code: str = "") -> "Message | None":
        """The entry of a drug with that code, whatever its concentration: limits.py tells when that differs.

        Without a code, the only entry of the drug that takes the concentration; None where several do, for nothing is
        guessed. An entry for any drug is found by its code alone. None: unknown (SR-LIB-05).
        """
        if code:
            named = [entry for entry in self.entries if entry["code"] == code]
            for drug_or_any in (drug, ANY_DRUG):
                for entry in named:
                    if entry["drug"] == drug_or_any:
                        return entry
            return None
        taking = [entry for entry in self.entries if entry["drug"] == drug and _takes(entry, concentration_ng_ml)]
        return taking[0] if len(taking) == 1 else None

    def texts(self) -> "Iterator[str]":
        """The library as it is stored, an entry at a time; its last line is the digest."""
        for entry in self.entries:
            yield entry_text(entry)
        yield self.last_line()

    def last_line(self) -> str:
        """What tells that a stored library is whole."""
        return "digest=%s\n" % self.digest


def _nothing() -> None: ...


def from_lines(lines: "Iterable[str]", each: "Callable[[], None]" = _nothing) -> Library:
    """The library of what `texts` gave, line by line, as a file gives them. each(): called with every entry.

    Raises Refusal where anything is not as it was stored (SR-LIB-10).
    """
    library = Library()
    entry: "Message" = {}
    whole = False
    for line in lines:
        name, _, value = line[:-1].partition("=")
        if whole or line[-1:] != "\n":
            raise Refusal(DIGEST_DIFFERS, "library: the stored one is damaged")
        if name == "digest" and not entry:
            if library.digest != value:
                raise Refusal(DIGEST_DIFFERS, "library: the stored one has another digest")
            whole = True
            continue
        own_name = FIELDS[len(entry)]
        entry[own_name] = _whole(value) if ENTRY[own_name][0] is int else value
        if name != own_name or str(entry[own_name]) != value:
            raise Refusal(DIGEST_DIFFERS, "library: the stored one is damaged")
        if len(entry) == len(FIELDS):
            library.add(entry)
            entry = {}
            each()
    if not whole:
        raise Refusal(DIGEST_DIFFERS, "library: the stored one is not whole")
    return library


def _whole(text: str) -> "int | None":
    try:
        return int(text)
    except ValueError:
        return None


class Incoming:
    """A library on its way in, part by part; it takes the place of nothing until `accepted` has found it whole."""

    def __init__(self, count: int) -> None:
        if not is_whole(count, 0, MOST_ENTRIES):
            raise Refusal(WRONG_PARAMETERS, "count: must be 0 to %d" % MOST_ENTRIES)
        self.count = count
        self.library = Library()
        self._entry: "Message" = {}

    def add(self, index: int, first: int, fields: "Message") -> "Message":
        """Takes in the fields from number `first` on of entry `index`; the same, read back from what is held.

        Raises Refusal, and holds what it held before, for a part that is not the next or an entry that is not good.
        """
        if index != len(self.library.entries) or first != len(self._entry) or index >= self.count:
            raise Refusal(
                WRONG_PARAMETERS,
                "library: the next part is entry %d from field %d on" % (len(self.library.entries), len(self._entry)),
            )
        names = FIELDS[first : first + FIELDS_PER_PART]
        for name in fields:
            if name not in names:
                raise Refusal(WRONG_PARAMETERS, "library: %r is no field of this part" % name[:40])
        entry = dict(self._entry)
        for name in names:
            if name not in fields:
                raise Refusal(WRONG_PARAMETERS, "library: entry %d: %s is missing" % (index, name))
            entry[name] = fields[name]  # under our own name: one string for all entries
        if len(entry) == len(FIELDS):
            self.library.add(entry)
            self._entry = {}
        else:
            self._entry = entry
        return part(entry, first)

    def accepted(self, digest: str) -> Library:
        """The library, whole and of that digest. Raises Refusal."""
        come = len(self.library.entries)
        if come != self.count:
            raise Refusal(DIGEST_DIFFERS, "library: %d of %d entries have come" % (come, self.count))
        if self.library.digest != digest:
            raise Refusal(DIGEST_DIFFERS, "library: what has come has digest %s" % self.library.digest)
        return self.library
