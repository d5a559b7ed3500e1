"""Pure tensor -> tensor and array -> array functions, each with its source; no modules, no hooks."""
