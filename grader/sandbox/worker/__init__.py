"""What runs beside student code? The scripts of the child; the judge imports none but `arrays`."""
