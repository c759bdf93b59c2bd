"""The command line and the hooks: doors into the engine."""
