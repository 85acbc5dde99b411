// matrix[rows[i]] += scale[i] change[i], in place; rows are distinct, so no two warps write the same row.
//
// matrix (any, d), rows (count,), change (count, d), T float or double; scale is null for ones. One warp per row, its
// lanes along the columns. Cost: 3 count d reads and writes.

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
