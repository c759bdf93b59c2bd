"""How is 04_training probed?"""
