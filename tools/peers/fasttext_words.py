"""Run by train.py in a peer's environment: train with a module of fastText's interface, write the vectors of its words.

python fasttext_words.py MODULE OPTIONS OUTPUT
"""

import importlib
import importlib.metadata
import json
import sys


def main(name: str, options: str, output: str) -> None:
    """Print the version of the module, once the vectors are written."""
    model = importlib.import_module(name).train_unsupervised(**json.loads(options), verbose=0)
    with open(output, "w", encoding="utf-8") as file:
        file.write(f"{len(model.words)} {model.get_dimension()}\n")
        for word in model.words:
            file.write(f"{word} {' '.join(f'{value:.6g}' for value in model.get_word_vector(word))}\n")
    print(importlib.metadata.version(name))


if __name__ == "__main__":
    main(*sys.argv[1:])
