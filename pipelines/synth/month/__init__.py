"""The first month of a real district, planted: what happens in every district within weeks, each with what must come of it. See `plant`."""

from pipelines.synth.month.plant import NAMES, check, plant

__all__ = ["NAMES", "check", "plant"]
