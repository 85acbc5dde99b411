// A hash table that counts words and numbers them in order of first appearance.
//
// A slot holds a 64-bit key, the id of the word, and its count (below 2^32). A word of 1 to 8 bytes without a zero byte
// is its own key, so nearly all tokens of a text are recognised without reading the stored word. The key of any other
// word is a hash whose top byte is 0xFF, a byte that UTF-8 never contains. If the hashes of two words agree, the words
// themselves are compared. Slots are probed one after another, and at most half of the slots are taken. The addend and
// the multiplier of hashes are random, so that nobody can write a text whose words collide.
//
// Memory: 16 bytes per slot, so 32 to 64 per distinct word, plus the letters of the word and 8 bytes for their
// position. The table is not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "isa.hpp"
#include "utf8.hpp"

namespace wordsparse::text {

class WordTable {
  public:
    WordTable(std::uint64_t addend, std::uint64_t multiplier)
        : addend_(addend), multiplier_(multiplier | 1), slots_(std::size_t(1) << 10), shift_(64 - 10), starts_(1) {}

    std::size_t size() const { return starts_.size() - 1; }

    // Returns the count of each word, in the order of ids.
    std::vector<std::int64_t> counts() const {
        std::vector<std::int64_t> counts(size());
        for (const Slot &slot : slots_)
            if (slot.key != 0) counts[slot.id] = slot.count;
        for (const auto &[id, times] : carries_) counts[id] += times << 32;
        return counts;
    }

    std::string_view word(std::int32_t id) const {
        return {letters_.data() + starts_[id], starts_[id + 1] - starts_[id]};
    }

    // Returns the key of a word inside a text. The word has n >= 1 bytes, none of which is zero. Eight bytes after the
    // word must be readable.
    std::uint64_t key_in_text(const std::uint8_t *word, std::size_t n) const {
        return n <= 8 ? load(word) & (~std::uint64_t(0) >> (64 - 8 * n)) : hash(word, n);
    }

    // Returns the key of any word, even if the word is empty, contains zero bytes or ends where its memory ends.
    std::uint64_t key(std::string_view word) const {
        const auto *bytes = reinterpret_cast<const std::uint8_t *>(word.data());
        const std::size_t n = word.size();
        const bool own = n >= 1 && n <= 8 && !std::memchr(bytes, 0, n);
        return own ? last_bytes(bytes, n) : hash(bytes, n);
    }

    void prefetch(std::uint64_t key) const { __builtin_prefetch(&slots_[slot_of(key)]); }

    // Adds `times`, which may be negative, to the count of a word, and returns the id of the word. A new word gets a new
    // id.
    std::int32_t add(std::uint64_t key, std::string_view word, std::int64_t times = 1) {
        std::size_t slot = find(key, word);
        if (slots_[slot].key == 0) slot = insert(key, word);
        Slot &found = slots_[slot];
        const std::int64_t sum = found.count + times;
        found.count = std::uint32_t(sum);
        if (sum >> 32) carries_[found.id] += sum >> 32;
        return found.id;
    }

    // Adds the words of another table with their counts. Sets `ids` to the ids of these words in this table.
    void absorb(const WordTable &other, std::int32_t *ids) {
        const std::vector<std::int64_t> counts = other.counts();
        // The keys of the next words, whose slots are being prefetched.
        std::uint64_t keys[AHEAD];
        const std::size_t n = other.size();
        for (std::size_t id = 0; id < n + AHEAD; ++id) {
            std::uint64_t &ahead = keys[id % AHEAD];
            if (id >= AHEAD) ids[id - AHEAD] = add(ahead, other.word(id - AHEAD), counts[id - AHEAD]);
            if (id < n) prefetch(ahead = key(other.word(id)));
        }
    }

