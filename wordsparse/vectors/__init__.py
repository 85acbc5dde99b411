"""Word vectors as data: neighbours, analogies and file formats."""
