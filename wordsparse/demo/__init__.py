"""A demonstration: vectors of the words in installed docstrings, judged by the docstrings' "See Also" sections."""
