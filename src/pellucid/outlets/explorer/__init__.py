"""The explorer: a local server whose pages show runs while they are written, and pages to learn from."""
