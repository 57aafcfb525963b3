"""A stock board behind a pseudo-terminal, in a process of its own, whose power can fail at a chosen flash command."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from hil.bench import Bench
from hil.boards import ROOT
from hil.mechanics import Mechanics
from hil.pty import Terminal, serve
from hil.targets.emulated import BLOCK_BYTES, FILES_AT, FLASH_BLOCKS, Emulated
from tests.loader import AWAITED, MARK

STOCK = ROOT / "build/stock-pico.uf2"
START_S, END_S = 60, 30
ERASE_MS, PAGE_MS = 5, 0.1  # faster than silicon: what is written when is the same
Report = dict[str, Any]


def stock_board(files: bytes | None = None, at_prompt: bool = False) -> Emulated:
    """files: what its flash holds; erased if None. at_prompt: as after the pump has made way."""
    board = Emulated(Mechanics("bd-plastipak-50"), image=STOCK)
    board.flash.erase_ms, board.flash.page_ms = ERASE_MS, PAGE_MS
    if files is not None:
        board._chip.flash[FILES_AT : FILES_AT + FLASH_BLOCKS * BLOCK_BYTES] = files
    if at_prompt:
        board._chip.write_uint32(MARK, AWAITED)
    return board


def _live(control: Connection, files: bytes | None, at_prompt: bool, cut_at: int | None) -> None:
    board = stock_board(files, at_prompt)
    board.flash.cut_at, board.flash.on_cut = cut_at, board.power_fails
    terminal = Terminal()
    control.send(terminal.path)
    bench, ended = Bench(board), False

    def is_over() -> bool:
        nonlocal ended
        if control.poll():
            keys = control.recv()
            ended = not keys
            if keys:
                bench.hold_in_turn(keys)
                control.send("held")
        return ended or not board._powered

    serve(board, terminal, is_over)
    terminal.close()
    if not ended:
        control.recv()
    mechanics = board.mechanics
    report = {"files": board.files(), "flash_commands": board.flash.count, "steps": mechanics.steps}
    control.send(report | {"enabled": len(mechanics.enabled_us), "powered": board._powered})


class PtyBoard:
    """path: its terminal. After the block `report` says what its flash holds and what its motor did."""

    report: Report

    def __init__(self, files: bytes | None = None, at_prompt: bool = False, cut_at: int | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._control, far = context.Pipe()
        self._process = context.Process(target=_live, args=(far, files, at_prompt, cut_at), daemon=True)

    def __enter__(self) -> "PtyBoard":
        self._process.start()
        assert self._control.poll(START_S), "the emulated board did not come up"
        self.path: str = self._control.recv()
        return self

    def hold(self, keys: Sequence[str]) -> None:
        """Holds keys of the pump one after the other, as a person does."""
        self._control.send(tuple(keys))
        self._control.recv()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._control.send(())
        if self._control.poll(END_S):
            self.report = self._control.recv()
        self._process.join(END_S)
        if self._process.is_alive():
            self._process.kill()
