"""The scripts that run beside student code, in a child. The judge imports none but `arrays`."""
