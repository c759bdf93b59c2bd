"""What does the course ask? course.yaml, read and checked; and what the rules consist of."""
