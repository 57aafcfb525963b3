"""Who runs on the emulated chip: the firmware's functions and MicroPython's, read from its memory without touching it.

MicroPython keeps no list of its frames, but each call of its interpreter leaves a record on the stack where an
exception would land (nlr_buf), and these are linked. The registers kept in it name the code state, which names the
function.
"""

from __future__ import annotations

import ast
import subprocess
from bisect import bisect_right
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hil.boards import ROOT

ELF = ROOT / "build/firmware-pico/firmware.elf"
FIRMWARE = ROOT / "firmware"
# Offsets in bytes of MicroPython 1.25 on a Cortex-M0: py/mpstate.h, nlr.h, bc.h, objfun.h, qstr.h.
NLR_TOP = 20
NLR_PREVIOUS, NLR_RETURN, NLR_REGISTERS, SAVED_REGISTERS = 0, 8, 12, 4
FUNCTION_CONTEXT, FUNCTION_BYTECODE = 4, 12
CONTEXT_NAMES = 8
POOL_PREVIOUS, POOL_BEFORE, POOL_LENGTH, POOL_STRINGS = 0, 4, 12, 24
MOST_FRAMES = 30


class Symbols:
    """Of an ELF file. It and the image come from one build, as does arm-none-eabi-nm; OSError without that."""

    def __init__(self, elf: Path = ELF) -> None:
        listed = subprocess.run(
            ["arm-none-eabi-nm", "--print-size", "--numeric-sort", elf], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split() for line in listed.splitlines()]
        self.at = {row[-1]: int(row[0], 16) for row in rows}
        self.size = {row[3]: int(row[1], 16) for row in rows if len(row) == 4}
        code = [(int(row[0], 16), row[-1]) for row in rows if row[-2] in "tTwW" and not row[-1].startswith("$")]
        self._begins, self._names = [at for at, _ in code], [name for _, name in code]

    def function_at(self, address: int) -> str:
        """The C function that an address is in."""
        index = bisect_right(self._begins, address) - 1
        return self._names[index] if index >= 0 else hex(address)


class Stack(NamedTuple):
    """python: the functions from the outermost in, as file:qualified name. c: that of MicroPython, or "interrupt"."""

    python: tuple[str, ...]
    c: str


class CallStack:
    """Reads the chip of an emulated target (hil.targets.emulated)."""

    def __init__(self, chip: Any, symbols: Symbols) -> None:
        self._core, self._word, self._byte, self._half = chip.core, chip.read_uint32, chip.read_uint8, chip.read_uint16
        self._symbols = symbols
        at = symbols.at
        self._nlr_top = at["mp_state_ctx"] + NLR_TOP
        self._vm = range(at["mp_execute_bytecode"], at["mp_execute_bytecode"] + symbols.size["mp_execute_bytecode"])
        self._types = {at["mp_type_fun_bc"], at["mp_type_gen_wrap"]}
        self._pool = at["mp_qstr_frozen_const_pool"]
        self._known: dict[int, str] = {}

    def now(self) -> Stack:
        return Stack(self._python(), "interrupt" if self._core.ipsr else self._symbols.function_at(self._core.pc))

    def _python(self) -> tuple[str, ...]:
        names: list[str] = []
        record = self._word(self._nlr_top)
        while self._in_ram(record) and len(names) < MOST_FRAMES:
            if self._word(record + NLR_RETURN) & ~1 in self._vm:
                function = self._function(record)
                if function:
                    names.append(self._name(function))
            record = self._word(record + NLR_PREVIOUS)
        return tuple(reversed(names))

    def _function(self, record: int) -> int:
        """The function object of a record of the interpreter; 0 where none can be made out."""
        for index in range(SAVED_REGISTERS):
            state = self._word(record + NLR_REGISTERS + 4 * index)
            if self._in_ram(state) and state % 4 == 0:
                function = self._word(state)
                if self._in_ram(function) and function % 4 == 0 and self._word(function) in self._types:
                    return int(function)
        return 0

    @staticmethod
    def _in_ram(address: int) -> bool:
        return 0x20000000 <= address < 0x20042000

    def _name(self, function: int) -> str:
        bytecode = self._word(function + FUNCTION_BYTECODE)
        if bytecode not in self._known:
            self._known[bytecode] = self._read_name(function, bytecode)
        return self._known[bytecode]

    def _read_name(self, function: int, at: int) -> str:
        """From the prelude of its bytecode, laid out as py/bc.h says."""
        names = self._word(self._word(function + FUNCTION_CONTEXT) + CONTEXT_NAMES)
        first = self._byte(at)
        arguments = first & 3
        n, named = 0, 0
        while self._byte(at) & 0x80:
            at += 1
            arguments |= (self._byte(at) & 4) << n
            named |= ((self._byte(at) & 8) >> 3) << n
            n += 1
        info, cells, n = 0, 0, 0
        at += 1
        while True:
            byte = self._byte(at)
            cells |= (byte & 1) << n
            info |= ((byte & 0x7E) >> 1) << (6 * n)
            at, n = at + 1, n + 1
            if not byte & 0x80:
                break
        top = at + info
        name, at = self._number(at)
        for _ in range(arguments + named):
            _, at = self._number(at)
        file = self._string(self._half(names))
        return f"{file}:{qualified(file, self._string(self._half(names + 2 * name)), self._first_line(at, top))}"

    def _number(self, at: int) -> tuple[int, int]:
        value = 0
        while True:
            byte = self._byte(at)
            value = value << 7 | byte & 0x7F
            at += 1
            if not byte & 0x80:
                return value, at

    def _first_line(self, at: int, top: int) -> int:
        """The line of its first bytecode: the entries of no bytes add up."""
        line = 1
        while at < top:
            byte = self._byte(at)
            if byte & 0x80:
                size, lines, at = byte & 0xF, (byte << 4) & 0x700 | self._byte(at + 1), at + 2
            else:
                size, lines, at = byte & 0x1F, byte >> 5, at + 1
            if size:
                break
            line += lines
        return line

    def _string(self, number: int) -> str:
        pool = self._pool
        while number < self._word(pool + POOL_BEFORE) & 0x7FFFFFFF:
            pool = self._word(pool + POOL_PREVIOUS)
        at = self._word(pool + POOL_STRINGS + 4 * (number - (self._word(pool + POOL_BEFORE) & 0x7FFFFFFF)))
        text = bytearray()
        while self._byte(at):
            text.append(self._byte(at))
            at += 1
        return text.decode()


@cache
def _definitions(file: str) -> tuple[tuple[int, int, str], ...]:
    """(first line, last line, qualified name) of every function in a file of the firmware."""
    found: list[tuple[int, int, str]] = []

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                name = f"{prefix}{child.name}"
                if isinstance(child, ast.FunctionDef):
                    found.append((child.lineno, child.end_lineno or child.lineno, name))
                walk(child, f"{name}.")

    walk(ast.parse((FIRMWARE / file).read_text()), "")
    return tuple(found)


def qualified(file: str, name: str, line: int) -> str:
    """`update` as `Keys.update`, where the source tells whose it is."""
    if not (FIRMWARE / file).is_file():
        return name
    fits = [whole for begin, end, whole in _definitions(file) if begin <= line <= end and whole.split(".")[-1] == name]
    return fits[-1] if fits else name
