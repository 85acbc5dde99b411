/* Assigns numbers to the n-grams of words, and looks up n-grams. N-grams are runs of n characters, for a range of n.
 *
 * A slot holds 32 bits of the hash of an n-gram, and the number of the n-gram plus one. If the bits agree, the
 * characters themselves are compared. Slots are probed one after another, and at most half of the slots are taken. The
 * addend and the multiplier of hashes are random, so that nobody can choose words whose n-grams collide. The random
 * addend and multiplier change no result.
 */
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

namespace wordsparse {

/* A hash table from n-grams, letters[ends[i - 1] : ends[i]], to their numbers i. The caller owns the arrays; mask is
 * the number of slots - 1. */
struct NgramTable {
    const std::int64_t *kind; /* least and greatest length in characters, addend and multiplier of the hashes */
    const std::int32_t *letters;
    const std::int64_t *ends;
    std::int64_t *slots;
    std::uint64_t mask;

    /* Calls visit(hash, start, length) for each n-gram of text[begin:end]. */
    template <typename Visit>
    void each(const std::int32_t *text, std::int64_t begin, std::int64_t end, Visit visit) const {
        const std::uint64_t addend = std::uint64_t(kind[2]), multiplier = std::uint64_t(kind[3]) | 1;
        for (std::int64_t start = begin; start + kind[0] <= end; ++start) {
            const std::int64_t longest = std::min(kind[1], end - start);
            std::uint64_t hash = addend;
            for (std::int64_t length = 1; length <= longest; ++length) {
                const std::uint64_t x = (hash ^ std::uint64_t(text[start + length - 1])) * multiplier;
                hash = (x ^ x >> 32) * multiplier + addend;
                if (length >= kind[0]) visit(hash, start, length);
            }
        }
    }

    /* Returns the number of an n-gram, or -1. Sets `slot` to the slot where the search ended. */
    std::int64_t find(std::uint64_t hash, const std::int32_t *ngram, std::int64_t length, std::int64_t *&slot) const {
        for (std::uint64_t at = hash & mask;; at = (at + 1) & mask) {
            slot = slots + at;
            const std::int64_t i = (*slot & 0xFFFFFFFF) - 1, start = i > 0 ? ends[i - 1] : 0;
            if (i < 0) return -1;
            if (std::uint64_t(*slot) >> 32 == hash >> 32 && ends[i] - start == length &&
                std::equal(ngram, ngram + length, letters + start))
                return i;
        }
    }

    /* Fills the slots, which must be zeros, with the first `count` n-grams. Returns false if an n-gram occurs twice. */
    bool fill(std::int64_t count) const {
        bool distinct = true;
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t start = i ? ends[i - 1] : 0;
            const std::int64_t whole[] = {ends[i] - start, ends[i] - start, kind[2], kind[3]};
            NgramTable{whole, letters, ends, slots, mask}.each(
                letters, start, ends[i], [&](std::uint64_t hash, std::int64_t, std::int64_t length) {
                    std::int64_t *slot;
                    distinct = find(hash, letters + start, length, slot) < 0 && distinct;
                    *slot = std::int64_t(hash >> 32 << 32 | std::uint64_t(i + 1));
                });
        }
        return distinct;
    }
};

/* The n-grams that occur in at least at_least words, and the words of each n-gram. Word w is text[word_ends[w - 1] :
 * word_ends[w]].
 *
 * In a first pass, counters that are indexed by hashes rule out most n-grams that occur in too few words; several
 * n-grams may share a counter. Only the remaining n-grams enter the table. Memory: 2 to 4 bytes per character, and 4
 * bytes for each n-gram of each word. */
