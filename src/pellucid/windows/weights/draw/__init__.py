"""Drawing: the parameters of a model or of a run. Importing this registers them."""

from pellucid.windows.weights.draw import dream, filters, histograms, maximize, spectra, templates

__all__ = ["dream", "filters", "histograms", "maximize", "spectra", "templates"]
