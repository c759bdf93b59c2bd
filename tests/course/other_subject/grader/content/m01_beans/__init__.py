"""What this course knows of m01_beans."""
