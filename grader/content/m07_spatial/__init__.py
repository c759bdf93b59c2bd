"""How is 07_spatial probed?"""
