"""What is traded: products, instruments, calendars, depth, ticks, bars, the public tape.
Called by trading/, settlement/ and exchange/."""
