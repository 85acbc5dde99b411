import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.texts import sentences

import wordsparse as ws
from wordsparse import optional
from wordsparse.corpus import EncodedCorpus, encode
from wordsparse.errors import InputError, MissingDependencyError
from wordsparse.tokens.records import tokenization
from wordsparse.tokens.tokenizers import tokenizer

ENGLISH = "Don't stop: 3.14 is π, said O’Neil-Smith (née Å)."


def test_simple_is_gensims():
    assert tokenizer("simple")(ENGLISH) == ["don", "t", "stop", "is", "π", "said", "o", "neil", "smith", "née", "å"]
    utils = pytest.importorskip("gensim.utils", reason="gensim is not installed")
    for text in (ENGLISH, "snake_case x2y straße ΑΣ", "猫 が 好き"):
        assert tokenizer("simple")(text) == list(utils.tokenize(text, lowercase=True))


MARKED = {
    "Arabic": "السَّمَكَ القِطَّةُ",
    "Hebrew": "שָׁלוֹם עֲלֵיכֶם",
    "Hindi": "हिन्दी किताब में",
    "Bengali": "বাংলা ভাষায় কবিতা",
    "Tamil": "தமிழ் மொழியின் எழுத்து",
    "Persian": "می\u200cخواهم کتاب\u200cها",
    "Malayalam": "അവന്\u200d മലയാളം",
    "Lithuanian": "i̇́ j̃ų",
    "Yoruba": "ọ̀rẹ́ ẹ̀kọ́",
}


@pytest.mark.parametrize("language", MARKED)
@pytest.mark.parametrize("name", ["simple", "unicode"])
def test_marks_and_joiners_are_parts_of_words(name, language, tmp_path, caplog):
    """Previously, the tokeniser ``simple``, which a hint recommends, cut words at combining marks."""
    words = unicodedata.normalize("NFC" if name == "simple" else "NFKC", MARKED[language]).split()
    split = tokenizer(name)
    assert split(" \u0301— ".join(f"«{word}»।" for word in words)) == words
    encode([[f"{word}." for word in words]] * 5, tmp_path / "out")
    assert f"--tokens {'simple' if language == 'Persian' else 'unicode'} " in caplog.text


def test_unicode_words():
    words = tokenizer("unicode")
    assert words(ENGLISH) == ["don't", "stop", "3.14", "is", "π", "said", "o'neil", "smith", "née", "å"]
    cased = tokenizer("unicode-cased")
    assert cased(ENGLISH) == ["Don't", "stop", "3.14", "is", "π", "said", "O'Neil", "Smith", "née", "Å"]
    assert words("हिन्दी में") == ["हिन्दी", "में"]
    assert words("I ❤️ 🎉🎉 👩‍👩‍👧 #tag U.S.A. 1,000") == ["i", "❤️", "🎉", "🎉", "👩‍👩‍👧", "tag", "u.s.a", "1,000"]
    assert words(" ... — \n") == []
    assert words("l’été, ‘dogs’ ’tis 5’10 ד״ר צ׳ שלום’") == ["l'été", "dogs", "tis", "5'10", "ד״ר", "צ׳", "שלום"]


@pytest.mark.parametrize("name", ["simple", "unicode"])
def test_what_looks_the_same_is_one_word(name):
    """Previously, é written as one or as two characters gave two words, and three ways to write Å gave three words."""
    words = tokenizer(name)
    assert len(set(words("café cafe\u0301"))) == 1
    assert len(set(words("Å \u212b A\u030a"))) == 1
    if name != "simple":
        assert len(set(words("fin ﬁn ｆｉｎ"))) == 1


@pytest.mark.parametrize("name", ["simple", "unicode", "unicode-cased"])
def test_marks_that_search_engines_leave_out(name):
    """Previously, İstanbul became i̇stanbul, which has a dot more than istanbul."""
    words = tokenizer(name)
    for marked, plain in [("Что́", "Что"), ("ё́лка ѓ й", "ёлка ѓ й"), ("الـــسلام", "السلام"), ("ـ i̇yi", "iyi")]:
        assert words(marked) == words(plain)
    assert words("İstanbul'da İyi")[-1] == ("İyi" if name == "unicode-cased" else "iyi")


def test_turkish_capitals_keep_their_dots():
    words = tokenizer("unicode-tr")
    assert words("IŞIK İstanbul'da, Işık İYİ I\u0307z") == ["ışık", "istanbul'da", "ışık", "iyi", "iz"]


