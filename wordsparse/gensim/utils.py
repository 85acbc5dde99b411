"""The names of gensim.utils. All names except RULE_DEFAULT, RULE_DISCARD and RULE_KEEP need gensim."""

from wordsparse.gensim.passing import gensims
from wordsparse.gensim.texts import DEFAULT as RULE_DEFAULT
from wordsparse.gensim.texts import DISCARD as RULE_DISCARD
from wordsparse.gensim.texts import KEEP as RULE_KEEP

__all__ = ["RULE_DEFAULT", "RULE_DISCARD", "RULE_KEEP"]

__getattr__ = gensims(__name__)
