"""What does git start? Standard library only: on this path, start-up time is the feature."""
