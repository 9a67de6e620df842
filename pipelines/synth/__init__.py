"""Apart from the pipeline: a synthetic district, plausible and seeded, with planted defects. Knows nothing of the rooms that read it."""

from pipelines.synth.write import synthesize

__all__ = ["synthesize"]
