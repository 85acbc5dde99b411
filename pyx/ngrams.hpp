/* The n-grams of words: the runs of characters of certain lengths, numbered, and looked up.
 *
 * A slot is 32 bits of an n-gram's hash and its number and one; where these bits agree, the characters themselves are
 * compared. Slots are probed one after the other, and at most half of them are taken. The numbers that are added to and
 * multiplied with a hash are random, so nobody can choose words whose n-grams meet in one slot; no result depends on them.
 *
 * Not thread-safe, but for look-ups. Included by ngrams.pyx and sweeps.hpp. */
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

namespace wordsparse {

/* Lengths of n-grams in characters, and how they are hashed. */
struct NgramKind {
    std::int64_t shortest, longest;
    std::uint64_t addend, multiplier;

    /* Calls visit(hash, start, length) for each n-gram of the word letters[begin:end]. */
    template <typename Visit>
    void each(const std::int32_t *letters, std::int64_t begin, std::int64_t end, Visit visit) const {
        for (std::int64_t start = begin; start + shortest <= end; ++start) {
            const std::int64_t most = std::min(longest, end - start);
            std::uint64_t hash = addend;
            for (std::int64_t length = 1; length <= most; ++length) {
                std::uint64_t x = (hash ^ std::uint64_t(letters[start + length - 1])) * (multiplier | 1);
                hash = (x ^ x >> 32) * (multiplier | 1) + addend;
                if (length >= shortest) visit(hash, start, length);
            }
        }
    }
};

/* The numbers of the n-grams letters[ends[i - 1] : ends[i]] by their hashes, in slots that its maker holds: a power of
 * two of them, at least twice as many as n-grams. */
struct NgramTable {
    const std::int32_t *letters;
    const std::int64_t *ends;
    std::uint64_t *slots;
    std::uint64_t mask; /* slots less one */

    std::int64_t start(std::int64_t i) const { return i ? ends[i - 1] : 0; }

    /* The number of an n-gram, or -1; `slot`: where its search ended. */
    std::int64_t find(std::uint64_t hash, const std::int32_t *ngram, std::int64_t length, std::uint64_t &slot) const {
        for (slot = hash & mask; slots[slot]; slot = (slot + 1) & mask) {
            const std::int64_t i = std::int64_t(slots[slot] & 0xFFFFFFFF) - 1;
            if (slots[slot] >> 32 == hash >> 32 && ends[i] - start(i) == length &&
                std::equal(ngram, ngram + length, letters + start(i)))
                return i;
        }
        return -1;
    }

    /* Fills the slots, all zeros, with the first `count` n-grams; false where one is there twice. */
    bool fill(const NgramKind &kind, std::int64_t count) {
        bool distinct = true;
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t length = ends[i] - start(i);
            NgramKind{length, length, kind.addend, kind.multiplier}.each(
                letters, start(i), ends[i], [&](std::uint64_t hash, std::int64_t first, std::int64_t) {
                    std::uint64_t slot;
                    distinct = find(hash, letters + first, length, slot) < 0 && distinct;
                    slots[slot] = hash >> 32 << 32 | std::uint64_t(i + 1);
                });
        }
        return distinct;
    }
};

/* The n-grams that at_least of the words letters[ends[w - 1] : ends[w]] have, the longest first, and of one length the one
 * first that the fewest words have; and which words have them.
 *
 * A counter for each hash, which n-grams may share, says first which n-grams can be in as many words at all: most are not,
 * and only the others enter the table. Memory: 2 to 4 bytes a character, and 4 for each n-gram of a word. */
class Ngrams {
  public:
    Ngrams(const std::int32_t *letters, const std::int64_t *word_ends, std::size_t words, const NgramKind &kind,
           std::int64_t at_least)
        : kind_(kind), slots_(std::size_t(1) << 10) {
        const auto each_word = [&](auto visit) {
            for (std::size_t word = 0; word < words; ++word) visit(word, word ? word_ends[word - 1] : 0, word_ends[word]);
        };
        std::size_t size = 1 << 10;
        while (words && size < 2 * std::size_t(word_ends[words - 1])) size *= 2;
        std::vector<std::uint8_t> counters(size);
        const std::uint8_t enough = std::uint8_t(std::min<std::int64_t>(at_least, 255));
        each_word([&](std::size_t, std::int64_t begin, std::int64_t end) {
            kind_.each(letters, begin, end, [&](std::uint64_t hash, std::int64_t, std::int64_t) {
                std::uint8_t &counter = counters[hash >> 32 & (size - 1)];
                counter = std::uint8_t(counter + (counter < enough));
            });
        });
        sizes.resize(words);
        each_word([&](std::size_t word, std::int64_t begin, std::int64_t end) {
            const std::size_t before = rows_.size();
            kind_.each(letters, begin, end, [&](std::uint64_t hash, std::int64_t start, std::int64_t length) {
                if (counters[hash >> 32 & (size - 1)] >= enough)
                    rows_.push_back(number(hash, letters + start, length, std::int64_t(word)));
            });
            sizes[word] = narrow(rows_.size() - before);
        });
        std::vector<std::uint8_t>().swap(counters);
        std::vector<std::uint64_t>().swap(slots_);
        keep(at_least);
    }

