"""Small files for the Python package ``tokenizers``."""

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

JAPANESE = ["昨日、友だちと映画を観ました。", "友だちは昨日の映画が好きです。", "私は映画の音楽を聴きました。"] * 20
CHINESE = ["我们昨天看了一部新电影。", "我们的朋友喜欢这部电影。", "昨天的电影很好看。"] * 20


def unigram(path, lines):
    """Train a unigram tokenizer that marks spaces, with unknown pieces, special tokens, truncation and padding."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=60, special_tokens=["<s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(pad_token="<s>", length=9)
    tokenizer.save(str(path))
    return path


def bpe(path, lines):
    """Train a byte-pair tokenizer whose file lists [UNK] as an ordinary token."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(vocab_size=30, special_tokens=["[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.save(str(path))
    return path
