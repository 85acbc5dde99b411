"""Every command refuses wrong requests with status 2 and one message that names the error, and writes nothing."""

import os
import shlex
import shutil
from pathlib import Path

import pytest
from support.texts import write_text

from wordsparse.cli import main
from wordsparse.vectors.formats import save_vectors
from wordsparse.vectors.word_vectors import WordVectors

pytestmark = pytest.mark.usefixtures("no_gpu")
TRAIN = "train {text} -o out --dim 6 --epochs 2 --threads 1 --sample 0 --min-count 1"
COMPARE = "compare {text} -o out --dim 4 --threads 1 --min-count 1 --sample 0 {sets} --only wordsparse-cbow"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Write the files that requests name: texts, two of them not UTF-8, models, a damaged model, vectors, test sets."""
    folder = tmp_path_factory.mktemp("named")
    write_text(folder / "text.txt")
    train = TRAIN.format(text=folder / "text.txt").split()
    assert main([folder.joinpath("model").as_posix() if part == "out" else part for part in train]) == 0
    shutil.copytree(folder / "model", folder / "damaged")
    content = bytearray((folder / "damaged/input.npy").read_bytes())
    content[-1] ^= 1
    (folder / "damaged/input.npy").write_bytes(content)
    words = WordVectors(["man", "king", "woman", "queen"], [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1]])
    save_vectors(words, folder / "vectors.txt", "word2vec")
    (folder / "new.txt").write_text("w1 comet w2\n")
    (folder / "pairs.tsv").write_text("".join(f"w{i}\tw{i + 1}\t{i * 7 % 11}\n" for i in range(10)))
    (folder / "asked.txt").write_text("w1 w2 w3 w4\nw3 w4 w5 w6\n")
    (folder / "soft").symlink_to("text.txt")
    os.link(folder / "text.txt", folder / "hard")
    (folder / "options.toml").write_text("dim = 6\n")
    (folder / "rows.jsonl").write_text('{"text": "w1 w2"}\n')
    (folder / "table.parquet").write_bytes(b"PAR1")
    (folder / "labels").mkdir()
    (folder / "labels/labels.json").write_text("{}")
    os.mkfifo(folder / "pipe")
    (folder / "taken").mkdir()
    (folder / "taken/mine").write_text("mine")
    (folder / "latin").write_bytes("café olé\n".encode("latin-1"))
    (folder / "cut").write_bytes("a cat naï".encode()[:-1])
    made = {path.stem: str(path) for path in folder.iterdir()}
    return {**made, "sets": f"--pairs {folder / 'pairs.tsv'} --analogies {folder / 'asked.txt'}"}


def refused(request: str, message: str, names: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Check that the request is refused and leaves the empty working directory empty."""
    assert main([part.format(**names) for part in shlex.split(request.replace("{sets}", names["sets"]))]) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("wordsparse: ")
    assert message in streams.err
    assert "Traceback" not in streams.err
    assert list(Path.cwd().iterdir()) == []


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("encode {text} -o out --min-count x", "min-count"),
        ("encode {text} -o out --format csv", "is a table"),
        ("encode -o out", "CORPUS"),
        ("train {text}", "--output"),
        (f"{TRAIN} --model sg", "'sg' is not known: did you mean skipgram?"),
        (f"{TRAIN} --tokens unicod", "did you mean unicode"),
        (f"{TRAIN} --loss softmax", "softmax"),
        (f"{TRAIN} --for graph", "--min-count does not apply to --for graph: leave it out"),
        (f"{TRAIN} --device cuda", "cuda"),
        (f"{TRAIN} --minn 3", "did you mean --shortest?"),
        (f"{TRAIN} --frobnicate", "--frobnicate"),
        ("train {text} -o out -minCount 2", "no such option -minCount: did you mean --min-count?"),
        ("train -input {text} -o out", "no such option -input: did you mean CORPUS, without an option?"),
        ("train {text} -output out", "no such option -output: did you mean --output?"),
        (
            "quantize -input {text} -output out",
            "no such command 'quantize': train a smaller model: with a higher --min",
        ),
        ("test-label {model} {text}", "it is wordsparse labels evaluate MODEL FILE --per-label LABELS.csv"),
        ("train {text} -o out --tokens czech", "the tokeniser 'czech' is not known: tokens=unicode (--tokens unicode)"),
        (
            "train {text} -o out --lemmatize",
            "no such option --lemmatize: to train on lemmas, lemmatise the text before",
        ),
        ("train {text} -o out --stopwords x", "no such option --stopwords: there is no list of stop words"),
        ("train {text} -o out --language cs", "no such option --language: tokens=unicode"),
        # The output is checked before the text is read.
        ("train none.txt -o {text}", "exists already: is a file: name a new dir"),
        ("train none.txt -o {taken}", "exists already"),
        ("train none.txt -o no/m", "make it first"),
        ("train none.txt -o out", "none.txt"),
        ("train {text} -o out --resume", "out: there is no model and no unfinished run to resume: correct the path"),
        (f"{COMPARE} --epochs 1,x", "--epochs"),
        (f"{COMPARE} --tokens 9999", "'9999' is not known: choose one of split"),
        (f"{COMPARE} --pairs missing.tsv", "missing.tsv"),
        (f"{COMPARE} -o {{taken}}", "exists already"),
        ("similar {vectors} king --topn 3", "no such option --topn: did you mean -n?"),
        (
            "search {model} {text} word --filter year=2003",
            "no such column: year; the index keeps no columns",
        ),
        ("next {model} w1 --filter w2", "no such option --filter: did you mean --candidates?"),
        ("similar - word", "-: standard input can only hold a training text: write it to a file first"),
        ("similar {vectors}", "name a WORD, or the table to write with the neighbours of all words, -o FILE.parquet"),
        ("similar {vectors} -o out.txt", "out.txt: rows are written as .parquet, .jsonl, .csv"),
        ("similar {vectors} --candidates {rows} -o {rows}", "rows.jsonl: is an input too"),
        ("similar {vectors} -o - --json", "--json and --output both name standard output"),
        ("similar {vectors} man quen -o out.csv", "'quen' is not in the vocabulary"),
        ("similar {vectors} king --candidates {text}", "none of the candidates is in the vocabulary"),
        ("analogy {vectors} man king woman --candidates none", "none: cannot be read: No such file"),
        ("similar {vectors} king --candidates /dev/zero", "/dev/zero: is no regular file"),
        ("next {model} w1 --candidates {pipe}", "pipe: is no regular file"),
        ("similar {damaged} w1", "input.npy: does not match its checksum"),
        ("analogy {vectors} man king x", "'x' is not in the vocabulary"),
        ("evaluate nowhere {sets}", "nowhere: cannot be read: No such file or directory"),
        ("export {vectors} -o no/such/place --format npz", "make it first"),
        ("export {vectors} -o out --format word2vec-binary", "did you mean word2vec-bin?"),
        ("export {vectors} -o out", "--format"),
        ("explore {vectors} -o - --json", "--json"),
        ("subwords {model} --vectors {vectors} -o out", "give a MODEL or --vectors FILE"),
        ("subwords {vectors} -o out", "is not a model directory"),
        ("infer {model} {new} -o out --min-count 9", "occurs 9 times"),
        ("documents {model} {new} -o d.txt", "d.txt: rows are written as .npy, .parquet, .jsonl"),
        ("similar king {model}", "the model comes first"),
        ("train {model} -o out", "is a model, not a text"),
        ("train {new} -o ''", "the path is empty"),
        ("train {new} -o -", "-: is standard output, and a directory is needed"),
        ("train {new} -o /", "/: is the root directory"),
        ("export {vectors} -o s3://b/v.txt", "s3://b/v.txt: is an address, and only local files are written"),
        (f"train {{new}} -o {'n' * 240}", "its name is too long: name an output of at most 237 bytes"),
        ("documents {model} {new} -o d.jsonl --keep id", "--keep names columns of a table"),
        ("documents {model} {rows} --column text --keep vector -o d.jsonl", "--keep vector: the answers have a column"),
        ("documents {model} {rows} --column text --group-by vector -o d.jsonl", "--group-by vector: the answers"),
        ("documents {text} {model} -o d.npy", "the model comes first"),
        ("train {new} -o out --config {model}/model.json", "for a model's options name its directory"),
        ("train {latin} -o out", "iconv -f LATIN1"),
        ("train {cut} -o out", "ends inside a character"),
        ("compare {text} -o out --only gensim", "did you mean gensim-skipgram-ns or"),
        ("similar {labels} cat", "is a model of labels, not of words: use it with 'wordsparse labels predict'"),
        ("vectors {vectors} none", "the word 'none' is not in the vocabulary"),
        ("infer {model} {new} -o - --json", "--json and --output both name"),
        ("advise --features X.npz --column text", "options of a text need a CORPUS"),
        # Previously, these commands replaced their input, or appended lines to the input, and exited with status 0.
        *(
            (request, "is an input too")
            for request in (
                "train {text} -o out --export {text}",
                "train {text} -o out --log {hard}",
                "train {soft} -o out --log {text}",
                "train {taken} -o out --log {taken}/mine",
                "train {text} -o out --config {options} --log {options}",
                "train {text} -o out --dim 3 --init {vectors} --export {vectors}",
                "train {text} -o out --dim 6 --init {model} --log {model}/model.json",
                "documents {model} {rows} --column text -o {rows}",
                "documents {model} {new} -o {model}/input.npy",
                "count {table} --for counts -o {table}",
                "export {vectors} -o {vectors}",
                "infer {model} {new} -o {new}",
                "subwords --vectors {vectors} -o {vectors}",
                "explore {vectors} -o {vectors}",
            )
        ),
    ],
)
def test_a_wrong_request_writes_nothing(
    request_: str, message: str, names: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    refused(request_, message, names, capsys)
    assert [path.name for path in Path(names["taken"]).iterdir()] == ["mine"]


@pytest.fixture(scope="module")
def of_labels(data: Path, posts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Write labelled rows, models of labels, and files of rows that do not fit the models."""
    folder = tmp_path_factory.mktemp("of-labels")
    (folder / "wide.txt").write_text("0 98:1\n")
    (folder / "none.txt").write_text("1 30 6\n 3:1\n")
    (folder / "new.csv").write_text("text\nA Cat!\n")
    (folder / "new.jsonl").write_text('{"text": "A Cat!"}\n')
    (folder / "model.json").write_text("{}")
    (folder / "hash.txt").write_text("#pet a cat\n")
    (folder / "other.txt").write_text("__label__ship a cat\n")
    lines = (data / "train.txt").read_text().splitlines(keepends=True)
    (folder / "cut.txt").write_text("".join(lines[:93]) + lines[93].rsplit(" ", 1)[0])
    return {"data": str(data), "posts": str(posts), "here": str(folder), "sets": ""}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("train {data}/absent.txt -o m", "absent.txt: cannot be read"),
        ("train {data}/train.txt -o {data}/model", "model: exists already"),
        ("train {here}/cut.txt -o m", "cut.txt: its first line states 200 rows, but 93 follow: is it"),
        ("evaluate {data}/train.txt {data}/test.txt", "fastText's classifiers cannot be read: train a new classifier"),
        ("train -input {data}/train.txt -o m", "did you mean DATA, without an option?"),
        ("evaluate {data}/model {here}/wide.txt", "wide.txt: has 99 features, more than the 30 that are known"),
        ("predict {data}/model {data}/test.txt -k 0", "k must be at least 1"),
        ("evaluate {data}/model {here}/none.txt", "none.txt: no row has a label: give at least one"),
        ("evaluate {posts}/m {here}/hash.txt", "hash.txt: no text has a label: write labels as words __label__NAME"),
        (
            "evaluate {posts}/m {here}/new.csv --column text",
            "new.csv: no text has a label: name the column of the labels",
        ),
        ("evaluate {posts}/m {here}/other.txt", "Y has no label of a training row"),
        ("evaluate {posts}/m {posts}/posts.csv --per-label {posts}/posts.csv", "is an input too"),
        ("evaluate {posts}/m {posts}/posts.csv --per-label - --json", "--json and --per-label both name"),
        ("predict {posts}/m - 3", "unexpected argument 3: did you mean -k 3?"),
        ("test {posts}/m {here}/hash.txt", "no such command 'test': it is wordsparse labels evaluate MODEL FILE"),
        ("train {data}/train.txt -o m --autotune-validation x", "a classifier of labels tunes itself on the rows"),
        ("train {data}/train.txt -o m -autotune-duration 3", "no such option -autotune-duration: a classifier of"),
        ("train {data}/train.txt -o m --rerank", "--rerank: labels train ranks the best labels again if that helps"),
        ("train {data}/train.txt -o m --epoch 5", "a classifier of labels is fitted in one pass over the texts"),
        (
            "train -input {data}/train.txt -output m -loss ova -wordNgrams 2",
            "no such option -input: did you mean DATA, without an option?; -output: did you mean --output?; "
            "-loss: a classifier of labels gives each label its own probability, as fastText's -loss ova does; "
            "-wordNgrams: did you mean --ngrams?\nUsage: wordsparse labels train [OPTIONS] [DATA]",
        ),
        ("train {data}/train.txt -output m", "-output: did you mean --output?\nUsage: wordsparse labels train"),
        ("train {posts}/posts.csv -o x", "name the column of the texts, --column NAME"),
        ("train {posts}/posts.csv --column=text -o x", "needs both --column for its texts"),
        ("train {data}/train.txt --min-count=3 -o x", "holds numbers, so --min-count does not"),
        ("predict {data}/model {data}/test.txt --column=a", "was trained on numbers: leave out"),
        ("evaluate {posts}/m {here}/new.csv --column text --labels tags", "new.csv: has no column 'tags'"),
        ("predict {posts}/m {here}/new.csv --column text --labels tags", "no such option --labels"),
        ("predict {posts}/m {here}/new.csv", "new.csv: is a table, whose columns are 'text': name"),
        ("predict {posts}/m {posts}/posts.csv --column text --keep id", "--keep names columns of a table"),
        ("predict {posts}/m {posts}/posts.csv --column text -o out.txt", "choose one of these suffixes"),
        ("predict {posts}/m {posts}/posts.csv --column text --keep no -o out.jsonl", "posts.csv: has no column 'no'"),
        ("predict {posts}/m {posts}/posts.csv --column text --keep labels -o out.jsonl", "--keep labels: the answers"),
        ("predict {data}/model -", "was trained on numbers, which are read from a file: name the file"),
        ("predict {posts}/m {here}/new.jsonl --column text -o {here}/new.jsonl", "is an input too"),
        ("predict {posts}/m - -o out.jsonl", "lines of standard input are answered as they come"),
        ("predict {here} {data}/test.txt", "is a model of words, not of labels"),
    ],
)
def test_a_wrong_request_of_labels_writes_nothing(
    request_: str, message: str, of_labels: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    refused(f"labels {request_}", message, of_labels, capsys)
