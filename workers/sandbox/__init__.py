"""Simulators of the vendors' APIs: as strict as what is published of them, on loopback, with nothing kept.

They let one try a destination without an account, and hold the adapters to the vendors' words in the tests.
What a vendor does not say is assumed on the strict side; each simulator names what it assumes.
"""
