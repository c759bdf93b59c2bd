"""The engine: what is complete, unlocked and achieved, derived from what is committed."""
