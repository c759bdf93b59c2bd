"""How does a snapshot become a standing? What is run, recalled, remembered, and reported."""