    std::vector<std::int32_t> text; /* of the n-grams, one after the other */
    std::vector<std::int64_t> ends;  /* of each in text */
    std::vector<std::int32_t> sizes; /* how many of them each word has, each as often as it occurs */

    std::size_t entries() const { return rows_.size(); }

    /* The words of each n-gram, ascending, one as often as the n-gram occurs in it: of[starts[g] : starts[g + 1]]. */
    void words_of(std::int64_t *starts, std::int32_t *of) const {
        for (const std::int32_t row : rows_) ++starts[row + 1];
        for (std::size_t g = 0; g < ends.size(); ++g) starts[g + 1] += starts[g];
        std::vector<std::int64_t> next(starts, starts + ends.size());
        const std::int32_t *row = rows_.data();
        for (std::size_t word = 0; word < sizes.size(); ++word)
            for (std::int32_t i = 0; i < sizes[word]; ++i) of[next[*row++]++] = std::int32_t(word);
    }

  private:
    std::int32_t number(std::uint64_t hash, const std::int32_t *ngram, std::int64_t length, std::int64_t word) {
        const NgramTable table{text.data(), ends.data(), slots_.data(), slots_.size() - 1};
        std::uint64_t slot;
        std::int64_t i = table.find(hash, ngram, length, slot);
        if (i < 0) {
            i = narrow(ends.size());
            text.insert(text.end(), ngram, ngram + length);
            ends.push_back(std::int64_t(text.size()));
            words_.push_back(0);
            last_word_.push_back(-1);
            slots_[slot] = hash >> 32 << 32 | std::uint64_t(i + 1);
            if (2 * ends.size() > slots_.size()) {
                slots_.assign(2 * slots_.size(), 0);
                NgramTable{text.data(), ends.data(), slots_.data(), slots_.size() - 1}.fill(kind_, i + 1);
            }
        }
        words_[i] += last_word_[i] != word;
        last_word_[i] = word;
        return std::int32_t(i);
    }

    static std::int32_t narrow(std::size_t n) {
        if (n >= std::size_t(std::numeric_limits<std::int32_t>::max()))
            throw std::overflow_error("more than 2,147,483,647 n-grams");
        return std::int32_t(n);
    }

    /* Leaves out the n-grams of fewer words, and numbers the others anew in their order. */
    void keep(std::int64_t at_least) {
        const std::vector<std::int32_t> all(std::move(text));
        const std::vector<std::int64_t> all_ends(std::move(ends));
        const auto start = [&](std::int32_t i) { return i ? all_ends[i - 1] : 0; };
        std::vector<std::int32_t> kept, row_of(words_.size(), -1);
        for (std::size_t i = 0; i < words_.size(); ++i)
            if (words_[i] >= at_least) kept.push_back(std::int32_t(i));
        std::stable_sort(kept.begin(), kept.end(), [&](std::int32_t i, std::int32_t j) {
            const std::int64_t a = all_ends[i] - start(i), b = all_ends[j] - start(j);
            return a != b ? a > b : words_[i] < words_[j];
        });
        text.clear();
        ends.clear();
        for (const std::int32_t i : kept) {
            row_of[i] = std::int32_t(ends.size());
            text.insert(text.end(), all.begin() + start(i), all.begin() + all_ends[i]);
            ends.push_back(std::int64_t(text.size()));
        }
        std::size_t from = 0, to = 0;
        for (std::int32_t &size : sizes) {
            const std::size_t first = to, end = from + std::size_t(size);
            for (; from < end; ++from)
                if (row_of[rows_[from]] >= 0) rows_[to++] = row_of[rows_[from]];
            size = std::int32_t(to - first);
        }
        rows_.resize(to);
    }

    NgramKind kind_;
    std::vector<std::uint64_t> slots_;
    std::vector<std::int64_t> words_, last_word_; /* of each n-gram in order of first appearance: how many, and the last */
    std::vector<std::int32_t> rows_;              /* of the first word, in order of their starts and lengths; ... */
};

} // namespace wordsparse
