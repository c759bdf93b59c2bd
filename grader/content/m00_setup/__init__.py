"""How is 00_setup probed?"""
