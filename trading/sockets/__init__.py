"""The native WebSocket protocol of /ws: orders in, market data and private pushes out.
Entered through trading.sockets.app."""
