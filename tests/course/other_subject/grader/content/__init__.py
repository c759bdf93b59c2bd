"""What does only this course know?"""
