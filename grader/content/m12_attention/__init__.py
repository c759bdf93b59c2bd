"""How is 12_attention probed?"""
