// Gather, scale and sum: out (rows, d) = S X for a sparse S (rows, columns) and X (columns, d), in two kernels.
//
//   combine        out[r] = sum over the entries e of row r of values[order[e]] X[indices[e]]
//   combine_carry  adds the partial sums in `carry` for rows whose entries belong to several warps
//
// T is float or double. order is null if the values are in the order of the entries. values is null if all values are
// 1. indices is null if entry e takes row e of X. out must be zero in empty rows; its other rows are not read. carry
// (warps, d) and owner (warps,) are scratch space. A warp w may start within a row that began in an earlier warp. The
// warp adds up its entries of this row in carry[w]. owner[w] is this row if it began in warp w - 1, and -1 otherwise.
//
// In the grid, x runs over the entries, ENTRIES_PER_WARP per warp, and y over tiles of 32 * PARTS columns. Each lane
// sums PARTS columns, so that many loads are in flight at once. Cost: 2 * entries * d flops, entries * d reads of X
// (from L2 if X fits) and rows * d writes.

template <typename T, int PARTS>
__device__ inline void store_row(T* out, Position d, Position column, T (&sum)[PARTS]) {
#pragma unroll
    for (int part = 0; part < PARTS; ++part) {
        if (column + part * WARP < d) out[column + part * WARP] = sum[part];
        sum[part] = 0;
    }
}

template <typename T, int PARTS>
__global__ void combine(const Position* __restrict__ indptr, const int* __restrict__ indices,
                        const Position* __restrict__ order, const T* __restrict__ values, const T* __restrict__ X,
                        T* __restrict__ out, T* __restrict__ carry, Position* __restrict__ owner, Position rows,
                        Position entries, Position d) {
    const Position warp = warp_of_grid(), first = warp * ENTRIES_PER_WARP;
    if (first >= entries) return;
    const Position last = smaller(first + ENTRIES_PER_WARP, entries);
    const int lane = lane_of_warp();
    const Position column = Position(blockIdx.y) * (WARP * PARTS) + lane;

    Row row(indptr, rows, first);
    const bool continued = row.start < first;
    if (blockIdx.y == 0 && lane == 0)
        owner[warp] = continued && row.start >= first - ENTRIES_PER_WARP ? row.index : -1;
    T* target = continued ? carry + warp * d : out + row.index * d;
    T sum[PARTS] = {};
    for (Position base = first; base < last; base += WARP) {
        // Each lane reads the index and the value of one entry. The whole warp then processes the entries one by one.
        const Position mine = base + lane;
        int source = 0;
        T value = 0;
        if (mine < last) {
            source = indices == nullptr ? int(mine) : indices[mine];
            value = values == nullptr ? T(1) : values[order == nullptr ? mine : order[mine]];
        }
        const int count = int(smaller(WARP, last - base));
#pragma unroll 2
        for (int k = 0; k < count; ++k) {
            if (base + k == row.stop) {
                store_row(target, d, column, sum);
                row.advance(indptr, rows);
                target = out + row.index * d;
            }
            const T* from = X + __shfl_sync(ALL_LANES, source, k) * d;
            const T scale = __shfl_sync(ALL_LANES, value, k);
#pragma unroll
            for (int part = 0; part < PARTS; ++part)
                if (column + part * WARP < d) sum[part] += scale * from[column + part * WARP];
        }
    }
    store_row(target, d, column, sum);
}

// A block has CARRY_WARPS warps, and each lane has one column. In the grid, x strides over the warps of `combine`, and
// y over groups of 32 columns. Each warp of a block adds up a consecutive share of a row's carries. Then the first warp
// adds the sums of the other warps.
constexpr int CARRY_WARPS = 8;

template <typename T>
__global__ void combine_carry(const Position* __restrict__ indptr, const T* __restrict__ carry,
                              const Position* __restrict__ owner, T* __restrict__ out, Position warps, Position d) {
    __shared__ T partial[CARRY_WARPS][WARP];
    const int lane = lane_of_warp(), share = threadIdx.x / WARP;
    const Position column = Position(blockIdx.y) * WARP + lane;
    for (Position warp = blockIdx.x; warp < warps; warp += gridDim.x) {
        const Position row = owner[warp];
        if (row < 0) continue;  // skipped by the whole block, so no thread waits at __syncthreads() in vain
        const Position count = (indptr[row + 1] - 1) / ENTRIES_PER_WARP - warp + 1;
        T sum = 0;
        if (column < d) {
            const Position stop = warp + count * (share + 1) / CARRY_WARPS;
#pragma unroll 4
            for (Position from = warp + count * share / CARRY_WARPS; from < stop; ++from)
                sum += carry[from * d + column];
        }
        partial[share][lane] = sum;
        __syncthreads();
        if (share == 0 && column < d) {
            for (int other = 1; other < CARRY_WARPS; ++other) sum += partial[other][lane];
            out[row * d + column] += sum;
        }
        __syncthreads();  // all reads of partial come before the next write
    }
}
