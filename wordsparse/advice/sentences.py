"""All sentences of an advice, in English and Japanese."""

from collections.abc import Mapping
from typing import Any

LANGUAGES = ("en", "ja")

SENTENCES: dict[str, tuple[str, str]] = {
    "title": ("Does the exact layer suit this data?", "厳密な出力層は、このデータに向いているか"),
    "verdict": ("Advice", "結論"),
    "factored": ("Use wordsparse.", "wordsparse をお勧めします。"),
    "dense": ("Use a dense output layer.", "通常の密な出力層をお勧めします。"),
    "trees": ("Use label trees (omikuji).", "ラベル木(omikuji)をお勧めします。"),
    "one-vs-rest": (
        "Use one classifier for each label (one-vs-rest).",
        "ラベルごとの分類器(one-vs-rest)をお勧めします。",
    ),
    "ridge": ("Use ridge regression (scikit-learn).", "リッジ回帰(scikit-learn)をお勧めします。"),
    "negative-sampling": ("Use negative sampling (gensim).", "負例サンプリング(gensim)をお勧めします。"),
    "small": (
        "With {outputs:,} outputs and {features:,} features the exact layer "
        "is {times:.2g} times as fast as a dense one, "
        "less than {least:g} times: a dense layer is simpler and has every loss.",
        "出力が {outputs:,} 個、特徴が {features:,} 個の場合、厳密な層の速さは密な層の "
        "{times:.2g} 倍にとどまり、{least:g} 倍に届きません。"
        "密な層のほうが簡単で、どの損失でも使えます。",
    ),
    "small-ahead": (
        "With {outputs:,} outputs and {features:,} features the exact layer "
        "is {times:.2g} times as fast as a dense one, "
        "less than {least:g} times: its speed is no reason to use it here, its quality in the trial is.",
        "出力が {outputs:,} 個、特徴が {features:,} 個の場合、厳密な層の速さは密な層の "
        "{times:.2g} 倍にとどまり、{least:g} 倍に届きません。"
        "お勧めする理由は速さではなく、試行での品質です。",
    ),
    "speed": (
        "A training step is {times:,.3g} times as fast as a dense one ({outputs:,} outputs, {features:,} features).",
        "学習の 1 ステップは、密な層の {times:,.3g} 倍の速さです(出力 {outputs:,} 個、特徴 {features:,} 個)。",
    ),
    "better": (
        "{measure} is {ours:.3f}, better than {theirs:.3f} of {peer}, on {amount:,} "
        "examples; {peer} took {times:.2g} times "
        "the CPU time.",
        "{amount:,} 例で学習したときの {measure} は {ours:.3f} で、{peer} の {theirs:.3f} を上回りました。"
        "{peer} の CPU 時間は、その {times:.2g} 倍でした。",
    ),
    "worse": (
        "{measure} is {ours:.3f}, worse than {theirs:.3f} of {peer}, on {amount:,} "
        "examples; {peer} took {times:.2g} times "
        "the CPU time.",
        "{amount:,} 例で学習したときの {measure} は {ours:.3f} で、{peer} の {theirs:.3f} を下回りました。"
        "{peer} の CPU 時間は、その {times:.2g} 倍でした。",
    ),
    "alike": (
        "{measure} is {ours:.3f}, and {theirs:.3f} with {peer}, on {amount:,} "
        "examples: no difference is certain; {peer} took "
        "{times:.2g} times the CPU time.",
        "{amount:,} 例で学習したときの {measure} は {ours:.3f}、{peer} では {theirs:.3f} で、"
        "はっきりした差はありません。{peer} の CPU 時間は、その {times:.2g} 倍でした。",
    ),
    "tail": (
        "{share:.0%} of the {outputs:,} labels that occur were seen at most "
        "5 times, and trees were not measured here "
        "(that takes omikuji): on such a tail they often rank the first label better.",
        "データにあるラベル {outputs:,} 個のうち {share:.0%} は、5 回以下しか現れません。ラベル木は測定していません"
        "(omikuji が必要です)。このような裾の長いデータでは、1 位のラベルはラベル木のほうが正確なことがよくあります。",
    ),
    "tail-measured": (
        "{share:.0%} of the {outputs:,} labels that occur were seen at most "
        "5 times: on such a tail trees may gain with "
        "more examples, so only a clear lead in the trial speaks against them.",
        "データにあるラベル {outputs:,} 個のうち {share:.0%} は、5 回以下しか現れません。"
        "このような裾の長いデータでは、例が増えるとラベル木の精度が上がることがあります。"
        "そのため、試行ではっきりと勝った場合を除き、ラベル木をお勧めします。",
    ),
    "unmeasured": (
        "The quality was not compared with a rival's: the advice is by speed and sizes alone.",
        "ほかの方法と品質を比べていないので、速さと規模だけに基づく結論です。",
    ),
    "machines": (
        "Training needs about {need:,.3g} GB, and {left:,.3g} GB are left here: {machines} machines like this one hold "
        "it together (mpiexec -n {machines} wordsparse train), or a smaller dimension or vocabulary.",
        "学習には約 {need:,.3g} GB のメモリが必要ですが、このマシンの残りは {left:,.3g} GB です。"
        "同じマシンが {machines} 台あれば、分担して学習できます(mpiexec -n {machines} wordsparse train)。"
        "次元や語彙を小さくする方法もあります。",
    ),
    "sizes": ("The data", "データ"),
    "n_examples": ("examples", "データの件数"),
    "n_outputs": ("outputs (D)", "出力の数 (D)"),
    "n_features": ("features of the layer (d)", "層に入る特徴の数 (d)"),
    "targets_per_example": ("targets an example (K)", "1 件あたりの正解の数 (K)"),
    "rare_share": ("outputs seen at most 5 times", "5 回以下しか現れない出力"),
    "speedup_predicted": ("speed-up over a dense layer, predicted", "密な層と比べた速さ(予測)"),
    "speedup_measured": ("speed-up over a dense layer, measured", "密な層と比べた速さ(実測)"),
    "memory_bytes": ("memory of the layer", "厳密な層のメモリ"),
    "dense_memory_bytes": ("memory of a dense layer with its gradient", "密な層のメモリ(勾配を含む)"),
    "step": ("CPU time of a training step", "学習 1 ステップの CPU 時間"),
    "exact layer": ("exact layer", "厳密な層"),
    "dense layer": ("dense layer", "密な層"),
    "quality": ("Quality in the trial", "試行の品質"),
    "training": ("CPU time of training in the trial", "試行の学習にかかった CPU 時間"),
    "examples": ("{method}, {amount:,} examples", "{method}、{amount:,} 例"),
    "losses": ("Losses", "損失"),
    "fits": ("fits", "使える"),
    "no-fit": ("does not fit", "使えない"),
    "no-softmax": (
        "is not in the family; nearest: {nearest}",
        "厳密には計算できません。最も近いのは {nearest} です",
    ),
    "probabilities": ("probabilities", "確率"),
    "rankings": ("rankings", "順位"),
    "values": ("values", "値"),
    "full": ("The full run", "全データでの学習"),
    "full-run": ("{low:.2g} to {high:.2g} CPU seconds", "CPU 時間 {low:.2g}〜{high:.2g} 秒"),
    "not-run": ("not measured", "測定していません"),
    "limits": ("Assumptions and limits", "前提と限界"),
    "limit-step": (
        "The predicted speed-up is a ratio of floating-point operations; the measured one is a ratio of CPU times on "
        "one thread, to which the fixed costs of a step and the reading of memory belong.",
        "予測した速さは浮動小数点演算の回数の比です。実測した速さは 1 スレッドでの CPU 時間の比で、"
        "ステップごとの固定の時間とメモリの読み出しも含みます。",
    ),
    "limit-dense": (
        "The dense update was timed on at most 20,000 outputs and its time multiplied; "
        "its loss is the cheapest, squared error.",
        "密な層の更新は最大 20,000 出力で測り、その時間を出力の数に比例させて見積もりました。"
        "損失は、計算が最も軽い二乗誤差です。",
    ),
    "limit-trial": (
        "The trial has one seed and one split; its intervals are 95 % over the test examples only.",
        "試行の乱数の種とデータの分割は 1 通りだけです。区間は、テスト用の例のばらつきだけを見た 95 % 区間です。",
    ),
    "limit-full": (
        "The time of the full run is extrapolated from the last stage, in proportion to the examples and by the growth "
        "since the stage before, with 25 % either way; from a single stage, from half of its own time to twice that in "
        "proportion.",
        "全データの時間は、最後の段階の測定値からの推定です。例の数に比例する場合と、直前の段階からの伸びが続く場合を求め、"
        "上下に 25 % の幅を加えました。"
        "段階が 1 つだけのときは、その時間の半分から、例の数に比例した時間の 2 倍までとしました。",
    ),
    "limit-part": (
        "The trial used a part of the data: rivals may change places with more of it.",
        "試行に使ったのはデータの一部です。データが増えると優劣が入れ替わることがあります。",
    ),
    "limit-interrupted": (
        "The trial was interrupted: the advice is by what had been measured.",
        "試行は途中で中断されました。それまでの測定に基づく結論です。",
    ),
    "limit-text": (
        "Text is judged by pairs of words (mean Spearman correlation) after one epoch of the first tokens.",
        "テキストは、先頭部分を 1 エポック学習した後、単語対の類似度の順位相関(Spearman)の平均で評価しました。",
    ),
    "limit-labels": (
        "Labels are judged by the first label of rows that were held out (P@1); "
        "one-vs-rest is tried up to 1,000 labels, and an embedding under a dense output layer with logistic loss "
        "up to 10,000, where PyTorch is installed.",
        "ラベルは、学習に使わない行で 1 位のラベルが正解かどうか(P@1)で評価しました。"
        "one-vs-rest は 1,000 ラベルまで、埋め込みとロジスティック損失の密な出力層(PyTorch がある場合)は "
        "10,000 ラベルまで試します。",
    ),
    "limit-real": (
        "Targets that are weights or real values are judged by R² on rows that were held out, beside scikit-learn's "
        "ridge regression where its dense targets fit.",
        "重みや実数値の目標は、学習に使わない行の決定係数 R² で評価しました。"
        "密な目標行列がメモリに収まる場合は、scikit-learn のリッジ回帰とも比べています。",
    ),
    "limit-features": (
        "There was no trial: the regression of weights or real values needs features × features numbers, "
        "too many for more than 4,000 features.",
        "重みや実数値の回帰は特徴数 × 特徴数のメモリを使います。"
        "特徴が 4,000 個を超えると大きすぎるので、試行はしていません。",
    ),
    "limit-packages": (
        "There was no trial: it needs gensim, matplotlib and Jinja2.",
        "gensim、matplotlib、Jinja2 がないので、試行はしていません。",
    ),
    "limit-memory": (
        "There was no trial: the training does not fit into the memory of this machine.",
        "学習に必要なメモリがこのマシンにないので、試行はしていません。",
    ),
    "limit-pairs": (
        "The trial judged nothing: too few words of the test sets are in the text.",
        "テストに使う単語がテキストにほとんどないため、試行では評価できませんでした。",
    ),
    "made": ("wordsparse {version}; {machine}", "wordsparse {version}、{machine}"),
}


def say(name: str, language: str, values: Mapping[str, Any] | None = None) -> str:
    """A sentence in a language, ``en`` or ``ja``."""
    text = SENTENCES[name][LANGUAGES.index(language)]
    return text.format(**values) if values else text
