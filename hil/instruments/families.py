"""The drivers of balances, by the name of their family."""

from hil.instruments.balance import SerialBalance
from hil.instruments.mt_sics import MtSics
from hil.instruments.ohaus import Ohaus
from hil.instruments.sbi import Sbi

FAMILIES: dict[str, type[SerialBalance]] = {"mt-sics": MtSics, "sbi": Sbi, "ohaus": Ohaus}
