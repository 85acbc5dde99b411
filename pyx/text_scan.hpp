// Converts text to ids: checks UTF-8, splits at white space, and numbers and counts words, in one pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "utf8.hpp"
#include "word_table.hpp"

namespace wordsparse::text {

constexpr std::int32_t END_OF_SENTENCE = -2;

// Appends END_OF_SENTENCE unless it is already the last value. END_OF_SENTENCE may become the first value, because this
// function does not know whether a sentence was open before the block.
inline void end_sentence(std::vector<std::int32_t> &values) {
    if (values.empty() || values.back() != END_OF_SENTENCE) values.push_back(END_OF_SENTENCE);
}

class TextScan {
  public:
    TextScan(WordTable &words, std::vector<std::int32_t> &values) : words_(words), values_(values) {}

    // Appends the ids of the text's words to the values, and END_OF_SENTENCE at each line end if `lines`.
    // Returns false if the text is not UTF-8 or holds a zero byte; some words of the text may already be counted.
    bool scan(const char *data, std::size_t size, bool lines) {
        // Copy the text with padding, so that eight bytes can be read at a time. The padding is spaces, so it also ends
        // the last word.
        text_.resize(size + 16);
        if (size > 0) std::memcpy(text_.data(), data, size);
        std::memset(text_.data() + size, ' ', 16);
        waiting_ = 0;
        const std::uint8_t *p = text_.data(), *const end = p + size;
        while (p < end) {
            const std::uint8_t *const start = p;
            int separator = 0; // bytes of the white space after the word
            while (separator == 0) {
                const std::uint64_t unusual = unusual_bytes(load(p));
                if (unusual == 0) {
                    p += 8;
                    continue;
                }
                p += zero_bytes(unusual);
                if (*p > 0x7F) {
                    const Character character = character_at(p);
                    if (character.bytes == 0) return false;
                    if (character.white_space) separator = character.bytes;
                    else p += character.bytes;
                } else if (is_white_space(*p)) {
                    separator = 1;
                } else if (*p == 0) {
                    return false;
                } else {
                    ++p;
                }
            }
            if (p > start) found(start, p - start);
            if (lines && *p == '\n' && p < end) found(p, 0);
            p += separator;
        }
        number_found();
        return true;
    }

  private:
    // The maximum number of words that wait for their slots. A slot is prefetched when its word is found.
    static constexpr std::size_t WAITING = 64;

    struct Found {
        const std::uint8_t *start;
        std::size_t bytes; // 0: the end of a line
        std::uint64_t key;
    };

    void found(const std::uint8_t *start, std::size_t bytes) {
        std::uint64_t key = 0;
        if (bytes > 0) {
            key = words_.key_in_text(start, bytes);
            words_.prefetch(key);
        }
        found_[waiting_++] = {start, bytes, key};
        if (waiting_ == WAITING) number_found();
    }

    void number_found() {
        for (std::size_t i = 0; i < waiting_; ++i) {
            const Found &word = found_[i];
            if (word.bytes == 0) end_sentence(values_);
            else values_.push_back(words_.add(word.key, {reinterpret_cast<const char *>(word.start), word.bytes}));
        }
        waiting_ = 0;
    }

    WordTable &words_;
    std::vector<std::int32_t> &values_;
    std::vector<std::uint8_t> text_;
    Found found_[WAITING];
    std::size_t waiting_ = 0;
};

} // namespace wordsparse::text
