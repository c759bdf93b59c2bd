"""May this course be given out? What its authors check, and what students receive."""
