"""Entry points over arrays of battles, and `Battles`, which owns one."""

import numpy as np
from numba import prange

from .choices import ACTIONS, is_legal
from .compilation import entry_point
from .layout import (
    HP,
    NO_REQUEST,
    ORDER,
    POKEMON,
    POKEMON_LEFT,
    PRNG_HIGH,
    PRNG_LOW,
    REQUEST,
    RESULT,
    SIDE,
    Row,
)
from .transcript import NOTES
from .turn import begin, step


@entry_point
def begin_all(rows, teams, seeds):
    """Set up battles ``rows[i]`` from packed teams and seeds, up to the first request."""
    for i in prange(rows.shape[0]):
        b = rows[i]
        b[:] = 0
        for s in range(2):
            o = s * SIDE
            for k in range(6 * POKEMON):
                b[o + k] = teams[i, s, k // POKEMON, k % POKEMON]
            for slot in range(6):
                b[o + ORDER + slot] = slot
                if b[o + slot * POKEMON + HP] > 0:
                    b[o + POKEMON_LEFT] += 1
        b[PRNG_HIGH] = np.int32(np.uint32(seeds[i] >> np.uint64(32)))
        b[PRNG_LOW] = np.int32(np.uint32(seeds[i] & np.uint64(0xFFFFFFFF)))
        begin(b)


@entry_point
def legal_all(rows, legal):
    for i in prange(rows.shape[0]):
        for s in range(2):
            for action in range(ACTIONS):
                legal[i, s, action] = is_legal(rows[i], s, action)


@entry_point
def step_all(rows, actions, results):
    """Step every battle that goes on; ``results`` is -1 where an action was illegal."""
    for i in prange(rows.shape[0]):
        b = rows[i]
        if b[RESULT] == 0:
            legal = True
            for s in range(2):
                waits = b[s * SIDE + REQUEST] == NO_REQUEST
                action = actions[i, s]
                if waits:
                    legal = legal and action == -1
                else:
                    legal = legal and 0 <= action < ACTIONS and is_legal(b, s, action)
            if legal:
                if b.shape[0] > NOTES:
                    b[NOTES] = 0
                step(b, actions[i, 0], actions[i, 1])
                results[i] = b[RESULT]
            else:
                results[i] = -1
        else:
            results[i] = b[RESULT]


