// Emulates CUDA on one CPU thread, to test the logic of the kernels, not their speed. The compiler gets the unchanged
// source of a kernel after this header. Every thread of a block is a fiber; blocks run one after another.
//
// The emulation reports the following mistakes, which a device does not report. The first and the last end the process:
//   - an index beyond an array: each array borders on a page without access, at its end and, in a second run, at its
//     beginning; other memory around the array is NaN or -1
//   - results that depend on the order of threads and blocks, or on uninitialised memory: the second run takes threads
//     and blocks in reverse order, and must give the same bytes
//   - a warp function that not every lane reaches, a barrier that not every thread reaches
//   - signed overflow, shifts too far, an index beyond a local array (compiled with trapping sanitizers)

#pragma once
#include <cmath>
#include <csetjmp>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <type_traits>
#include <ucontext.h>
#include <unistd.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static

struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};

namespace shim {

constexpr int WARP_SIZE = 32;
constexpr size_t STACK = 64 * 1024;

enum State { READY, AT_WARP, AT_BLOCK, DONE };

struct Fiber {
    ucontext_t start;
    jmp_buf at;
    bool started = false;
    State state = READY;
    unsigned shuffles = 0;  // its parity chooses one of two buffers: no lane is two shuffles ahead
};

inline dim3 thread_index, block_index, block_size, grid_size;
inline std::vector<Fiber> fibers;
inline std::vector<uint64_t> lanes;  // [warp][parity][lane]
inline unsigned current = 0;
inline jmp_buf scheduler;
inline void (*body)(void**) = nullptr;
inline void** body_arguments = nullptr;

inline void leave(State state) {
    fibers[current].state = state;
    if (_setjmp(fibers[current].at) == 0) _longjmp(scheduler, 1);
}

inline void run_fiber() {
    for (;;) {
        body(body_arguments);
        leave(DONE);
    }
}

inline void enter(unsigned thread) {
    current = thread;
    thread_index.x = thread;
    Fiber& fiber = fibers[thread];
    fiber.state = READY;
    if (_setjmp(scheduler) != 0) return;
    if (fiber.started) _longjmp(fiber.at, 1);
    fiber.started = true;
    setcontext(&fiber.start);
}

// Return whether all threads from `first` up to `last` (excluded) wait in `state`, or with `done_too` have ended.
inline bool all_in(State state, unsigned first, unsigned last, bool done_too) {
    for (unsigned i = first; i < last; ++i)
        if (fibers[i].state != state && !(done_too && fibers[i].state == DONE)) return false;
    return true;
}

inline const char* run_block(bool backwards) {
    const unsigned threads = block_size.x;
    for (Fiber& fiber : fibers) fiber.state = READY;
    for (;;) {
        bool moved = false, open = false;
        for (unsigned i = 0; i < threads; ++i) {
            const unsigned thread = backwards ? threads - 1 - i : i;
            if (fibers[thread].state == READY) {
                enter(thread);
                moved = true;
            }
        }
        for (unsigned warp = 0; warp < threads; warp += WARP_SIZE)
            if (all_in(AT_WARP, warp, warp + WARP_SIZE, false))
                for (unsigned i = warp; i < warp + WARP_SIZE; ++i) fibers[i].state = READY, moved = true;
        for (const Fiber& fiber : fibers) open = open || fiber.state != DONE;
        if (!open) return nullptr;
        if (all_in(AT_BLOCK, 0, threads, true)) {
            for (Fiber& fiber : fibers)
                if (fiber.state == AT_BLOCK) fiber.state = READY, moved = true;
        }
        if (!moved) return "a warp function or a barrier that not every thread reaches";
    }
}

inline const char* run_grid(bool backwards) {
    const unsigned long long blocks = 1ull * grid_size.x * grid_size.y;
    const char* failure = nullptr;
    for (unsigned long long i = 0; i < blocks && failure == nullptr; ++i) {
        const unsigned long long block = backwards ? blocks - 1 - i : i;
        block_index = {unsigned(block % grid_size.x), unsigned(block / grid_size.x), 0};
        failure = run_block(backwards);
    }
    return failure;
}

// A copy of an array that begins right after a page without access, or ends right before such a page.
struct Guarded {
    char *region = nullptr, *data = nullptr;
    size_t length = 0;

