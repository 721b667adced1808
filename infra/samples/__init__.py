"""Sample articles of our own writing, their pictures, and the script that drew them."""
