"""Questions to a network, one folder each: what is measured, how it is judged, how it is drawn."""
