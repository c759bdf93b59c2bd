"""What does a report look like to somebody? One file each, with files(report) -> {name: content}."""
