"""How is 03_nn probed?"""
