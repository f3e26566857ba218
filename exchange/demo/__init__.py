"""The demo venue: what `make up` lists, whom it funds, and who makes its markets.
Entered through the management commands seed_demo and makers."""
