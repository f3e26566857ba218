"""The independent slow model of the venue, the generator of random commands and the scenario language.
Used by the tests of the core; shares nothing with the engine but the definitions of commands and events."""
