"""Settings of the whole suite: Hypothesis profiles and the tier of every test.
Called by pytest."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
TIERS = ("core", "app", "stack")

# The machine is shared and slow at times: a deadline would test the machine.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", parent=settings.get_profile("suite"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for tier in TIERS:
        config.addinivalue_line("markers", f"{tier}: a test of the {tier} tier (its folder says so)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its tier, so that `-m core` works as well as the folder's name."""
    for item in items:
        tier = item.path.relative_to(TESTS).parts[0]
        if tier in TIERS:
            item.add_marker(tier)
