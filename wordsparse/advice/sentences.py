"""All sentences of an advice, in English and Japanese."""

from collections.abc import Mapping
from typing import Any

LANGUAGES = ("en", "ja")

SENTENCES: dict[str, tuple[str, str]] = {
    "title": ("Does the exact layer suit this data?", "厳密な出力層はこのデータに合うか"),
    "verdict": ("Advice", "結論"),
    "factored": ("Use wordsparse.", "wordsparse をお勧めします。"),
    "dense": ("Use a dense output layer.", "通常の密な出力層をお勧めします。"),
    "trees": ("Use label trees (omikuji).", "ラベル木(omikuji)をお勧めします。"),
    "one-vs-rest": (
        "Use one classifier for each label (one-vs-rest).",
        "ラベルごとの分類器(one-vs-rest)をお勧めします。",
    ),
    "negative-sampling": ("Use negative sampling (gensim).", "負例サンプリング(gensim)をお勧めします。"),
    "small": (
        "With {outputs:,} outputs and {features:,} features the exact layer "
        "is {times:.2g} times as fast as a dense one, "
        "less than {least:g} times: a dense layer is simpler and has every loss.",
        "出力 {outputs:,} 個、特徴 {features:,} 個では、厳密な層の速さは密な層の "
        "{times:.2g} 倍で、{least:g} 倍に届きません。"
        "密な層のほうが簡単で、損失も自由に選べます。",
    ),
    "speed": (
        "A training step is {times:,.3g} times as fast as a dense one ({outputs:,} outputs, {features:,} features).",
        "学習の 1 ステップは密な層の {times:,.3g} 倍の速さです(出力 {outputs:,} 個、特徴 {features:,} 個)。",
    ),
    "better": (
        "{measure} is {ours:.3f}, better than {theirs:.3f} of {peer}, on {amount:,} "
        "examples; {peer} took {times:.2g} times "
        "the CPU time.",
        "{amount:,} 例での {measure} は {ours:.3f} で、{peer} の {theirs:.3f} より良い値です。"
        "{peer} の CPU 時間は {times:.2g} 倍でした。",
    ),
    "worse": (
        "{measure} is {ours:.3f}, worse than {theirs:.3f} of {peer}, on {amount:,} "
        "examples; {peer} took {times:.2g} times "
        "the CPU time.",
        "{amount:,} 例での {measure} は {ours:.3f} で、{peer} の {theirs:.3f} に及びません。"
        "{peer} の CPU 時間は {times:.2g} 倍でした。",
    ),
    "alike": (
        "{measure} is {ours:.3f}, and {theirs:.3f} with {peer}, on {amount:,} "
        "examples: no difference is certain; {peer} took "
        "{times:.2g} times the CPU time.",
        "{amount:,} 例での {measure} は {ours:.3f}、{peer} では {theirs:.3f} で、"
        "差は確かではありません。{peer} の CPU 時間は "
        "{times:.2g} 倍でした。",
    ),
    "tail": (
        "{share:.0%} of the {outputs:,} labels that occur were seen at most "
        "5 times, and trees were not measured here "
        "(that takes omikuji): on such a tail they often rank the first label better.",
        "現れる {outputs:,} ラベルの {share:.0%} は 5 回以下しか現れません。ここでは木を測定していません"
        "(omikuji が必要です)。このような裾では、首位のラベルは木のほうが正確なことがよくあります。",
    ),
    "tail-measured": (
        "{share:.0%} of the {outputs:,} labels that occur were seen at most "
        "5 times: on such a tail trees may gain with "
        "more examples, so only a clear lead in the trial speaks against them.",
        "現れる {outputs:,} ラベルの {share:.0%} は 5 回以下しか現れません。"
        "このような裾では例が増えると木が伸びることがあるので、試行での明らかな差だけが木を退けます。",
    ),
    "unmeasured": (
        "The quality was not compared with a rival's: the advice is by speed and sizes alone.",
        "品質を他の方法と比べていません。速さと規模だけによる結論です。",
    ),
    "sizes": ("The data", "データ"),
    "n_examples": ("examples", "例の数"),
    "n_outputs": ("outputs (D)", "出力の数 (D)"),
    "n_features": ("features of the layer (d)", "層の特徴の数 (d)"),
    "targets_per_example": ("targets an example (K)", "1 例あたりの正解の数 (K)"),
    "rare_share": ("outputs seen at most 5 times", "5 回以下しか現れない出力"),
    "speedup_predicted": ("speed-up over a dense layer, predicted", "密な層に対する速さの予測"),
    "speedup_measured": ("speed-up over a dense layer, measured", "密な層に対する速さの実測"),
    "memory_bytes": ("memory of the layer", "層のメモリ"),
    "dense_memory_bytes": ("memory of a dense layer with its gradient", "密な層と勾配のメモリ"),
    "step": ("CPU time of a training step", "学習 1 ステップの CPU 時間"),
    "exact layer": ("exact layer", "厳密な層"),
    "dense layer": ("dense layer", "密な層"),
    "quality": ("Quality in the trial", "試行での品質"),
    "training": ("CPU time of training in the trial", "試行での学習の CPU 時間"),
    "examples": ("{method}, {amount:,} examples", "{method}、{amount:,} 例"),
    "losses": ("Losses", "損失"),
    "fits": ("fits", "使える"),
    "no-fit": ("does not fit", "使えない"),
    "no-softmax": (
        "is not in the family; nearest: {nearest}",
        "この族には含まれません。最も近いのは {nearest} です",
    ),
    "probabilities": ("probabilities", "確率"),
    "rankings": ("rankings", "順位"),
    "values": ("values", "値"),
    "full": ("The full run", "全データでの学習"),
    "full-run": ("{low:.2g} to {high:.2g} CPU seconds", "CPU 時間 {low:.2g}〜{high:.2g} 秒"),
    "not-run": ("not measured", "測定していません"),
    "limits": ("Assumptions and limits", "前提と限界"),
    "limit-dense": (
        "The dense update was timed on at most 20,000 outputs and its time multiplied; "
        "its loss is the cheapest, squared error.",
        "密な更新は最大 20,000 出力で測り、時間を比例させました。損失は最も軽い二乗誤差です。",
    ),
    "limit-trial": (
        "The trial has one seed and one split; its intervals are 95 % over the test examples only.",
        "試行の乱数と分割は 1 通りだけで、区間はテスト例だけについての 95 % 区間です。",
    ),
    "limit-full": (
        "The full run is extrapolated in proportion to the examples, with 25 % either way.",
        "全データの時間は例の数に比例させた推定で、上下に 25 % の幅を取りました。",
    ),
    "limit-part": (
        "The trial used a part of the data: rivals may change places with more of it.",
        "試行はデータの一部だけです。データが増えると優劣が変わることがあります。",
    ),
    "limit-interrupted": (
        "The trial was interrupted: the advice is by what had been measured.",
        "試行は途中で止められました。それまでの測定による結論です。",
    ),
    "limit-text": (
        "Text is judged by pairs of words (mean Spearman correlation) after one epoch of the first tokens.",
        "テキストは、先頭の部分を 1 回学習した後の単語対の順位相関の平均で評価しました。",
    ),
    "limit-labels": (
        "Labels are judged by the first label of rows that were held out (P@1); "
        "one-vs-rest is tried up to 1,000 labels.",
        "ラベルは、学習に使わない行の首位のラベル(P@1)で評価しました。one-vs-rest は 1,000 ラベルまで試します。",
    ),
    "limit-real": (
        "There was no trial: the targets are weights or real values, which the trial does not judge.",
        "正解が重みか実数値なので、試行はしていません。",
    ),
    "limit-packages": (
        "There was no trial: it needs gensim, matplotlib and Jinja2.",
        "gensim、matplotlib、Jinja2 がないので、試行はしていません。",
    ),
    "limit-pairs": (
        "The trial judged nothing: too few words of the test sets are in the text.",
        "テストの単語がテキストに少なく、試行では何も評価できませんでした。",
    ),
    "made": ("wordsparse {version}; {machine}", "wordsparse {version}、{machine}"),
}


def say(name: str, language: str, values: Mapping[str, Any] | None = None) -> str:
    """A sentence in a language, ``en`` or ``ja``."""
    text = SENTENCES[name][LANGUAGES.index(language)]
    return text.format(**values) if values else text
