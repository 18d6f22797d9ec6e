"""Decides: which task comes of which event. Pure: reads its own files and nothing else."""
