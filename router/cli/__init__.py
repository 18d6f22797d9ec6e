"""The `hookyard` command. It may import every room; nobody imports it."""
