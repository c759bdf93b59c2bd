"""What does a lesson's text say? Its cells, exports, tests and starter."""
