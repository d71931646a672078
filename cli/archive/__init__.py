"""`firewatch archive`: what came, byte for byte, however long ago."""
