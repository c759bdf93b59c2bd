"""What does the perceptron train, and what is right?"""
