"""The doors that GitHub's runners come through.

verify   runs student code: reads the rules of the base revision, writes a verdict
award    is trusted: reads that verdict as a stranger's letter, comments and awards badges

award, and all it imports, needs nothing but the standard library.
"""
