"""Whether the packages that were imported are ours: PyPI knows others called `rules`."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import router
import rules
import workers
from router.cli.checks.finding import Finding, ok, problem

_OURS = {
    "router": "Receives:",
    "workers": "Acts:",
    "rules": "Decides:",
}
"""How the docstring of each package begins."""


def check_packages(modules: tuple[ModuleType, ...] = (router, workers, rules)) -> list[Finding]:
    """Check that the three packages are Hookyard's and come from one place."""
    findings = []
    homes = set()
    for module in modules:
        name = module.__name__
        home = Path(module.__file__ or "").resolve().parent
        homes.add(home.parent)
        if not (module.__doc__ or "").startswith(_OURS[name]):
            findings.append(
                problem(
                    "packages",
                    f"`{name}` is another project's, imported from {home}",
                    "install Hookyard in an environment of its own",
                )
            )
    if not findings and len(homes) > 1:
        places = ", ".join(sorted(str(home) for home in homes))
        findings.append(
            problem(
                "packages",
                f"router, workers and rules come from several places: {places}",
                "remove all but one installation of Hookyard",
            )
        )
    findings += _rivals()
    return findings or [ok("packages", f"router, workers and rules from {homes.pop()}")]


def _rivals() -> list[Finding]:
    """Return a finding for each of our names that another distribution installs too."""
    owners = packages_distributions()
    return [
        problem(
            "packages",
            f"`{name}` is also installed by {', '.join(sorted(others))}",
            "install Hookyard in an environment of its own",
        )
        for name in _OURS
        if (others := {owner for owner in owners.get(name, []) if owner.lower() != "hookyard"})
    ]
