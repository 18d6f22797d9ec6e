"""Destinations: the task APIs that hold copies of tasks. One module each, all of one shape."""

from __future__ import annotations

from workers.destinations import attio, heffl, http, leadsquared, todovu, vambe
from workers.destinations.destination import Destination

REGISTRY: tuple[Destination, ...] = (
    http.DESTINATION,
    attio.DESTINATION,
    heffl.DESTINATION,
    leadsquared.DESTINATION,
    todovu.DESTINATION,
    vambe.DESTINATION,
)
"""Every type of destination; a test proves that no module is missing."""

BY_NAME = {destination.name: destination for destination in REGISTRY}
