"""How does a class on Classroom 50 hand in? Its bundle, and its door."""
