"""What does the transformer train, and what is right?"""