class Ngrams {
  public:
    Ngrams(const std::int64_t *kind, const std::int32_t *text, const std::int64_t *word_ends, std::size_t words,
           std::int64_t at_least)
        : kind_(kind), slots_(2) {
        const NgramTable kinds{kind, nullptr, nullptr, nullptr, 0};
        const auto each_word = [&](auto visit) {
            for (std::size_t word = 0; word < words; ++word)
                kinds.each(text, word ? word_ends[word - 1] : 0, word_ends[word],
                           [&](std::uint64_t hash, std::int64_t start, std::int64_t length) {
                               visit(word, hash, text + start, length);
                           });
        };
        std::size_t size = 1 << 10;
        while (words && size < 2 * std::size_t(word_ends[words - 1])) size *= 2;
        std::vector<std::uint8_t> counters(size);
        const std::int64_t enough = std::min<std::int64_t>(at_least, 255);
        each_word([&](std::size_t, std::uint64_t hash, const std::int32_t *, std::int64_t) {
            std::uint8_t &counter = counters[hash >> 32 & (size - 1)];
            counter = std::uint8_t(counter + (counter < enough));
        });
        sizes.resize(words);
        each_word([&](std::size_t word, std::uint64_t hash, const std::int32_t *ngram, std::int64_t length) {
            if (counters[hash >> 32 & (size - 1)] < enough) return;
            rows_.push_back(number(hash, ngram, length, std::int64_t(word)));
            ++sizes[word];
        });
        keep(at_least);
    }

    /* The concatenated letters of the n-grams, and where each n-gram ends. The longest n-grams come first and, among
     * n-grams of equal length, the rarest. sizes holds the number of n-grams per word, counting repeats. entries is the
     * sum of sizes. */
    std::vector<std::int32_t> letters, sizes;
    std::vector<std::int64_t> ends;
    std::size_t entries = 0;

    /* Lists the words of n-gram g in of[starts[g] : starts[g + 1]], ascending, each word as often as it contains g. */
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
        const auto table = [&] {
            return NgramTable{kind_, letters.data(), ends.data(), slots_.data(), slots_.size() - 1};
        };
        std::int64_t *slot, i = table().find(hash, ngram, length, slot);
        if (i < 0) {
            i = std::int64_t(ends.size());
            if (i == std::numeric_limits<std::int32_t>::max())
                throw std::overflow_error("more than 2,147,483,647 n-grams");
            letters.insert(letters.end(), ngram, ngram + length);
            ends.push_back(std::int64_t(letters.size()));
            words_.push_back({0, -1});
            *slot = std::int64_t(hash >> 32 << 32 | std::uint64_t(i + 1));
            if (2 * ends.size() > slots_.size()) {
                slots_.assign(2 * slots_.size(), 0);
                table().fill(i + 1);
            }
        }
        words_[i].count += words_[i].last != word;
        words_[i].last = word;
        return std::int32_t(i);
    }

    /* Drops the n-grams with fewer than at_least words, and renumbers the others in the order of `letters`. */
    void keep(std::int64_t at_least) {
        const auto all = std::move(letters);
        const auto all_ends = std::move(ends);
        const auto start = [&](std::int32_t i) { return i ? all_ends[i - 1] : 0; };
        std::vector<std::int32_t> kept, number_of(words_.size(), -1);
        for (std::size_t i = 0; i < words_.size(); ++i)
            if (words_[i].count >= at_least) kept.push_back(std::int32_t(i));
        std::stable_sort(kept.begin(), kept.end(), [&](std::int32_t i, std::int32_t j) {
            const std::int64_t a = all_ends[i] - start(i), b = all_ends[j] - start(j);
            return a != b ? a > b : words_[i].count < words_[j].count;
        });
        letters = {};
        ends = {};
        for (const std::int32_t i : kept) {
            number_of[i] = std::int32_t(ends.size());
            letters.insert(letters.end(), all.begin() + start(i), all.begin() + all_ends[i]);
            ends.push_back(std::int64_t(letters.size()));
        }
        const std::int32_t *row = rows_.data();
        for (std::int32_t &size : sizes) {
            const std::int32_t *end = row + size;
            for (size = 0; row < end; ++row)
                if (number_of[*row] >= 0) rows_[entries++] = number_of[*row], ++size;
        }
        rows_.resize(entries);
    }

    struct Words {
        std::int64_t count, last;
    };
    const std::int64_t *kind_;
    std::vector<std::int64_t> slots_;
    std::vector<Words> words_;       /* for each n-gram, in order of first appearance */
    std::vector<std::int32_t> rows_; /* the n-grams of the first word, then of the second, ... */
};

} // namespace wordsparse
