"""Showdown's Gen 5 generator: a 64-bit linear congruential one whose top half is the draw."""

# Compiled code: plain branches compile best, and a row's numbers have no static type.
# mypy: no-warn-return-any

import numpy as np

from .compilation import inlined
from .layout import PRNG_HIGH, PRNG_LOW, Row

# Operands stay uint64 throughout: mixed with a signed integer the shift would extend the sign.
_MULTIPLIER = np.uint64(0x5D588B656C078965)
_INCREMENT = np.uint64(0x269EC3)
_HALF = np.uint64(32)


@inlined
def draw(b: Row, n: int) -> int:
    """A number from 0 to ``n - 1``; advances the generator by one frame."""
    state = (np.uint64(np.uint32(b[PRNG_HIGH])) << _HALF) | np.uint64(np.uint32(b[PRNG_LOW]))
    state = state * _MULTIPLIER + _INCREMENT
    high = state >> _HALF
    b[PRNG_HIGH] = np.int32(np.uint32(high))
    b[PRNG_LOW] = np.int32(np.uint32(state & np.uint64(0xFFFFFFFF)))
    return np.int64((high * np.uint64(n)) >> _HALF)  # type: ignore[return-value]


@inlined
def shuffle_ties(b: Row, n: int) -> None:
    """The draws Showdown spends on shuffling ``n`` equally fast things whose order is moot."""
    for _ in range(n - 1):
        draw(b, 2)
