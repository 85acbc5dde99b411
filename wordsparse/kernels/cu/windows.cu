// Bags that are windows of one text, against dense rows: what a token of CBOW costs.
//
//   window_means     out[j] = share[j] sum over the tokens p of bag j of F[tokens[p]]
//   window_dots      out[j] = that row . W[targets[j]], without writing it
//   window_received  out[p] = sum over the bags j that hold place p of by[j] X[index[j]]
//
// Bag j holds the places start[j] <= p < stop[j] but centre[j], none of them further than `reach` from it; tokens (n,);
// centre, ascending, start, stop and targets (bags,). F, W, X (any, d) and share, by (bags,) in T, float or double;
// index (bags,) is null where X has a row a bag; out (bags, d), (bags,) and (n, d), all of it written. The result for a
// word is the sum over its places: `combine` over them in order of their words.
//
// A block takes RUN consecutive bags or places, its threads along the columns, COLUMNS of them each. Bags that follow
// one another share nearly all their tokens, so a row comes from L2 about once for a block (1 + 2 reach / RUN times a
// place) and from L1 as often as windows overlap. Cost: 2 d flops an entry; a place's share of L2 reads is d numbers for
// means, 2 d for dots, d for received, and d are written, but for dots. All sums run in the order of the text.

constexpr int RUN = 32;
constexpr int COLUMNS = 2;
constexpr int MAX_WARPS = 8;

// The columns of a tile: a thread has threadIdx.x + i blockDim.x of them, i < COLUMNS.
__device__ inline Position tile_columns() { return Position(blockDim.x) * COLUMNS; }

template <typename T>
__device__ inline void add_scaled(T (&sum)[COLUMNS], T scale, const T* row, Position column, Position d) {
#pragma unroll
    for (int i = 0; i < COLUMNS; ++i)
        if (column + i * blockDim.x < d) sum[i] += scale * row[column + i * blockDim.x];
}

template <typename T>
__device__ inline void sum_of_bag(const int* tokens, int centre, int start, int stop, const T* F, Position column,
                                  Position d, T (&sum)[COLUMNS]) {
#pragma unroll 4
    for (int k = start; k < stop - 1; ++k) {
        const int p = k < centre ? k : k + 1;  // the centre is left out
        add_scaled(sum, T(1), F + tokens[p] * d, column, d);
    }
}

template <typename T>
__global__ void window_means(const int* __restrict__ tokens, const int* __restrict__ centre,
                             const int* __restrict__ start, const int* __restrict__ stop, const T* __restrict__ share,
                             const T* __restrict__ F, T* __restrict__ out, Position bags, Position d) {
    const Position first = Position(blockIdx.x) * RUN, last = smaller(first + RUN, bags);
    for (Position column = threadIdx.x; column < d; column += tile_columns())
        for (Position j = first; j < last; ++j) {
            T sum[COLUMNS] = {};
            sum_of_bag(tokens, centre[j], start[j], stop[j], F, column, d, sum);
#pragma unroll
            for (int i = 0; i < COLUMNS; ++i)
                if (column + i * blockDim.x < d) out[j * d + column + i * blockDim.x] = share[j] * sum[i];
        }
}

template <typename T>
__global__ void window_dots(const int* __restrict__ tokens, const int* __restrict__ centre,
                            const int* __restrict__ start, const int* __restrict__ stop, const T* __restrict__ share,
                            const T* __restrict__ F, const int* __restrict__ targets, const T* __restrict__ W, T* __restrict__ out,
                            Position bags, Position d) {
    __shared__ T partial[MAX_WARPS][RUN];  // of each warp's columns
    const Position first = Position(blockIdx.x) * RUN, last = smaller(first + RUN, bags);
    for (Position j = first; j < last; ++j) {
        T dot = 0;
        for (Position column = threadIdx.x; column < d; column += tile_columns()) {
            T sum[COLUMNS] = {};
            sum_of_bag(tokens, centre[j], start[j], stop[j], F, column, d, sum);
            const T* row = W + targets[j] * d;
#pragma unroll
            for (int i = 0; i < COLUMNS; ++i)
                if (column + i * blockDim.x < d) dot += sum[i] * row[column + i * blockDim.x];
        }
        dot = sum_of_lanes(dot);
        if (lane_of_warp() == 0) partial[threadIdx.x / WARP][j - first] = dot;
    }
    __syncthreads();
    if (threadIdx.x < last - first) {  // RUN is a warp: there are enough threads
        T dot = 0;
        for (int warp = 0; warp < int(blockDim.x) / WARP; ++warp) dot += partial[warp][threadIdx.x];
        out[first + threadIdx.x] = share[first + threadIdx.x] * dot;
    }
}

// The first bag whose centre is at `place` or after it; `bags` if there is none.
__device__ inline Position first_bag(const int* centre, Position bags, Position place) {
    Position low = 0, high = bags;
    while (low < high) {
        const Position middle = low + (high - low) / 2;
        if (centre[middle] < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

template <typename T>
__global__ void window_received(const int* __restrict__ centre, const int* __restrict__ start,
                                const int* __restrict__ stop, const T* __restrict__ by,
                                const T* __restrict__ X, const int* __restrict__ index, T* __restrict__ out,
                                Position reach, Position bags, Position places, Position d) {
    const Position first = Position(blockIdx.x) * RUN, last = smaller(first + RUN, places);
    const Position nearest = first_bag(centre, bags, first - reach);
    for (Position column = threadIdx.x; column < d; column += tile_columns()) {
        Position begin = nearest;  // of the bags that may hold p
        for (Position p = first; p < last; ++p) {
            while (begin < bags && centre[begin] < p - reach) ++begin;
            T sum[COLUMNS] = {};
#pragma unroll 2
            for (Position j = begin; j < bags && centre[j] <= p + reach; ++j) {
                if (centre[j] == p || p < start[j] || p >= stop[j]) continue;  // the same for the whole block
                add_scaled(sum, by[j], X + (index == nullptr ? j : index[j]) * d, column, d);
            }
#pragma unroll
            for (int i = 0; i < COLUMNS; ++i)
                if (column + i * blockDim.x < d) out[p * d + column + i * blockDim.x] = sum[i];
        }
    }
}
