"""What is this clone, and what may be done to it? Set-up, commits, diagnosis."""
