using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>
/// How a batch norm's statistics, and the sums of its backward pass, are combined with those of other ranks, each of which has a part of the batch. A layer without one
/// normalises its own batch alone.
/// </summary>
/// <remarks>Every rank makes the same calls in the same order.</remarks>
public interface IStatisticsReduction
{
    /// <summary>How many ranks there are; at least 1.</summary>
    int Ranks { get; }

    /// <summary>Combines this rank's statistics with those of all others.</summary>
    /// <param name="local">This rank's.</param>
    /// <param name="inputNeedsGradient">Whether this rank's backward pass will call <see cref="Sum"/>.</param>
    /// <returns>The statistics of the batches of all ranks together.</returns>
    BatchStatistics Combine(BatchStatistics local, bool inputNeedsGradient);

    /// <summary>
    /// Replaces values by their sums over all ranks. It runs inside of libtorch's backward pass and must not throw: where the sums cannot be had they become NaN, so that nobody
    /// mistakes what is computed of them for a gradient.
    /// </summary>
    /// <param name="values">This rank's values, in float64.</param>
    void Sum(double[] values);

    /// <summary>The sum of all ranks' tensors, which can be differentiated: the gradient of each rank's tensor is the sum of all ranks' gradients. Must not throw, as <see cref="Sum"/>.</summary>
    /// <param name="values">This rank's tensor.</param>
    Tensor DifferentiableSum(Tensor values);

    /// <summary>A backward pass failed on this rank alone, while the others wait for its sums: they have to learn of it, and so has this rank's caller.</summary>
    /// <param name="error">What was thrown.</param>
    void Fail(Exception error);
}
