// Counts pairs of neighbouring words, and joins the pairs that are phrases.
//
// Connectors, such as "of", stand inside a phrase but not at its ends: in "bank of america", the pair is bank and
// america, with "of" between. No pair crosses the end of a sentence, or more than three connectors. A pair is one
// number, (first * words + last) * betweens + between: the ids of two words, and the digits of the connectors between
// them, where betweens = (connectors + 1)^3. The caller checks that these numbers fit into 64 bits.
//
// The random multiplier of hashes prevents that somebody writes a text whose pairs collide.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace wordsparse::text {

constexpr std::uint64_t NO_PAIR = ~std::uint64_t(0);

struct Numbering {
    const std::uint8_t *connectors; // for each word, the number of the connector, from 1 on, or 0
    std::uint64_t words, base;      // the number of words, and one more than the number of connectors
};

// Reads a text value by value.
class PairReader {
  public:
    explicit PairReader(Numbering numbering) : at_(numbering) {}

    // Returns the pair whose last word is the next value, or NO_PAIR.
    std::uint64_t next(std::int32_t value) {
        if (value < 0) {
            close();
            return NO_PAIR;
        }
        if (const std::uint64_t connector = at_.connectors[value]) {
            is_open_ = is_open_ && between_ < at_.base * at_.base;
            between_ = between_ * at_.base + connector;
            return NO_PAIR;
        }
        const std::uint64_t before = first_ * at_.words + std::uint64_t(value);
        const std::uint64_t pair = is_open_ ? before * (at_.base * at_.base * at_.base) + between_ : NO_PAIR;
        first_ = std::uint64_t(value), between_ = 0, is_open_ = true;
        return pair;
    }

    // Says that the last value ended a phrase, so it begins no other phrase.
    void close() { is_open_ = false; }

  private:
    Numbering at_;
    std::uint64_t first_ = 0, between_ = 0;
    bool is_open_ = false; // whether first_ may begin a pair
};

struct Counted {
    std::uint64_t pair = 0, times = 0;
};

inline std::uint64_t mixed(std::uint64_t pair, std::uint64_t multiplier) {
    pair *= multiplier;
    return (pair ^ pair >> 32) * multiplier;
}

// A hash table from pairs to numbers above 0. At most half of the slots are taken.
class PairTable {
  public:
    // Makes a table for at most `most` pairs. Hashes leave out their first `used` bits, which all pairs share.
    PairTable(std::size_t most, std::uint64_t multiplier, int used = 0) : multiplier_(multiplier), used_(used) {
        while (std::size_t(1) << (64 - shift_) < 2 * most) --shift_;
        slots_.resize(std::size_t(1) << (64 - shift_));
    }

    // Returns the slot of a pair. If the pair is not in the table, the slot has times = 0.
    Counted &operator[](std::uint64_t pair) {
        std::size_t slot = (mixed(pair, multiplier_) << used_) >> shift_;
        while (slots_[slot].times != 0 && slots_[slot].pair != pair) slot = (slot + 1) & (slots_.size() - 1);
        return slots_[slot];
    }

    void add(Counted counted) {
        Counted &slot = (*this)[counted.pair];
        size_ += slot.times == 0;
        slot.pair = counted.pair;
        slot.times += counted.times;
    }

    std::size_t size() const { return size_; }
    const std::vector<Counted> &slots() const { return slots_; }

  private:
    std::uint64_t multiplier_;
    int used_, shift_ = 63;
    std::size_t size_ = 0;
    std::vector<Counted> slots_;
};

// The counts of pairs. Several threads may add texts at once. The pairs are divided among slices, each with a lock. A
// slice takes 16 bytes for each distinct pair, and 8 bytes for each of the last pairs, at most MOST_FRESH.
class PairCounts {
  public:
    // Counts only the pairs of one of `parts` parts, a power of two, into which the multiplier divides all pairs.
    PairCounts(std::uint64_t multiplier, std::uint64_t part, std::uint64_t parts)
        : multiplier_(multiplier | 1), part_(part), parts_(parts), slices_(SLICES) {}

