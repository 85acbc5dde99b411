"""Count pairs of words in PySpark, as ``wordsparse count`` counts them: spark-submit spark_counts.py TEXT PAIRS."""

import sys

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

WINDOW, MIN_COUNT = 8, 5


def counted_pairs(lines: DataFrame, min_count: int = MIN_COUNT) -> DataFrame:
    """Return columns word, context and count for ``lines``, whose column ``value`` holds a sentence per row."""
    numbered = lines.withColumn("line", F.monotonically_increasing_id())
    tokens = numbered.select("line", F.posexplode(F.split("value", " ")).alias("place", "word")).where("word <> ''")
    frequent = tokens.groupBy("word").count().where(F.col("count") >= min_count).select("word")
    placed = F.array_sort(F.collect_list(F.struct("place", "word"))).alias("placed")
    words = tokens.join(frequent, "word").groupBy("line").agg(placed).select(F.col("placed.word").alias("words"))
    pairs = words.select(F.explode(pairs_of(F.col("words"))).alias("pair")).select("pair.*")
    turned = pairs.select(F.col("context").alias("word"), F.col("word").alias("context"), "weight")
    return pairs.unionAll(turned).groupBy("word", "context").agg(F.sum("weight").alias("count"))


def pairs_of(words: Column) -> Column:
    """Return an array of (word, context, weight) for the pairs within the window, where context is the later word."""

    def at_distance(distance: Column) -> Column:
        number = F.greatest(F.size(words) - distance, F.lit(0))
        both = F.slice(words, 1, number), F.slice(words, distance + 1, number)
        weight = (1 / distance).alias("weight")
        return F.zip_with(*both, lambda a, b: F.struct(a.alias("word"), b.alias("context"), weight))

    return F.flatten(F.transform(F.sequence(F.lit(1), F.lit(WINDOW)), at_distance))


if __name__ == "__main__":
    text, output = sys.argv[1:]
    counted_pairs(SparkSession.builder.getOrCreate().read.text(text)).write.parquet(output)
