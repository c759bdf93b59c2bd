"""How do GitHub's runners come in? The untrusted and the trusted half of the workflows.

verify   runs student code: reads the rules of the base revision, writes a verdict
award    is trusted: reads that verdict as a stranger's letter, comments and awards badges

award, and all it imports, needs the standard library and PyYAML: requirements/award.lock.
"""
