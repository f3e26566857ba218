"""What the tiers share: waiting, servers, a running stack.
Imported by conftest files and tests."""
