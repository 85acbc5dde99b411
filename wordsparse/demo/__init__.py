"""The first minute: vectors of the words in installed docstrings, judged by their own "See Also" sections."""
