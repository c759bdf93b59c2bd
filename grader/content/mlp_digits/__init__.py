"""What does the digits' network train, and what is right?"""
