"""The sums over a minibatch that the backward pass needs, equations (4) to (6) of :mod:`wordsparse.layer.core`.

If inputs are plain rows, each sum is computed on first use. For windows of a text, one pass computes the three large
sums. Sums that depend on W use the W of the forward pass.
"""

from collections.abc import Callable

from wordsparse.kernels import Csr, Kernels
from wordsparse.layer.inputs import RowInputs, WindowInputs
from wordsparse.layer.interface import Forward, Once, Sums
from wordsparse.types import Array


def pull_back(forward: Forward) -> Sums:
    """Return the sums that the backward pass needs after this forward pass."""
    inputs = forward.inputs
    return _window_sums(forward, inputs) if isinstance(inputs, WindowInputs) else _row_sums(forward, inputs)


def _row_sums(forward: Forward, inputs: RowInputs) -> Sums:
    """Return the sums for inputs that are plain rows, C = I. Each sum is computed only if it is used."""
    kernels, alpha, gamma = inputs.kernels, forward.terms.alpha, forward.terms.gamma

    def G() -> Array:
        forward.check_current()
        return forward.target_rows.combine(gamma)

    transposed = _transposed(forward, kernels)
    return _sums(
        forward,
        kernels,
        transposed,
        Once(lambda: kernels.combine(transposed(), gamma, inputs.features)),  # (4)
        Once(lambda: kernels.scale_rows(inputs.features, kernels.scaled(alpha, 2, inputs.dtype))),
        Once(G),
        Once(lambda: inputs.gram(alpha)),  # (5)
    )


def _window_sums(forward: Forward, inputs: WindowInputs) -> Sums:
    """Return the sums for windows of a text. One pass computes X, Z and G. X overwrites W_T of the forward pass."""
    forward.check_current()
    kernels, F, targets = inputs.kernels, inputs.features, forward.targets.csr.indices
    zeta = kernels.scaled(forward.terms.alpha, 2, F.dtype)
    W_T = forward.target_rows.take()
    X, Z, G = kernels.window_pull(inputs.windows, F, targets, W_T, zeta, forward.terms.gamma)  # (4)
    once_Z = Once([Z].pop)
    K = Once(lambda: kernels.gram(F, once_Z(), symmetric=True) / 2)  # (5)
    return _sums(forward, kernels, _transposed(forward, kernels), Once([X].pop), once_Z, Once([G].pop), K)


def _sums(
    forward: Forward,
    kernels: Kernels,
    transposed: Callable[[], Csr],
    X: Once[Array],
    Z: Once[Array],
    G: Once[Array],
    curvature: Callable[[], Array],
) -> Sums:
    """Return all sums. The arguments are the sums that are computed differently for rows and for windows.

    The functions must not refer to the Sums object that contains them: such a reference cycle would keep large arrays
    alive until Python's garbage collector finds the cycle.
    """
    forward.check_current()
    inputs, beta = forward.inputs, forward.terms.beta
    pulled = Once(lambda: inputs.pull(beta, forward.bends))
    H_hat = Once(lambda: inputs.times(forward.factors.Q) if forward.H_hat is None else forward.H_hat)  # (2)

    return Sums(
        forward=forward,
        transposed=transposed,
        X=X,
        Z=Z,
        G=G,
        curvature=curvature,
        weights_gram=Once(lambda: kernels.gram(inputs.features, G())),
        pulled_beta=lambda: pulled()[0],
        mass=lambda: pulled()[1],
        total_beta=Once(lambda: inputs.total(pulled()[0])),
        X_p=Once(lambda: kernels.column_sums(X(), forward.target_rows.p_T)),
        H_hat=H_hat,
        gradient=Once(lambda: _gradient(forward, H_hat(), kernels)),
    )


def _transposed(forward: Forward, kernels: Kernels) -> Callable[[], Csr]:
    targets = forward.targets
    return Once(lambda: targets.transposed or kernels.transpose(targets.csr))


def _gradient(forward: Forward, H_hat: Array, kernels: Kernels) -> Array:
    forward.check_current()
    terms = forward.terms
    gradient = forward.target_rows.combine(terms.gamma, H_hat, kernels.scaled(terms.alpha, 2, H_hat.dtype))  # (6)
    if terms.beta.any():
        beta = terms.beta.astype(gradient.dtype)[:, None]
        kernels.matmul(beta, forward.factors.w_bar[None, :], out=gradient)
    return gradient
