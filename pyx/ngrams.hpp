// The n-grams of words, numbered: the runs of characters of certain lengths that enough words have.
//
// A slot is a 64-bit hash of an n-gram and its number in order of first appearance; where hashes agree, the characters
// themselves are compared. Slots are probed one after the other, and at most half of them are taken. The numbers that
// are added to and multiplied with a hash are random, so nobody can choose words whose n-grams meet in one slot; no
// result depends on them.
//
// Memory: 48 to 80 bytes a distinct n-gram, 4 an occurrence. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

namespace wordsparse {

class Ngrams {
  public:
    // Those of the words letters[ends[w - 1] : ends[w]], of shortest to longest characters, that at_least words have.
    Ngrams(const std::uint32_t *letters, const std::int64_t *ends, std::size_t words, std::int64_t shortest,
           std::int64_t longest, std::int64_t at_least, std::uint64_t addend, std::uint64_t multiplier)
        : letters_(letters), addend_(addend), multiplier_(multiplier | 1), slots_(std::size_t(1) << 10),
          shift_(64 - 10) {
        sizes.resize(words);
        for (std::size_t word = 0; word < words; ++word) {
            const std::int64_t begin = word ? ends[word - 1] : 0, end = ends[word];
            const std::size_t before = rows.size();
            for (std::int64_t start = begin; start < end; ++start) {
                std::uint64_t hash = addend_;
                for (std::int64_t length = 1; length <= longest && start + length <= end; ++length) {
                    hash = mixed(hash ^ letters[start + length - 1]) + addend_;
                    if (length >= shortest) rows.push_back(number(hash, start, length, std::int64_t(word)));
                }
            }
            sizes[word] = narrow(rows.size() - before);
        }
        keep(at_least);
    }

    std::vector<std::int64_t> starts;  // of each n-gram that is kept, in the order of their characters
    std::vector<std::int32_t> lengths; // the same
    std::vector<std::int32_t> rows;    // the n-grams of the first word, ascending, each as often as it occurs; ...
    std::vector<std::int32_t> sizes;   // how many each word has

  private:
    struct Slot {
        std::uint64_t hash = 0;
        std::int32_t number = -1; // free
    };
    struct Found {
        std::int64_t start, last_word;
        std::int32_t length, words;
    };

    std::uint64_t mixed(std::uint64_t x) const {
        x *= multiplier_;
        return (x ^ x >> 32) * multiplier_;
    }

    static std::int32_t narrow(std::size_t n) {
        if (n > std::size_t(std::numeric_limits<std::int32_t>::max()))
            throw std::overflow_error("more than 2,147,483,647 n-grams");
        return std::int32_t(n);
    }

    bool same(const Found &a, std::int64_t start, std::int64_t length) const {
        return a.length == length && std::equal(letters_ + start, letters_ + start + length, letters_ + a.start);
    }

    std::int32_t number(std::uint64_t hash, std::int64_t start, std::int64_t length, std::int64_t word) {
        std::size_t at = hash >> shift_;
        while (slots_[at].number >= 0 && !(slots_[at].hash == hash && same(found_[slots_[at].number], start, length)))
            at = (at + 1) & (slots_.size() - 1);
        if (slots_[at].number < 0) {
            slots_[at] = {hash, narrow(found_.size())};
            found_.push_back({start, word, std::int32_t(length), 1});
            const std::int32_t next = slots_[at].number;
            if (2 * found_.size() > slots_.size()) grow();
            return next;
        }
        Found &known = found_[slots_[at].number];
        if (known.last_word != word) known.last_word = word, ++known.words;
        return slots_[at].number;
    }

    void grow() {
        std::vector<Slot> old(2 * slots_.size());
        old.swap(slots_);
        --shift_;
        for (const Slot &taken : old) {
            if (taken.number < 0) continue;
            std::size_t at = taken.hash >> shift_;
            while (slots_[at].number >= 0) at = (at + 1) & (slots_.size() - 1);
            slots_[at] = taken;
        }
    }

    // Leaves out the n-grams of fewer words, and numbers the others in the order of their characters.
    void keep(std::int64_t at_least) {
        std::vector<Slot>().swap(slots_);
        std::vector<std::int32_t> kept;
        for (std::size_t i = 0; i < found_.size(); ++i)
            if (found_[i].words >= at_least) kept.push_back(std::int32_t(i));
        std::sort(kept.begin(), kept.end(), [&](std::int32_t a, std::int32_t b) {
            const std::uint32_t *x = letters_ + found_[a].start, *y = letters_ + found_[b].start;
            return std::lexicographical_compare(x, x + found_[a].length, y, y + found_[b].length);
        });
        std::vector<std::int32_t> row_of(found_.size(), -1);
        for (std::size_t row = 0; row < kept.size(); ++row) {
            row_of[kept[row]] = std::int32_t(row);
            starts.push_back(found_[kept[row]].start);
            lengths.push_back(found_[kept[row]].length);
        }
        std::vector<Found>().swap(found_);
        std::size_t from = 0, to = 0;
        for (std::int32_t &size : sizes) {
            const std::size_t first = to, end = from + std::size_t(size);
            for (; from < end; ++from)
                if (row_of[rows[from]] >= 0) rows[to++] = row_of[rows[from]];
            std::sort(rows.begin() + std::ptrdiff_t(first), rows.begin() + std::ptrdiff_t(to));
            size = std::int32_t(to - first);
        }
        rows.resize(to);
    }

    const std::uint32_t *letters_;
    std::uint64_t addend_, multiplier_;
    std::vector<Slot> slots_; // a power of two of them
    int shift_;               // 64 less its exponent
    std::vector<Found> found_;
};

} // namespace wordsparse
