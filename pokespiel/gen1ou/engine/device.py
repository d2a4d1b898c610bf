"""The same rules as a CUDA kernel, one battle a thread."""

import importlib
from typing import Any
from unittest import mock

from numba import int32, types

from .choices import is_legal
from .layout import RESULT, Row
from .turn import step

cuda: Any = importlib.import_module("numba.cuda")


def step_kernel(rows: Row, actions: Row) -> None:
    """Step battle ``i`` in thread ``i``; illegal actions leave it unchanged."""
    i = cuda.grid(1)
    if (
        i < rows.shape[0]
        and rows[i, RESULT] == 0
        and is_legal(rows[i], 0, actions[i, 0])
        and is_legal(rows[i], 1, actions[i, 1])
    ):
        step(rows[i], actions[i, 0], actions[i, 1])


class _Device:
    """Stands in for the GPU that nested device functions ask for their compute capability."""

    def __init__(self, capability: tuple[int, int]) -> None:
        self.compute_capability = capability


def ptx(capability: tuple[int, int]) -> str:
    """The kernel's PTX for a compute capability; needs numba-cuda but no GPU."""
    rows = types.Array(int32, 2, "C")
    dispatcher = importlib.import_module("numba.cuda.dispatcher")
    with mock.patch.object(dispatcher, "get_current_device", return_value=_Device(capability)):
        code, _ = cuda.compile_ptx(step_kernel, types.void(rows, rows), cc=capability)
    return str(code)
