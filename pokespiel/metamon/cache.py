"""What the trajectory encoder remembers of many battles: keys and values in a ring per battle."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


class KeyValueCache:
    """Keys and values of the last ``context`` decisions of every battle.

    A decision's position is known to the encoder from its embedding, not from its place here, so
    that a ring forgets the oldest decision without moving the others.

    Parameters
    ----------
    layers, slots, heads, context, width : int
        ``slots`` is the number of battles, ``width`` that of one head.
    dtype, device

    Attributes
    ----------
    counts : int64 tensor ``(slots,)``
        Decisions taken in since the last reset, on the CPU.
    """

    def __init__(
        self,
        *,
        layers: int,
        slots: int,
        heads: int,
        context: int,
        width: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        shape = (layers, slots, heads, context, width)
        # Zeros, because what a mask hides must still be a number.
        self._keys = torch.zeros(shape, dtype=dtype, device=device)
        self._values = torch.zeros(shape, dtype=dtype, device=device)
        self.counts = torch.zeros(slots, dtype=torch.int64)
        self.context = context

    @property
    def slots(self) -> int:
        """Battles that fit in."""
        return len(self.counts)

    @property
    def nbytes(self) -> int:
        """Size of keys and values in bytes."""
        return 2 * self._keys.nbytes

    @property
    def device(self) -> torch.device:
        """Where keys and values are."""
        return self._keys.device

    def reset(self, slot: int) -> None:
        """Forget a battle."""
        self.counts[slot] = 0

    def grow(self, slots: int) -> None:
        """Make room for more battles; those in it stay."""
        more = slots - self.slots
        if more <= 0:
            return
        layers, _, *rest = self._keys.shape
        blank = self._keys.new_zeros(layers, more, *rest)
        self._keys = torch.cat((self._keys, blank), dim=1)
        self._values = torch.cat((self._values, blank), dim=1)
        self.counts = torch.cat((self.counts, torch.zeros(more, dtype=torch.int64)))

    def open(self, slots: Tensor) -> View:
        """Begin one decision of the battles in ``slots``, int64 ``(B,)`` without repetitions."""
        return self.View(self, slots)

    class View:
        """One decision of some battles, layer by layer; `close` counts it."""

        def __init__(self, cache: KeyValueCache, slots: Tensor) -> None:
            self._cache = cache
            self._slots = slots = slots.cpu()
            device = cache._keys.device
            counts = cache.counts[slots]
            filled = (counts + 1).clamp(max=cache.context)
            self._length = int(filled.max())
            self._mask: Tensor | None = None
            if int(filled.min()) < self._length:
                mask = torch.arange(self._length) < filled[:, None]
                self._mask = mask[:, None, None].to(device)
            self._rows = slots.to(device)
            self._places = (counts % cache.context).to(device)
            first = int(slots[0])
            in_a_row = torch.equal(slots, torch.arange(first, first + len(slots)))
            # A slice is read where it lies; anything else has to be gathered.
            self._range = slice(first, first + len(slots)) if in_a_row else None

        @property
        def rows(self) -> int:
            """Battles that decide."""
            return len(self._slots)

        def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            """Store this decision's key and value, and read with its query.

            All of shape ``(B, heads, width)``.
            """
            keys, values = self._cache._keys[layer], self._cache._values[layer]
            keys[self._rows, :, self._places] = key.to(keys.dtype)
            values[self._rows, :, self._places] = value.to(values.dtype)
            mixed = functional.scaled_dot_product_attention(
                query.unsqueeze(2),
                self._read(keys).to(query.dtype),
                self._read(values).to(query.dtype),
                attn_mask=self._mask,
            )
            return mixed.squeeze(2)

        def close(self) -> None:
            """Count the decision."""
            self._cache.counts[self._slots] += 1

        def _read(self, stored: Tensor) -> Tensor:
            if self._range is not None:
                return stored[self._range, :, : self._length]
            return stored[self._rows, :, : self._length]
