// Computes the weighted terms of a loss for every stored target of a minibatch, in one pass.
//
//   sums[e]  = y[e] (loss, its derivative by q, its derivative by s) of entry e, a target of example j
//   gamma[e] = y[e] (its derivative by o)
//
// indptr (examples + 1,) maps entries to examples. y, o and gamma (entries,) are float or double. q and s (examples,)
// are double, or null, which means zeros. total and the constants a and b of the loss are double. sums (entries, 3) is
// double; `combine` then adds it up for each example. All computations are in double, with one thread per entry. Memory
// traffic: 3 numbers of the type of o and 3 doubles per entry; q and s come from L2.
//
// Each loss below is defined as in losses.py, under the same name; the tests compare the two.

struct Terms {
    double value, dq, ds, d_o;
};

struct BoundedNS {  // a: the number of negatives; b: the point where the bound touches softplus
    static __device__ inline Terms of(double o, double q, double s, double total, double a, double b) {
        const double xi = fabs(b), by_square = xi > 1e-3 ? tanh(xi / 2) / (4 * xi) : (1 - xi * xi / 12) / 8;
        const double constant = xi / 2 + log1p(exp(-xi)) - by_square * xi * xi;
        const double small = exp(-fabs(o)), dq = a * by_square / total, ds = a / (2 * total);
        const double value = fmax(-o, 0.0) + log1p(small) + a * constant + dq * q + ds * s;
        return {value, dq, ds, -(o >= 0 ? small : 1.0) / (1 + small)};
    }
};

struct Squared {  // a: the target value
    static __device__ inline Terms of(double o, double q, double, double, double a, double) {
        return {q + a * a - 2 * a * o, 1.0, 0.0, -2 * a};
    }
};

struct Spherical {  // a: epsilon
    static __device__ inline Terms of(double o, double q, double, double total, double a, double) {
        const double normaliser = q + total * a, score = o * o + a;
        return {log(normaliser) - log(score), 1 / normaliser, 0.0, -2 * o / score};
    }
};

struct Taylor {
    static __device__ inline Terms of(double o, double q, double s, double total, double, double) {
        const double normaliser = total + s + q / 2, score = 1 + o + o * o / 2;
        return {log(normaliser) - log(score), 0.5 / normaliser, 1 / normaliser, -(1 + o) / score};
    }
};

struct ZLoss {  // a and b as in losses.py
    static __device__ inline Terms of(double o, double q, double s, double total, double a, double b) {
        constexpr double ROUNDING = 64 * 2.220446049250313e-16;
        const double mean = s / total, square = q / total, variance = square - mean * mean;
        const double precision = variance > ROUNDING * square ? 1 / sqrt(variance) : 0.0;
        const double z = (o - mean) * precision, x = a * (b - z), small = exp(-fabs(x));
        const double dz = -(x >= 0 ? 1.0 : small) / (1 + small);
        const double by_variance = -0.5 * z * precision * precision;
        return {(fmax(x, 0.0) + log1p(small)) / a, dz * by_variance / total,
                dz * (-precision - 2 * mean * by_variance) / total, dz * precision};
    }
};

template <typename T, typename Loss>
__global__ void loss_terms(const Position* __restrict__ indptr, const T* __restrict__ y, const T* __restrict__ o,
                           const double* __restrict__ q, const double* __restrict__ s, double total, double a,
                           double b, double* __restrict__ sums, T* __restrict__ gamma, Position examples,
                           Position entries) {
    const Position entry = Position(blockIdx.x) * blockDim.x + threadIdx.x;
    if (entry >= entries) return;
    const Position example = row_of_entry(indptr, examples, entry);
    const double q_j = q == nullptr ? 0 : q[example], s_j = s == nullptr ? 0 : s[example];
    const Terms terms = Loss::of(o[entry], q_j, s_j, total, a, b);
    const double weight = y[entry];
    sums[3 * entry] = weight * terms.value;
    sums[3 * entry + 1] = weight * terms.dq;
    sums[3 * entry + 2] = weight * terms.ds;
    gamma[entry] = T(weight * terms.d_o);
}
