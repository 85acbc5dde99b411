"""Word embeddings, and any network with a huge sparse output, trained with the exact gradient over every output."""
