"""What git runs. Standard library only: on this path, start-up time is the feature."""
