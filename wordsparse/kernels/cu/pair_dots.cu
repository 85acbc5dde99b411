// out[e] = left[r] . right[c] for every stored entry e = (r, c) of a CSR structure (rows, columns).
//
// The arrays are left (rows, d), right (columns, d) and out (entries,), where T is float or double. A warp processes
// ENTRIES_PER_WARP entries, with its lanes along the columns. A row of left stays in L1 for all entries of the row.
// Cost: 2 * entries * d flops, entries * d reads.

template <typename T>
__global__ void pair_dots(const Position* __restrict__ indptr, const int* __restrict__ indices,
                          const T* __restrict__ left, const T* __restrict__ right, T* __restrict__ out, Position rows,
                          Position entries, Position d) {
    const Position first = warp_of_grid() * ENTRIES_PER_WARP;
    if (first >= entries) return;
    const Position last = smaller(first + ENTRIES_PER_WARP, entries);
    const int lane = lane_of_warp();
    Row row(indptr, rows, first);
    for (Position base = first; base < last; base += WARP) {
        const Position mine = base + lane;
        const int partner = mine < last ? indices[mine] : 0;
        const int count = int(smaller(WARP, last - base));
        T dot = 0;  // the result for entry `mine`
        for (int k = 0; k < count; ++k) {
            if (base + k == row.stop) row.advance(indptr, rows);
            const T* a = left + row.index * d;
            const T* b = right + __shfl_sync(ALL_LANES, partner, k) * d;
            T sum = 0;
#pragma unroll 4
            for (Position column = lane; column < d; column += WARP) sum += a[column] * b[column];
            sum = sum_of_lanes(sum);
            if (lane == k) dot = sum;
        }
        if (mine < last) out[mine] = dot;
    }
}
