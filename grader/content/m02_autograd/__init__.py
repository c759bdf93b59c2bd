"""How is 02_autograd probed?"""
