// Computes matrix[rows[i]] += scale[i] change[i] in place. The rows must be distinct, so that no two warps write the
// same row.
//
// The arrays are matrix (any, d), rows (count,) and change (count, d), where T is float or double. A null scale means
// 1. One warp processes one row, with its lanes along the columns. Cost: 3 * count * d reads and writes.

template <typename T>
__global__ void add_rows(T* __restrict__ matrix, const Position* __restrict__ rows, const T* __restrict__ scale,
                         const T* __restrict__ change, Position count, Position d) {
    const Position i = warp_of_grid();
    if (i >= count) return;
    T* into = matrix + rows[i] * d;
    const T* from = change + i * d;
    const T by = scale == nullptr ? T(1) : scale[i];
#pragma unroll 4
    for (Position column = lane_of_warp(); column < d; column += WARP) into[column] += by * from[column];
}
