// Checks UTF-8 as strictly as Python's decoder, and finds the white space at which str.split() separates words.
#pragma once

#include <cstdint>

namespace wordsparse::text {

// Returns the eight bytes that begin at p as a number, with the first byte lowest on any processor.
inline std::uint64_t load(const std::uint8_t *p) {
    return std::uint64_t(p[0]) | std::uint64_t(p[1]) << 8 | std::uint64_t(p[2]) << 16 | std::uint64_t(p[3]) << 24 |
           std::uint64_t(p[4]) << 32 | std::uint64_t(p[5]) << 40 | std::uint64_t(p[6]) << 48 |
           std::uint64_t(p[7]) << 56;
}

// Sets the top bit of every byte of x that is below 0x21 or above 0x7F: white space, a control character, or part of a
// longer character.
inline std::uint64_t unusual_bytes(std::uint64_t x) {
    const std::uint64_t top = 0x8080808080808080u;
    const std::uint64_t from_0x21_on = (x | top) - 0x2121212121212121u; // no byte borrows from the next byte
    return (~from_0x21_on | x) & top;
}

// Returns the number of bytes before the first (lowest) byte that is not zero. x must not be zero.
inline int zero_bytes(std::uint64_t x) {
#ifdef __GNUC__
    return __builtin_ctzll(x) / 8;
#else
    int count = 0;
    for (; (x & 0xFF) == 0; x >>= 8) ++count;
    return count;
#endif
}

inline bool is_white_space(std::uint8_t ascii) {
    return ascii == ' ' || (ascii >= '\t' && ascii <= '\r') || (ascii >= 0x1C && ascii <= 0x1F);
}

// A character of two bytes or more.
struct Character {
    int bytes; // 0: this is not UTF-8
    bool white_space;
};

// Returns the character that begins at p with a byte above 0x7F. Reading stops at the first byte that does not belong
// to the character. If an ASCII character follows the text, reading therefore never goes beyond that character.
inline Character character_at(const std::uint8_t *p) {
    const auto within = [](std::uint8_t byte, std::uint8_t low, std::uint8_t high) {
        return byte >= low && byte <= high;
    };
    const auto continues = [&](std::uint8_t byte) { return within(byte, 0x80, 0xBF); };
    const std::uint8_t first = p[0];
    if (first < 0xC2) return {0, false}; // a continuation byte, or an ASCII character encoded in two bytes
    if (first < 0xE0) {
        if (!continues(p[1])) return {0, false};
        return {2, first == 0xC2 && (p[1] == 0x85 || p[1] == 0xA0)}; // U+0085, U+00A0
    }
    if (first < 0xF0) {
        // Refuse surrogates, and characters that would fit into two bytes.
        const std::uint8_t low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
        if (!within(p[1], low, high) || !continues(p[2])) return {0, false};
        const unsigned code = (first & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
        return {3, code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
                       code == 0x202F || code == 0x205F || code == 0x3000};
    }
    // Refuse numbers beyond U+10FFFF, and characters that would fit into three bytes.
    const std::uint8_t low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
    const bool whole = first < 0xF5 && within(p[1], low, high) && continues(p[2]) && continues(p[3]);
    return {whole ? 4 : 0, false};
}

} // namespace wordsparse::text
