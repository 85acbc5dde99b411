// Divides the stored entries of a CSR matrix among the warps of a grid.
//
// A warp takes ENTRIES_PER_WARP consecutive entries, which may belong to several rows, and keeps track of the row that
// owns each entry. So a row of 10^5 entries (a frequent word) costs no more time than as many entries in short rows.
// The order of additions depends only on the sizes of the arrays, so every run gives the same bytes.
//
// No header is included, because NVRTC, which compiles this file, has no standard headers. Positions have 64 bits, and
// indices of columns have 32 bits, as in the Python class Csr.

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;
constexpr int ENTRIES_PER_WARP = 64;

using Position = long long;

__device__ inline Position warp_of_grid() {
    return Position(blockIdx.x) * (blockDim.x / WARP) + threadIdx.x / WARP;
}

__device__ inline int lane_of_warp() { return threadIdx.x % WARP; }

__device__ inline Position smaller(Position a, Position b) { return a < b ? a : b; }

// Returns the sum over all lanes of a warp, in every lane. All lanes must call this function.
template <typename T>
__device__ inline T sum_of_lanes(T value) {
#pragma unroll
    for (int distance = WARP / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(ALL_LANES, value, distance);
    return value;
}

// Returns the row that owns an entry, which is the last row that starts at or before the entry.
__device__ inline Position row_of_entry(const Position* indptr, Position rows, Position entry) {
    Position low = 0, high = rows - 1;
    while (low < high) {
        const Position middle = low + (high - low + 1) / 2;
        if (indptr[middle] <= entry)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

// The current row, with the entries from `start` up to, but not including, `stop`.
struct Row {
    Position index, start, stop;

    __device__ Row(const Position* indptr, Position rows, Position entry) { find(indptr, rows, entry); }

    __device__ void find(const Position* indptr, Position rows, Position entry) {
        set(indptr, row_of_entry(indptr, rows, entry));
    }

    // Moves to the next row that is not empty.
    __device__ void advance(const Position* indptr, Position rows) {
        const Position entry = stop;
        set(indptr, index + 1);
        if (stop == entry) find(indptr, rows, entry);
    }

    __device__ void set(const Position* indptr, Position row) {
        index = row;
        start = indptr[row];
        stop = indptr[row + 1];
    }
};
