"""What this course knows of m00_fractions."""
