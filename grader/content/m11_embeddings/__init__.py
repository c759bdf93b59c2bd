"""How is 11_embeddings probed?"""
