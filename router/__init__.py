"""Receives: the shared kernel, the sources, the receiver and the `hookyard` command."""
