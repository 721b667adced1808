"""Sample articles and pictures of this repository, and the script that draws theme icons."""
