"""What does XOR train, and what is right?"""
