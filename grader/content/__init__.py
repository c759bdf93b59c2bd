"""What does only this course know? Its answers, probes, networks and how they are trained."""
