"""Who: users, roles, tokens, trading accounts and who owns them.
Called by every app above it and by the composition root (exchange/)."""
