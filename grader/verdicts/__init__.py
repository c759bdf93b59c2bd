"""What do the facts mean? Outcomes and evidence in, verdicts and standings out."""
