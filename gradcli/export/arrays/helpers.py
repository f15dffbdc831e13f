"""What a script of arrays may have to define for itself; never imported, but copied function by function."""

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def scattered(values, index, shape):
    """Zeros of a shape, but for what is picked by an index."""
    return with_added(np.zeros(shape, values.dtype), index, values)


def with_added(array, index, values):
    """A copy with values added at an index, each as often as it is named."""
    result = np.array(array)
    np.add.at(result, index, values)
    return result


def with_reduced(function, array, index, values):
    """A copy with values reduced, by a function of two, into what is at an index."""
    result = np.array(array)
    function.at(result, index, values)
    return result


def with_set(array, index, values):
    """A copy with values at an index."""
    result = np.array(array)
    result[index] = values
    return result


def scatter(array, axis, index, values):
    """A copy with values at places along an axis."""
    return with_set(array, places(axis, index), cut(values, index))


def scatter_add(array, axis, index, values):
    """A copy with values added at places along an axis."""
    return with_added(array, places(axis, index), cut(values, index))


def places(axis, index):
    """An index of places along an axis as one of all axes."""
    found = list(np.indices(index.shape, sparse=True))
    found[axis] = index
    return tuple(found)


def cut(values, index):
    """As much of an array as an index has places for; a number as it is."""
    return values[tuple(map(slice, index.shape))] if np.ndim(values) else values


def rows_of(gradient, result):
    """The gradient of each element of a result: a function gives that of all of them, weighed."""
    weights = np.eye(result.size, dtype=result.dtype)
    return np.stack([gradient(row.reshape(result.shape)) for row in weights])


def diagonal_set(array, offset, axis1, axis2, values):
    """A copy with another diagonal."""
    result = np.array(array)
    diagonal = np.diagonal(result, offset, axis1, axis2)
    diagonal.setflags(write=True)
    diagonal[...] = values
    return result


def standardized(array, axis, eps):
    """Less its mean, by its deviation."""
    centered = array - array.mean(axis=axis, keepdims=True)
    return centered / np.sqrt((centered**2).mean(axis=axis, keepdims=True) + eps)


def standardized_backward(grad, normal, rstd, axis):
    """The gradient by what was standardized to `normal`, its deviation having been 1 / rstd."""
    along = normal * (grad * normal).mean(axis=axis, keepdims=True)
    return rstd * (grad - grad.mean(axis=axis, keepdims=True) - along)


def batch_norm(array, running_mean, running_var, momentum, eps, weight=1, bias=0):
    """Standardized channels, their means and reciprocal deviations; the running statistics are moved, in place."""
    axes = tuple(axis for axis in range(array.ndim) if axis != 1)
    column = (-1, *[1] * (array.ndim - 2))
    mean, var = array.mean(axis=axes), array.var(axis=axes)
    rstd = 1 / np.sqrt(var + eps)
    count = array.size // array.shape[1]
    running_mean += momentum * (mean - running_mean)
    running_var += momentum * (var * (count / (count - 1)) - running_var)
    shift = np.zeros_like(mean) + bias
    result = (array - mean.reshape(column)) * (rstd * weight).reshape(column) + shift.reshape(column)
    return result, mean, rstd


def windows(array, size, stride=1, padding=0, dilation=1, fill=0):
    """The windows that slide over the last axes, behind the places that they have."""
    rank = len(size)
    padding = [padding] * rank if np.ndim(padding) == 0 else padding
    margins = [tuple(np.broadcast_to(margin, 2)) for margin in padding]
    padded = np.pad(array, [(0, 0)] * (array.ndim - rank) + margins, constant_values=fill)
    reach = tuple((np.array(size) - 1) * dilation + 1)
    found = np.lib.stride_tricks.sliding_window_view(padded, reach, axis=tuple(range(-rank, 0)))
    steps = [*np.broadcast_to(stride, rank), *np.broadcast_to(dilation, rank)]
    return found[(..., *[slice(None, None, step) for step in steps])]