    Guarded(const void* from, size_t bytes, bool at_end) {
        const size_t page = sysconf(_SC_PAGESIZE), inside = (bytes + page - 1) / page * page;
        length = inside + 2 * page;
        region = static_cast<char*>(mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        std::memset(region + page, 0xff, inside);
        data = region + page + (at_end ? inside - bytes : 0);
        std::memcpy(data, from, bytes);
        mprotect(region, page, PROT_NONE);
        mprotect(region + page + inside, page, PROT_NONE);
    }
    ~Guarded() { munmap(region, length); }
    Guarded(const Guarded&) = delete;
};

// Describe a parameter by P (an array that is written), p (an array that is only read) or n (a number), followed by the
// kind and the size of its numbers.
template <typename A>
void describe(std::string& out) {
    using Value = std::remove_cv_t<std::remove_pointer_t<A>>;
    out += !std::is_pointer_v<A> ? 'n' : std::is_const_v<std::remove_pointer_t<A>> ? 'p' : 'P';
    out += std::is_floating_point_v<Value> ? 'f' : std::is_signed_v<Value> ? 'i' : 'u';
    out += char('0' + sizeof(Value));
}

template <auto kernel>
struct Kernel;

template <typename... A, void (*kernel)(A...)>
struct Kernel<kernel> {
    static std::string signature() {
        std::string out;
        (describe<A>(out), ...);
        return out;
    }
    template <size_t... I>
    static void call_with(void** arguments, std::index_sequence<I...>) {
        kernel(*static_cast<A*>(arguments[I])...);
    }
    static void call(void** arguments) { call_with(arguments, std::index_sequence_for<A...>{}); }
};

inline const char* launch(const std::string& signature, void (*kernel)(void**), unsigned grid_x, unsigned grid_y,
                          unsigned block, void** arguments, const int64_t* bytes, int count) {
    grid_size = {grid_x, grid_y, 1};
    block_size = {block, 1, 1};
    body = kernel;
    fibers = std::vector<Fiber>(block);
    lanes.assign(size_t(block) * 2, 0);
    static char* const stacks = static_cast<char*>(  // one stack per thread; pages are allocated on use
        mmap(nullptr, 1024 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    for (unsigned i = 0; i < block; ++i) {
        getcontext(&fibers[i].start);
        fibers[i].start.uc_stack.ss_sp = stacks + i * STACK;
        fibers[i].start.uc_stack.ss_size = STACK;
        fibers[i].start.uc_link = nullptr;
        makecontext(&fibers[i].start, run_fiber, 0);
    }
    std::vector<std::vector<char>> first(count);
    const char* failure = nullptr;
    for (int run = 0; run < 2 && failure == nullptr; ++run) {
        std::vector<Guarded*> arrays(count, nullptr);
        std::vector<char*> pointers(count);
        std::vector<void*> passed(count);
        for (int i = 0; i < count; ++i) {
            const bool is_array = bytes[i] >= 0;  // -1: a number, -2: a null pointer
            if (is_array) arrays[i] = new Guarded(arguments[i], bytes[i], run == 0);
            pointers[i] = is_array ? arrays[i]->data : nullptr;
            passed[i] = bytes[i] == -1 ? arguments[i] : &pointers[i];
        }
        body_arguments = passed.data();
        for (Fiber& fiber : fibers) fiber.state = READY;
        failure = run_grid(run == 1);
        for (int i = 0; i < count; ++i)
            if (arrays[i] != nullptr) {
                const bool written = signature[i * 3] == 'P';
                if (run == 0 && written) first[i].assign(arrays[i]->data, arrays[i]->data + bytes[i]);
                if (run == 1 && written && failure == nullptr) {
                    if (std::memcmp(first[i].data(), arrays[i]->data, bytes[i]) != 0)
                        failure = "a result that depends on the order of threads, or on memory that nobody wrote";
                }
                delete arrays[i];
            }
    }
    if (failure == nullptr)
        for (int i = 0; i < count; ++i)
            if (bytes[i] > 0 && !first[i].empty()) std::memcpy(arguments[i], first[i].data(), bytes[i]);
    return failure;
}

template <typename T>
T exchange(unsigned mask, T value, int source) {
    static_assert(sizeof(T) <= sizeof(uint64_t));
    if (mask != 0xffffffffu) std::abort();
    Fiber& fiber = fibers[current];
    uint64_t* slots = &lanes[size_t(current / WARP_SIZE) * 2 * WARP_SIZE + (fiber.shuffles++ % 2) * WARP_SIZE];
    std::memcpy(&slots[current % WARP_SIZE], &value, sizeof value);
    leave(AT_WARP);
    std::memcpy(&value, &slots[source], sizeof value);
    return value;
}

}  // namespace shim

#define threadIdx (shim::thread_index)
#define blockIdx (shim::block_index)
#define blockDim (shim::block_size)
#define gridDim (shim::grid_size)

inline void __syncthreads() { shim::leave(shim::AT_BLOCK); }

template <typename T>
T __shfl_sync(unsigned mask, T value, int lane) {
    return shim::exchange(mask, value, lane % shim::WARP_SIZE);
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int other) {
    return shim::exchange(mask, value, int(shim::current % shim::WARP_SIZE) ^ other);
}

// Python looks up these extern "C" names. The macro takes a kernel's number, and its name with template arguments.
#define SHIM_KERNEL(INDEX, ...)                                                                                       \
    extern "C" const char* signature_##INDEX() {                                                                      \
        static const std::string text = shim::Kernel<&__VA_ARGS__>::signature();                                      \
        return text.c_str();                                                                                          \
    }                                                                                                                 \
    extern "C" const char* launch_##INDEX(unsigned grid_x, unsigned grid_y, unsigned block, void** arguments,         \
                                          const int64_t* bytes, int count) {                                          \
        return shim::launch(shim::Kernel<&__VA_ARGS__>::signature(), shim::Kernel<&__VA_ARGS__>::call, grid_x,        \
                            grid_y, block, arguments, bytes, count);                                                  \
    }
