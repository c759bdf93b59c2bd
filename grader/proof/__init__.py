"""How are numbers believed that a stranger's process computed? By computing them again."""
