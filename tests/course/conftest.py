"""The tests of the tiny course are its own: they run where it is put together."""

collect_ignore = ["other_subject"]