    void add(const std::int32_t *values, std::size_t n, Numbering numbering) {
        std::vector<std::vector<std::uint64_t>> found(SLICES);
        for (std::vector<std::uint64_t> &pairs : found) pairs.reserve(n / SLICES);
        PairReader reader(numbering);
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint64_t pair = reader.next(values[i]);
            if (pair == NO_PAIR) continue;
            const std::uint64_t hash = mixed(pair, multiplier_);
            if ((hash & (parts_ - 1)) == part_) found[hash >> (64 - BITS)].push_back(pair);
        }
        for (std::size_t s = 0; s < SLICES; ++s) {
            const std::lock_guard<std::mutex> held(slices_[s].lock);
            std::vector<std::uint64_t> &fresh = slices_[s].fresh;
            fresh.insert(fresh.end(), found[s].begin(), found[s].end());
            if (fresh.size() > MOST_FRESH) count(slices_[s]);
        }
    }

    // Returns the pairs that occur more than `least` times, in no particular order. Sets `distinct` to the number of
    // distinct pairs.
    std::vector<Counted> above(std::uint64_t least, std::size_t &distinct) const {
        std::vector<Counted> chosen;
        distinct = 0;
        for (const Slice &slice : slices_) {
            const PairTable table = counted(slice);
            distinct += table.size();
            for (const Counted &slot : table.slots())
                if (slot.times > least) chosen.push_back(slot);
        }
        return chosen;
    }

  private:
    static constexpr int BITS = 8;
    static constexpr std::size_t SLICES = std::size_t(1) << BITS, MOST_FRESH = std::size_t(1) << 18;

    struct Slice {
        std::vector<std::uint64_t> fresh; // pairs that are not counted yet
        std::vector<Counted> counted;
        std::mutex lock;
    };

    PairTable counted(const Slice &slice) const {
        PairTable table(slice.counted.size() + slice.fresh.size(), multiplier_, BITS);
        for (const Counted &each : slice.counted) table.add(each);
        for (const std::uint64_t pair : slice.fresh) table.add({pair, 1});
        return table;
    }

    void count(Slice &slice) const {
        const PairTable table = counted(slice);
        slice.counted.clear();
        slice.fresh.clear();
        for (const Counted &slot : table.slots())
            if (slot.times != 0) slice.counted.push_back(slot);
    }

    std::uint64_t multiplier_, part_, parts_;
    std::vector<Slice> slices_;
};

// Pairs that are joined into one word each. Several threads may join parts of a text at once.
class Joints {
  public:
    Joints(std::size_t pairs, std::uint64_t multiplier)
        : table_(pairs, multiplier | 1), multiplier_(multiplier | 1), shift_(58) {
        while (std::size_t(1) << (64 - shift_) < 16 * pairs) --shift_;
        may_join_.resize(std::size_t(1) << (58 - shift_));
    }

    // Adds a pair, and the word that replaces it.
    void add(std::uint64_t pair, std::int32_t word) {
        words_.push_back(word);
        times_.emplace_back(0);
        table_.add({pair, words_.size()});
        const std::uint64_t bit = mixed(pair, multiplier_) >> shift_;
        may_join_[bit >> 6] |= std::uint64_t(1) << (bit & 63);
    }

    // Returns how often each pair was joined, in the order in which the pairs were added.
    std::vector<std::int64_t> times() const { return {times_.begin(), times_.end()}; }

    // Replaces pairs by their words, from left to right, in place. Returns the number of values that are left.
    std::size_t join(std::int32_t *values, std::size_t n, Numbering numbering) {
        PairReader reader(numbering);
        std::size_t size = 0, first = 0; // first: the place of the word that may begin a pair
        for (std::size_t i = 0; i < n; ++i) {
            const std::int32_t value = values[i];
            const std::uint64_t pair = reader.next(value);
            if (const std::uint64_t number = pair == NO_PAIR ? 0 : number_of(pair)) {
                reader.close();
                times_[number - 1].fetch_add(1, std::memory_order_relaxed);
                values[first] = words_[number - 1];
                size = first + 1;
                continue;
            }
            if (value >= 0 && numbering.connectors[value] == 0) first = size;
            values[size++] = value;
        }
        return size;
    }

  private:
    std::uint64_t number_of(std::uint64_t pair) {
        const std::uint64_t bit = mixed(pair, multiplier_) >> shift_;
        return may_join_[bit >> 6] >> (bit & 63) & 1 ? table_[pair].times : 0;
    }

    PairTable table_;
    std::uint64_t multiplier_;
    int shift_;
    std::vector<std::uint64_t> may_join_; // a bit for each hash: most pairs need no search in the table
    std::vector<std::int32_t> words_;
    std::deque<std::atomic<std::int64_t>> times_; // a deque does not move its elements
};

} // namespace wordsparse::text
