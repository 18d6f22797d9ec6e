"""How fast Hookyard is, measured on this machine in one run: `make bench`."""