@pytest.mark.parametrize("name", ["unicode", "unicode-cased", "unicode-tr"])
def test_compatibility_jamo_are_words_of_their_own(name):
    """Previously, NFKC made 봤는데ㅋㅋㅋ one word that ends in three conjoining letters."""
    assert tokenizer(name)("봤는데ㅋㅋㅋ ㅠㅠ 한국ㅎ영화") == ["봤는데", "ㅋㅋㅋ", "ㅠㅠ", "한국", "ㅎ", "영화"]


def test_chinese_and_japanese_texts_leave_out_the_same_marks():
    for name in ("chinese", "japanese"):
        assert tokenizer(name)("İstanbul 的 ㅋㅋ")[0] == "istanbul"


def test_chinese():
    words = tokenizer("chinese")("我来到北京清华大学。Python 3")
    assert words == ["我", "来到", "北京", "清华大学", "python", "3"]


def test_japanese():
    words = tokenizer("japanese")
    assert words("東京都に住んでいる。 ＯＫ") == ["東京", "都", "に", "住ん", "で", "いる", "ok"]
    # Sudachi refuses more than 49,149 bytes per call.
    assert words("東京都に住んでいる。" * 5_000) == ["東京", "都", "に", "住ん", "で", "いる"] * 5_000
    assert len(words("東" * 60_000)) > 0
    with ThreadPoolExecutor(4) as pool:  # a service may call the tokeniser from several threads
        assert len(set(map(tuple, pool.map(words, ["東京都に住んでいる"] * 200)))) == 1
    base = tokenizer("japanese-base")
    assert base("食べました。観る、みる") == ["食べる", "ます", "た", "見る", "見る"]


def test_the_tokenizer_is_recorded(tmp_path):
    (tmp_path / "text").write_text("The cat, the CAT.\nThe\tend\n")
    corpus = encode(tmp_path / "text", tmp_path / "out", tokens="simple", min_count=1)
    assert corpus.vocabulary.words == ["the", "cat", "end"]
    assert corpus.sentences == 2
    assert corpus.tokenization == EncodedCorpus.open(tmp_path / "out").tokenization == {"tokens": "simple"}
    assert encode(tmp_path / "text", tmp_path / "2", min_count=1).tokenization == {"tokens": "split"}
    assert encode([["a"]], tmp_path / "3", min_count=1).tokenization is None


def test_the_dictionary_that_is_installed_is_recorded(monkeypatch):
    monkeypatch.setattr(optional, "installed", lambda package: True)
    assert tokenization("japanese") == {"tokens": "japanese", "dictionary": "core"}
    monkeypatch.setattr(optional, "installed", lambda package: package == "sudachidict_small")
    assert tokenization("japanese") == {"tokens": "japanese"}
    assert tokenization("chinese") == {"tokens": "chinese"}
    with pytest.raises(MissingDependencyError, match="SudachiDict-core"):
        tokenizer("japanese", "core")


def test_a_model_of_a_function_asks_for_it_again(tmp_path):
    (tmp_path / "text").write_text("The-cat-sat\nthe-dog-sat\n" * 20)
    asked = {"output": tmp_path / "m", "dim": 2, "progress": False}
    ws.train(tmp_path / "text", tokens=lambda line: line.split("-"), epochs=1, min_count=1, **asked)
    model = ws.load(tmp_path / "m")
    assert sorted(model) == ["The", "cat", "dog", "sat", "the"]
    assert model.encode([["cat"]]).any()
    for again in (lambda: model.encode("cat"), lambda: ws.train(tmp_path / "text", resume=True, epochs=2, **asked)):
        with pytest.raises(InputError, match="split by a Python function: give the function"):
            again()
    more = ws.train(tmp_path / "text", tokens=lambda line: line.split("-"), resume=True, epochs=2, **asked)
    assert len(more.report["loss"]) == 2


def test_texts_and_rows_of_any_iterable():
    texts = ["The cat.\nThe end", "", "A\r\ndog"]
    expected = [["the", "cat"], ["the", "end"], ["a"], ["dog"]]
    assert list(sentences(iter(texts), tokens="simple")) == expected
    rows = [{"id": i, "text": text} for i, text in enumerate(texts)]
    assert list(sentences(rows, tokens="simple", column="text")) == expected
    assert next(sentences(iter(rows), column="text")) == ["The", "cat."]
    cells = [{"words": ["a", "b"]}, {"words": None}, {"words": ("c", "")}]
    assert list(sentences(cells, column="words")) == [["a", "b"], ["c"]]
    for source, options, said in [
        (iter(["a", 7]), {"tokens": "split"}, "text 2 is 7, not a str"),
        (iter([["a"]]), {"tokens": "split"}, "text 1 is .*, not a str"),
        ([{"a": 1}], {"column": "text"}, "row 1 has no 'text'; it has the keys 'a'"),
        ([{"text": 3.5}], {"column": "text"}, "row 1 holds 3.5, which is neither text nor a list of tokens"),
        (iter(["a"]), {"column": "text"}, "row 1 is 'a', not a mapping"),
        # Previously, the keys of this dict became the tokens.
        ([{"text": "a", "id": 1}], {}, "sentence 1 is a dict, not a list of tokens: choose a column .*'text', 'id'"),
        (iter(["a b"]), {}, r"sentence 1 is 'a b', not a list of tokens: split it, or name a tokeniser \(tokens="),
    ]:
        with pytest.raises(InputError, match=said):
            list(sentences(source, **options))