    // Returns the ids of words whose counts are at least at_least. The most frequent words come first, and words of
    // equal count are sorted by code point.
    std::vector<std::int32_t> ranked(const std::vector<std::int64_t> &counts, std::int64_t at_least) const {
        std::vector<Ranked> words;
        for (std::size_t id = 0; id < size(); ++id)
            if (counts[id] >= at_least) words.push_back({counts[id], beginning(id), std::int32_t(id)});
        std::sort(words.begin(), words.end(), [&](const Ranked &a, const Ranked &b) {
            if (a.count != b.count) return a.count > b.count;
            return a.beginning != b.beginning ? a.beginning < b.beginning : word(a.id) < word(b.id);
        });
        std::vector<std::int32_t> ids(words.size());
        for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = words[i].id;
        return ids;
    }

  private:
    static constexpr std::size_t AHEAD = 16;

    struct Slot {
        std::uint64_t key = 0; // 0: free
        std::int32_t id = 0;
        std::uint32_t count = 0;
    };

    struct Ranked {
        std::int64_t count;
        std::uint64_t beginning;
        std::int32_t id;
    };

    static constexpr std::uint64_t HASHED = std::uint64_t(0xFF) << 56;

    // Returns the first eight bytes of a word as a number that sorts as these bytes do. UTF-8 bytes sort in the order
    // of code points. Different words may have the same number.
    std::uint64_t beginning(std::size_t id) const {
        std::uint64_t bytes = 0;
        const std::size_t n = std::min<std::size_t>(8, starts_[id + 1] - starts_[id]);
        for (std::size_t i = 0; i < n; ++i)
            bytes |= std::uint64_t(std::uint8_t(letters_[starts_[id] + i])) << (56 - 8 * i);
        return bytes;
    }

    std::size_t slot_of(std::uint64_t key) const { return mixed(key + addend_) >> shift_; }

    std::uint64_t mixed(std::uint64_t x) const {
        x *= multiplier_;
        return (x ^ x >> 32) * multiplier_;
    }

    std::uint64_t hash(const std::uint8_t *word, std::size_t n) const {
        std::uint64_t state = mixed(addend_ ^ n);
        for (; n > 8; word += 8, n -= 8) state = mixed(state ^ load(word)) + addend_;
        return mixed(state ^ last_bytes(word, n)) | HASHED;
    }

    // Returns up to eight bytes as a number, with the first byte lowest. Reads only these n bytes.
    static std::uint64_t last_bytes(const std::uint8_t *p, std::size_t n) {
        std::uint8_t bytes[8] = {};
        if (n > 0) std::memcpy(bytes, p, n);
        return load(bytes);
    }

    // Returns the slot that holds the word, or the free slot where the word belongs.
    std::size_t find(std::uint64_t key, std::string_view text) const {
        const bool hashed = key >= HASHED;
        std::size_t slot = slot_of(key);
        while (slots_[slot].key != 0 && !(slots_[slot].key == key && (!hashed || word(slots_[slot].id) == text)))
            slot = (slot + 1) & (slots_.size() - 1);
        return slot;
    }

    std::size_t insert(std::uint64_t key, std::string_view text) {
        if (size() == std::numeric_limits<std::int32_t>::max() - 2)
            throw std::overflow_error("more than 2,147,483,645 distinct words");
        if (2 * (size() + 1) > slots_.size()) grow();
        const std::size_t slot = find(key, text);
        letters_.insert(letters_.end(), text.begin(), text.end());
        starts_.push_back(letters_.size());
        slots_[slot] = {key, std::int32_t(size() - 1), 0};
        return slot;
    }

    void grow() {
        std::vector<Slot> old(2 * slots_.size());
        old.swap(slots_);
        --shift_;
        for (const Slot &taken : old) {
            if (taken.key == 0) continue;
            std::size_t slot = slot_of(taken.key);
            while (slots_[slot].key != 0) slot = (slot + 1) & (slots_.size() - 1);
            slots_[slot] = taken;
        }
    }

    std::uint64_t addend_, multiplier_;
    std::vector<Slot> slots_; // the number of slots is a power of two
    int shift_;               // 64 minus log2 of the number of slots
    std::vector<char> letters_;
    std::vector<std::size_t> starts_; // where each word begins in the letters, and where the last word ends
    std::unordered_map<std::int32_t, std::int64_t> carries_; // parts of counts above 2^32, in units of 2^32
};

} // namespace wordsparse::text
