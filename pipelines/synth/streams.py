"""Where chance comes from: one generator a purpose and day, so that what a day writes does not depend on how many days are asked for."""

from __future__ import annotations

import zlib

import numpy as np


class Streams:
    """Generators spawned from one seed by name and day."""

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ValueError(f"the seed must not be negative, and is {seed}")
        self.seed = seed

    def of(self, purpose: str, day: int = 0) -> np.random.Generator:
        """The generator of one purpose on one day (0 or later); the same name and day give the same numbers again."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(zlib.crc32(purpose.encode()), day)))
