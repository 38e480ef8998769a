"""From a recipe and photos to a run folder: plan, loop, steps, checkpoints, record."""
