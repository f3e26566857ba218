"""Orders, trades and positions as people and programs see them.
Called by settlement/ and exchange/."""
