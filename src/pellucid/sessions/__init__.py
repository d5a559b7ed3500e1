"""Sessions: what spans windows. `watch` a training run, `checkup` a finished model."""
