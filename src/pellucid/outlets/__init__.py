"""Outlets: where results go. The store on disk, the notebook, the report."""
