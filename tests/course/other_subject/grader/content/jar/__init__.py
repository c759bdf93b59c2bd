"""What this course knows of jar."""
