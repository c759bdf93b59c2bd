"""What does the convolutional network train, and what is right?"""
