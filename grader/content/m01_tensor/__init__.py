"""How is 01_tensor probed?"""
