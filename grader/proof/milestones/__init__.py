"""Did this network really learn, on the student's code? One training, judged step by step."""
