"""What a network carries from one decision of a battle to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

IntArray: TypeAlias = NDArray[np.int64]


class Memory(nn.Module):
    """A gated recurrent unit (Cho et al. 2014, arXiv:1406.1078) beside a network's trunk.

    What it adds to the trunk is zero at first: a new network plays as one without memory.

    Parameters
    ----------
    inputs
        Width of the trunk.
    width
        Of the memory.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.unit = nn.GRU(inputs, width)
        self.recalled = nn.Linear(width, inputs)
        nn.init.zeros_(self.recalled.weight)
        nn.init.zeros_(self.recalled.bias)

    def forward(
        self, trunk: Tensor, observation: Mapping[str, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The trunk ``(B, inputs)`` with what is remembered, and what to remember.

        Where ``observation`` has ``"memory"``, ``(B, width)``, each row is a decision of another
        battle, and the memory after it comes with the result; blank is zero. Otherwise the rows
        are whole episodes, one after the other, which begin where ``"first"``, bool ``(B,)``, is
        true, and nothing comes with the result.
        """
        # Rounding would pile up over a battle.
        with torch.autocast(trunk.device.type, enabled=False):
            seen = trunk.float()
            if "memory" in observation:
                _, last = self.unit(seen.unsqueeze(0), observation["memory"].unsqueeze(0))
                states = last.squeeze(0)
                after: tuple[Tensor, ...] = (states,)
            else:
                starts = torch.nonzero(observation["first"]).squeeze(-1)
                lengths = torch.diff(starts, append=starts.new_tensor([len(seen)])).tolist()
                packed, _ = self.unit(pack_sequence(seen.split(lengths), enforce_sorted=False))
                states = torch.cat(unpack_sequence(packed))
                after = ()
        return trunk + self.recalled(states), after


class Memories:
    """The memories of the seats that a policy plays, by numbers of the seats.

    Parameters
    ----------
    width
        Of each.
    """

    def __init__(self, width: int) -> None:
        self._places = np.full(0, -1, np.int64)
        self._free: list[int] = []
        self._states = torch.zeros(0, width)

    def __len__(self) -> int:
        """Seats that are remembered."""
        return len(self._states) - len(self._free)

    def places(self, seats: IntArray) -> IntArray:
        """Where the memories of these distinct seats are; of new ones they are blank."""
        more = int(seats.max()) + 1 - len(self._places)
        if more > 0:
            more = max(more, len(self._places))
            self._places = np.append(self._places, np.full(more, -1, np.int64))
        new = seats[self._places[seats] < 0]
        missing = len(new) - len(self._free)
        if missing > 0:
            before = len(self._states)
            blank = self._states.new_zeros(max(missing, before), self._states.shape[1])
            self._states = torch.cat([self._states, blank])
            self._free += range(before, len(self._states))
        if len(new):
            taken = np.array(self._free[-len(new) :])
            del self._free[-len(new) :]
            self._places[new] = taken
            self._states[torch.as_tensor(taken, device=self._states.device)] = 0.0
        return self._places[seats]

    def read(self, places: IntArray, device: torch.device) -> Tensor:
        """Memories ``(n, width)`` on a device, to which all of them move."""
        self._states = self._states.to(device)
        return self._states[torch.as_tensor(places, device=device)]

    def write(self, places: IntArray, states: Tensor) -> None:
        """Remember ``(n, width)``."""
        self._states[torch.as_tensor(places, device=self._states.device)] = states

    def forget(self, seats: IntArray) -> None:
        """Drop seats; those that are not remembered are passed over."""
        seats = seats[seats < len(self._places)]
        seats = seats[self._places[seats] >= 0]
        self._free += self._places[seats].tolist()
        self._places[seats] = -1