def places_of(size, window, stride=1, padding=0, dilation=1):
    """The windows of places in flattened axes of a size, -1 being outside."""
    return windows(np.arange(np.prod(size)).reshape(size), window, stride, padding, dilation, -1)


def summed_at(places, values, size):
    """Zeros with values added at places in the flattened last axes, which are of a size; -1 is nowhere."""
    others = values.shape[: values.ndim - places.ndim]
    result = np.zeros((*others, np.prod(size) + 1), values.dtype)
    np.add.at(result, (..., places), values)
    return result[..., :-1].reshape(*others, *size)


def convolution(array, weight, stride=1, padding=0, dilation=1, groups=1):
    """Each window times each filter."""
    filters, channels, *kernel = weight.shape
    seen = windows(array, kernel, stride, padding, dilation)
    places = seen.shape[2 : 2 + len(kernel)]
    columns = seen.reshape(len(array), groups, channels, np.prod(places), np.prod(kernel))
    rows = weight.reshape(groups, filters // groups, channels, np.prod(kernel))
    return np.einsum("ngcpk,gfck->ngfp", columns, rows).reshape(len(array), filters, *places)


def transposed_convolution(array, weight, size, stride=1, padding=0, dilation=1, groups=1):
    """The transpose of a convolution of what is of a size: so its gradient by that."""
    filters, channels, *kernel = weight.shape
    places = places_of(size, kernel, stride, padding, dilation)[tuple(map(slice, array.shape[2:]))]
    rows = weight.reshape(groups, filters // groups, channels, np.prod(kernel))
    grads = array.reshape(len(array), groups, filters // groups, np.prod(array.shape[2:]))
    columns = np.einsum("ngfp,gfck->ngcpk", grads, rows)
    return summed_at(places, columns.reshape(len(array), groups * channels, *places.shape), size)


def convolution_by_weight(grad, array, kernel, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of a convolution by its weight."""
    batch, filters, *places = grad.shape
    channels = array.shape[1] // groups
    seen = windows(array, kernel, stride, padding, dilation)
    seen = seen[(slice(None), slice(None), *map(slice, places))]
    columns = seen.reshape(batch, groups, channels, np.prod(places), np.prod(kernel))
    grads = grad.reshape(batch, groups, filters // groups, np.prod(places))
    return np.einsum("ngfp,ngcpk->gfck", grads, columns).reshape(filters, channels, *kernel)


def largest(array, places):
    """The first maximum of each window over the last axes, and its place; `places` are those of the windows."""
    rank = places.ndim // 2
    flat = array.reshape(*array.shape[:-rank], np.prod(array.shape[-rank:]))
    seen = np.where(places < 0, -np.inf, flat[..., places])
    seen = seen.reshape(*seen.shape[:-rank], np.prod(seen.shape[-rank:]))
    first = np.argmax(seen, axis=-1)[..., np.newaxis]
    rows = np.broadcast_to(places.reshape(*places.shape[:rank], -1), seen.shape)
    found = np.take_along_axis(rows, first, axis=-1)[..., 0]
    at = found.reshape(*flat.shape[:-1], np.prod(places.shape[:rank]))
    return np.take_along_axis(flat, at, axis=-1).reshape(found.shape), found


def even_windows(size, counts):
    """The places of windows of about the same sizes, the last one of shorter windows again and again."""
    axes = []
    for length, count in zip(size, counts, strict=True):
        number = np.arange(count)[:, np.newaxis]
        starts, ends = number * length // count, -(-(number + 1) * length // count)
        axes.append(np.minimum(starts + np.arange((ends - starts).max()), ends - 1))
    places = np.arange(np.prod(size)).reshape(size)[np.ix_(*[axis.ravel() for axis in axes])]
    split = places.reshape([length for axis in axes for length in axis.shape])
    return np.moveaxis(split, range(0, split.ndim, 2), range(len(axes)))


def even_means(length, count):
    """A matrix that takes the means of windows of about the same sizes."""
    number, place = np.arange(count)[:, np.newaxis], np.arange(length)
    inside = (number * length // count <= place) & (place < -(-(number + 1) * length // count))
    return inside / inside.sum(axis=1, keepdims=True)


def linear_weights(length, count, step=None, align_corners=False):
    """A matrix that interpolates between two neighbours, the places of its rows being `step` apart."""
    number = np.arange(count)[:, np.newaxis]
    step = length / count if step is None else step
    at = number * ((length - 1) / max(count - 1, 1)) if align_corners else (number + 0.5) * step - 0.5
    return np.maximum(1 - np.abs(np.clip(at, 0, length - 1) - np.arange(length)), 0)


def cubic_weights(length, count, step=None, align_corners=False):
    """A matrix that interpolates between four neighbours, by cubic convolution."""
    number = np.arange(count)[:, np.newaxis]
    step = length / count if step is None else step
    at = number * ((length - 1) / max(count - 1, 1)) if align_corners else (number + 0.5) * step - 0.5
    places = np.floor(at).astype(int) + np.arange(-1, 3)
    x = np.abs(at - places)
    inner, outer = (1.25 * x - 2.25) * x**2 + 1, ((x - 5) * x + 8) * x * -0.75 + 3
    result = np.zeros((count, length))
    np.add.at(result, (number, np.clip(places, 0, length - 1)), np.where(x < 1, inner, np.where(x < 2, outer, 0)))
    return result


def nearest_places(length, count, step=None, middle=0.0):
    """The place that each of a result comes from, in single precision as torch has it."""
    step = np.float32(length / count if step is None else step)
    at = (np.arange(count, dtype=np.float32) + np.float32(middle)) * step
    return np.minimum(np.floor(at).astype(int), length - 1)


def along_axes(array, *matrices):
    """Each of the last axes times a matrix."""
    for axis, matrix in enumerate(matrices, -len(matrices)):
        array = np.moveaxis(np.tensordot(matrix.astype(array.dtype), array, (1, axis)), 0, axis)
    return array


def attention_shares(query, key, scale, mask=0):
    """How much each query takes of each value; a query that may look at none takes nothing."""
    scores = query @ np.swapaxes(key, -2, -1) * scale + mask
    largest_score = scores.max(axis=-1, keepdims=True)
    powers = np.exp(scores - np.where(largest_score == -np.inf, 0, largest_score))
    return powers / np.where(largest_score == -np.inf, 1, powers.sum(axis=-1, keepdims=True))


def attention_backward(grad, query, key, value, out, scale, mask=0):
    """The gradients of attention by its query, key and value."""
    shares = attention_shares(query, key, scale, mask)
    slopes = grad @ np.swapaxes(value, -2, -1) - (grad * out).sum(axis=-1, keepdims=True)
    slopes = shares * slopes * scale
    return slopes @ key, np.swapaxes(slopes, -2, -1) @ query, np.swapaxes(shares, -2, -1) @ grad


def bag_of(offsets, count):
    """The bag of each of so many rows, by where the bags begin."""
    return np.searchsorted(offsets, np.arange(count), side="right") - 1


def largest_of_bags(rows, indices, offsets):
    """The largest numbers of bags of rows, and the indices of their rows; of an empty bag zeros, and -1."""
    values = np.zeros((len(offsets), rows.shape[1]), rows.dtype)
    found = np.full(values.shape, -1)
    ends = [*offsets[1:], len(rows)]
    for bag, (start, end) in enumerate(zip(offsets, ends, strict=True)):
        if start < end:
            values[bag] = rows[start:end].max(axis=0)
            found[bag] = indices[start + rows[start:end].argmax(axis=0)]
    return values, found


def lu_factor(matrix):
    """Both factors in one array, the rows that were exchanged, counted from 1, and that it went well."""
    if matrix.ndim > 2:
        return tuple(map(np.stack, zip(*map(lu_factor, matrix), strict=True)))
    factors = matrix.copy()
    pivots = np.zeros(min(matrix.shape), np.int32)
    for step in range(len(pivots)):
        column = factors[step:, step]
        best = step + np.argmax(np.abs(column.real) + np.abs(column.imag))
        pivots[step] = best + 1
        factors[[step, best]] = factors[[best, step]]
        factors[step + 1 :, step] /= factors[step, step]
        factors[step + 1 :, step + 1 :] -= np.outer(factors[step + 1 :, step], factors[step, step + 1 :])
    return factors, pivots, np.int32(0)


def lu_unpack(factors, pivots):
    """P, L and U, whose product was factored."""
    if factors.ndim > 2:
        return tuple(map(np.stack, zip(*map(lu_unpack, factors, pivots), strict=True)))
    rows, columns = factors.shape
    count = min(rows, columns)
    order = np.arange(rows)
    for step, other in enumerate(pivots - 1):
        order[[step, other]] = order[[other, step]]
    eye = np.eye(rows, dtype=factors.dtype)
    return eye[order].T, np.tril(factors[:, :count], -1) + eye[:, :count], np.triu(factors[:count])


def lu(matrix):
    """P, L and U, whose product is the matrix."""
    factors, pivots, _ = lu_factor(matrix)
    return lu_unpack(factors, pivots)


def lu_solve(factors, pivots, sides, adjoint=False):
    """A solution by the factors of a matrix, or of its adjoint."""
    exchanged, lower, upper = lu_unpack(factors, pivots)
    matrix = exchanged @ lower @ upper
    return np.linalg.solve(np.conj(np.swapaxes(matrix, -2, -1)) if adjoint else matrix, sides)


def eig(matrix):
    """Eigenvalues and eigenvectors, always complex."""
    dtype = np.result_type(matrix, np.complex64)
    values, vectors = np.linalg.eig(matrix)
    return values.astype(dtype), vectors.astype(dtype)


def matrix_exp(matrix):
    """The exponential series to its 18th term, of what is small enough for it, and squared back."""
    eye = np.eye(matrix.shape[-1], dtype=matrix.dtype)
    size = np.abs(matrix).sum(axis=-2).max()
    halvings = max(0, int(np.ceil(np.log2(size)))) if size > 0 else 0
    small = matrix / 2**halvings
    result = np.broadcast_to(eye, matrix.shape)
    for term in range(18, 0, -1):
        result = eye + small @ result / term
    for _ in range(halvings):
        result = result @ result
    return result


def block_diag(blocks):
    """Matrices along the diagonal of one."""
    blocks = [np.atleast_2d(block) for block in blocks]
    ends = np.cumsum([(0, 0), *[block.shape for block in blocks]], axis=0)
    result = np.zeros(ends[-1], np.result_type(*blocks))
    for block, (row, column) in zip(blocks, ends[:-1], strict=True):
        result[row : row + block.shape[0], column : column + block.shape[1]] = block
    return result


def most_frequent(array, axis, keepdims=False):
    """The smallest of the most frequent values along an axis, and the last place of it."""
    lines = np.moveaxis(array, axis, -1)
    counts = (lines[..., :, np.newaxis] == lines[..., np.newaxis, :]).sum(axis=-1)
    frequent = counts == counts.max(axis=-1, keepdims=True)
    values = np.where(frequent, lines, lines.max(axis=-1, keepdims=True)).min(axis=-1, keepdims=True)
    places = np.where(lines == values, np.arange(lines.shape[-1]), 0).max(axis=-1, keepdims=True)
    found = [np.moveaxis(one, -1, axis) for one in (values, places)]
    return tuple(found if keepdims else [one.squeeze(axis) for one in found])


def renormed(array, p, axes, limit):
    """Made shorter where the norm over some axes is above a limit."""
    norm = (np.abs(array) ** p).sum(axis=axes, keepdims=True) ** (1 / p)
    return array * np.where(norm > limit, limit / (norm + 1e-7), 1)


def distance_slopes(grad, difference, distance, p):
    """The gradient by a difference of the p-norm over its last axis; zero where that is."""
    grad, distance = grad[..., np.newaxis], distance[..., np.newaxis]
    size, sign = np.abs(difference), np.sign(difference)
    if p == 0:
        return np.zeros_like(difference)
    if p == np.inf:
        return grad * sign * (size == distance)
    with np.errstate(all="ignore"):
        slopes = grad * sign * (size / distance) ** (p - 1)
    flat = distance == 0 if p >= 1 else difference == 0
    return np.where(flat, 0, slopes)


def summed_pairs(slopes, count):
    """The gradient by rows, of those by the differences of each two of them."""
    result = np.zeros((count, slopes.shape[-1]), slopes.dtype)
    first, second = np.triu_indices(count, 1)
    np.add.at(result, first, slopes)
    np.add.at(result, second, -slopes)
    return result


def margin_reach(scores, target, margin):
    """By how much each other class reaches into the margin of the target's."""
    rows = np.arange(len(scores))
    reach = np.maximum(margin - scores[rows, target][:, np.newaxis] + scores, 0)
    reach[rows, target] = 0
    return reach


def margin_slopes(scores, target, margin, p):
    """The gradient of the means of what classes reach into a margin."""
    reach = margin_reach(scores, target, margin)
    slopes = p * np.where(reach > 0, reach ** (p - 1), 0) / scores.shape[1]
    slopes[np.arange(len(scores)), target] = -slopes.sum(axis=1)
    return slopes


def multilabel_margin(scores, targets):
    """Of each row the loss, and its gradient: labels, up to the first -1, are to be 1 above all other classes."""
    losses, slopes = np.zeros(len(scores), scores.dtype), np.zeros_like(scores)
    for row, (score, target) in enumerate(zip(scores, targets, strict=True)):
        labels = target[np.cumsum(target < 0) == 0]
        others = np.setdiff1d(np.arange(len(score)), labels)
        reach = 1 - score[labels][:, np.newaxis] + score[others]
        losses[row] = np.maximum(reach, 0).sum() / len(score)
        np.add.at(slopes[row], labels, -(reach > 0).sum(axis=1) / len(score))
        slopes[row, others] = (reach > 0).sum(axis=0) / len(score)
    return losses, slopes


def ctc_sums(scores, labels):
    """For each time and place the logarithm of the likelihood of all alignments that end there."""
    result = np.full(scores.shape, -np.inf, scores.dtype)
    result[0, :2] = scores[0, :2]
    skips = np.append([False, False], labels[2:] != labels[:-2])[: len(labels)]
    for now in range(1, len(scores)):
        before = np.append([-np.inf, -np.inf], result[now - 1])
        ways = [before[2:], before[1:-1], np.where(skips, before[:-2], -np.inf)]
        result[now] = np.logaddexp.reduce(ways) + scores[now]
    return result


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank):
    """The losses of a batch, and the gradient of each by its part of the input."""
    losses, slopes = np.zeros(log_probs.shape[1], log_probs.dtype), np.zeros_like(log_probs)
    starts = np.cumsum(target_lengths) - target_lengths
    for sample, (time, count) in enumerate(zip(input_lengths, target_lengths, strict=True)):
        labels = np.full(2 * count + 1, blank)
        labels[1::2] = targets[sample, :count] if targets.ndim == 2 else targets[starts[sample] :][:count]
        given = log_probs[:time, sample]
        alpha = ctc_sums(given[:, labels], labels)
        beta = ctc_sums(given[::-1, labels[::-1]], labels[::-1])[::-1, ::-1]
        losses[sample] = -np.logaddexp.reduce(alpha[-1, -2:])
        of_class = [np.logaddexp.reduce((alpha + beta)[:, labels == one], axis=1) for one in range(given.shape[1])]
        slopes[:time, sample] = np.exp(given) - np.exp(np.stack(of_class, axis=1) + losses[sample] - given)
    return losses, slopes


def grid_taps(grid, size, orders, nearest, border, align_corners):
    """The places around those where a grid looks, in flattened axes and -1 if outside, and the derived weights."""
    axes = []
    for axis, (length, order) in enumerate(zip(size, orders, strict=True)):
        x = grid[..., len(size) - 1 - axis]
        scale = (length - 1 if align_corners else length) / 2
        at = (x + 1) * scale if align_corners else (x + 1) * scale - 0.5
        slope = np.where((at > 0) & (at < length - 1), scale, 0) if border else np.full_like(at, scale)
        at = np.clip(at, 0, length - 1) if border else at
        if nearest:
            places, weights = np.rint(at)[np.newaxis], np.full((1, *at.shape), float(order == 0))
        else:
            places = np.floor(at) + np.arange(2).reshape(2, *[1] * at.ndim)
            derived = [1 - np.abs(at - places), np.stack([-slope, slope]), np.zeros((2, *at.shape))]
            weights = derived[min(order, 2)]
        axes.append((np.where((places < 0) | (places >= length), -1, places).astype(int), weights))
    for corner in np.ndindex(*[len(places) for places, _ in axes]):
        place, weight = 0, 1
        for length, tap, (places, weights) in zip(size, corner, axes, strict=True):
            place = np.where((place < 0) | (places[tap] < 0), -1, place * length + places[tap])
            weight = weight * weights[tap]
        yield place.reshape(len(grid), -1), weight.reshape(len(grid), -1).astype(grid.dtype)


def sampled(array, grid, orders, nearest=False, border=False, align_corners=False):
    """Images where a grid looks, derived so often in each dimension."""
    batch, channels, *size = array.shape
    rows = np.pad(array.reshape(batch, channels, np.prod(size)), ((0, 0), (0, 0), (0, 1)))
    result = 0
    for place, weight in grid_taps(grid, size, orders, nearest, border, align_corners):
        result = result + np.take_along_axis(rows, place[:, np.newaxis], axis=2) * weight[:, np.newaxis]
    return result.reshape(batch, channels, *grid.shape[1:-1])


def sampled_back(grad, grid, shape, orders, nearest=False, border=False, align_corners=False):
    """The transpose of sampling, for images of a shape."""
    batch, channels, *size = shape
    rows = grad.reshape(batch, channels, np.prod(grid.shape[1:-1]))
    result = np.zeros((batch, channels, np.prod(size) + 1), grad.dtype)
    first, second = np.arange(batch)[:, np.newaxis, np.newaxis], np.arange(channels)[:, np.newaxis]
    for place, weight in grid_taps(grid, size, orders, nearest, border, align_corners):
        np.add.at(result, (first, second, place[:, np.newaxis]), rows * weight[:, np.newaxis])
    return result[..., :-1].reshape(shape)


def base_grid(size, align_corners):
    """The places of the pixels of images of a size, from -1 to 1, each with a 1 behind it."""
    batch, _, *lengths = size
    shares = [1 if align_corners else 1 - 1 / length for length in lengths]
    axes = [
        share * np.linspace(-1, 1, length) if length > 1 else np.zeros(1)
        for share, length in zip(shares, lengths, strict=True)
    ]
    columns = [axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")][::-1]
    places = np.stack([*columns, np.ones_like(columns[0])], axis=-1)
    return np.broadcast_to(places, (batch, *places.shape))


def householder_product(vectors, tau):
    """The product of the reflections by vectors below a diagonal of ones: its first columns."""
    eye = np.eye(*vectors.shape[-2:], dtype=vectors.dtype)
    vectors = np.tril(vectors, -1) + eye
    result = np.broadcast_to(eye, vectors.shape)
    for place in reversed(range(tau.shape[-1])):
        vector = vectors[..., place : place + 1]
        along = np.conj(np.swapaxes(vector, -2, -1)) @ result
        result = result - tau[..., place, np.newaxis, np.newaxis] * vector * along
    return result
