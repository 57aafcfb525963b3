"""Whoever sits at the bench: what is asked at the terminal, and how often before it is given up."""

import sys
from collections.abc import Callable
from typing import TypeVar

from hil.instruments.errors import Garbled, InstrumentMissing

WHO = "a person at the bench"
TRIES = 3
SKIP = "skip"
Answer = Callable[[str], str]
Found = TypeVar("Found")


def ask(words: str, how: str, answer: Answer | None = None) -> str:
    """The reply, in small letters and without blanks around it. answer(question): input() unless given.

    InstrumentMissing where nobody is there to ask.
    """
    if answer is None and not sys.stdin.isatty():
        raise InstrumentMissing(WHO, f'nobody is there to "{words}" (no terminal; pytest leaves it alone with -s)')
    try:
        return (answer or input)(f"{words}, {how}: ").strip().lower()
    except EOFError:
        raise InstrumentMissing(WHO, f'nobody answers to "{words}"') from None


def ask_for(words: str, how: str, meaning: Callable[[str], Found], answer: Answer | None = None) -> Found:
    """What the reply means. A blank, or one that `meaning` raises ValueError for, is asked again with that reason.

    Garbled after TRIES of those; InstrumentMissing where nobody is there, or the reply is SKIP.
    """
    asked = words
    for _ in range(TRIES):
        reply = ask(asked, f"{how} ('{SKIP}' if it cannot be done)", answer)
        if reply == SKIP:
            raise InstrumentMissing(WHO, f'"{words}" could not be done')
        try:
            return meaning(reply)
        except ValueError as error:
            why = str(error)
        asked = f'"{reply}" is {why}. {words}'
    raise Garbled(WHO, f'"{words}" had {TRIES} answers that say nothing, the last of them "{reply}": {why}')