def test_words_with_punctuation_are_pointed_out(tmp_path, caplog):
    # Previously, models of news silently held the words "said." and "Australia," in addition to "said".
    encode([ENGLISH.split()] * 5, tmp_path / "1")
    assert "% of the words end in punctuation (" in caplog.text
    assert "--tokens simple" in caplog.text
    caplog.clear()
    encode([["Don't", "stop", ":", "3.14", "is", "(", "π", ")", "."]] * 5, tmp_path / "2")
    encode(iter([ENGLISH] * 5), tmp_path / "3", tokens="simple")
    assert not caplog.records


def test_words_that_differ_only_by_marks_are_pointed_out(tmp_path, caplog):
    """Previously, 589 Turkish words were in the vocabulary twice, such as i̇stanbul and istanbul, without a warning."""
    others = [f"word{number}" for number in range(400)]
    encode([["istanbul", "i\u0307stanbul", *others]] * 5, tmp_path / "1")
    encode([["it's", "it’s", *others]] * 5, tmp_path / "2")
    assert "0.2% of the words differ" in caplog.records[0].message
    assert "--tokens unicode" in caplog.records[0].message
    assert "'it’s', \"it's\"" in caplog.records[1].message
    encode([["istanbul", "i\u0307stanbul", *others, *map(str.upper, others)]] * 5, tmp_path / "3")
    encode(iter(["istanbul i\u0307stanbul Что́ Что it's it’s"] * 5), tmp_path / "4", tokens="unicode")
    assert len(caplog.records) == 2


def test_the_script_of_punctuated_words_tells_the_tokeniser(tmp_path, caplog):
    """Previously, the message recommended --tokens simple for Japanese text with many spaces between short words."""
    encode([["RFC", "です。", "2822", "である。", "e-mail", "を参照", "id"]] * 20, tmp_path / "out")
    assert "words are not separated by spaces: --tokens japanese" in caplog.text
    assert "simple" not in caplog.text


def test_a_text_of_rare_words_alone_is_refused(tmp_path):
    """Previously, a run on unsplit Japanese text took lines as words, and trained on 984 of 41,836 lines."""
    lines = [f"日本語の文章{number}は空白で区切られていません" for number in range(100)]
    for text, said in ((lines, "--tokens japanese"), ([f"w{number}" for number in range(100)], "--min-count")):
        with pytest.raises(InputError, match=f"95% of the 105 tokens are words .* fewer than 5 times: .*{said}"):
            encode(iter([*text, *["repeated"] * 5]), tmp_path / "out", tokens="split")
    assert encode(iter(lines), tmp_path / "out", tokens="split", min_count=1).tokens == 100


UNSPACED = {
    "japanese": "日本語の文章は空白で区切られていません。プログラムを作るために、単語に分ける必要があります。",
    "chinese": "这个软件包提供了一个用于显示图像的库。用户可以使用它来编写程序。我们昨天去了北京,天气很好。",
    "of its language": "ผู้ใช้สามารถใช้มันเขียนโปรแกรมได้ ภาษาไทยไม่มีช่องว่างระหว่างคำ เมื่อวานเราไปกรุงเทพ อากาศดีมาก",
}


@pytest.mark.parametrize("remedy", UNSPACED)
@pytest.mark.parametrize("tokens", ["unicode", "split", "japanese", "japanese-base", "chinese"])
def test_a_script_without_spaces_is_recognised_after_any_tokeniser(tmp_path, caplog, tokens, remedy):
    """Previously, ``--tokens unicode`` silently made every letter of such a script a word."""
    name = tokens.removesuffix("-base")
    encode(iter([UNSPACED[remedy]] * 5), tmp_path / "out", tokens=tokens)
    if name == remedy:
        assert not caplog.records
    elif (tokens, remedy) != ("japanese-base", "chinese"):  # base forms contain kana
        assert remedy in caplog.text
