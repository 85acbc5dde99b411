/* Work space of one call. */
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace wordsparse {

/* Uninitialised memory that starts on a cache line, and is freed when this object goes out of scope. */
class work_space {
    std::unique_ptr<uint8_t[]> block;

  public:
    uint8_t *of(ptrdiff_t bytes) {
        constexpr uintptr_t line = 64;
        block.reset(new uint8_t[(size_t)bytes + line]);
        return (uint8_t *)(((uintptr_t)block.get() + line - 1) / line * line);
    }
};

} // namespace wordsparse
