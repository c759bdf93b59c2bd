"""Where does the student stand? Progress files and news, derived from HEAD."""
