"""What may be written beside a student's unsaved work? Everything that touches their files."""
