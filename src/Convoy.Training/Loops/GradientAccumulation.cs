using static TorchSharp.torch;

namespace Convoy.Training.Loops;

/// <summary>
/// One update from the gradients of several batches, as Accelerate's <c>gradient_accumulation_steps</c> with <c>accelerator.accumulate(model)</c>: gradients are averaged over the ranks in the
/// last of them alone, and an update of N batches of B samples is that of one batch of N * B.
/// </summary>
/// <remarks>
/// <code>
/// foreach ((int number, int[] indices) in batches.Index())
/// {
///     using (accumulation.Begin(isLast: number == batches.Count - 1))
///     {
///         accumulation.Scale(criterion.call(model.call(input), labels)).backward();
///     }
///
///     if (accumulation.IsUpdate)
///     {
///         optimizer.step();
///         optimizer.zero_grad();
///     }
/// }
/// </code>
/// </remarks>
public sealed class GradientAccumulation
{
    private readonly Func<IDisposable>? _noSync;
    private int _taken;

    /// <summary>Accumulates.</summary>
    /// <param name="steps">Batches of an update; at least 1.</param>
    /// <param name="noSync"><c>NoSync</c> of the <c>DistributedDataParallel</c>; null for a model that is not wrapped. Default: null.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="steps"/> is below 1.</exception>
    public GradientAccumulation(int steps, Func<IDisposable>? noSync = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        Steps = steps;
        _noSync = noSync;
    }

    /// <summary>Batches of an update.</summary>
    public int Steps { get; }

    /// <summary>Whether the update is due when the batch that was begun last is done: Accelerate's <c>sync_gradients</c>.</summary>
    public bool IsUpdate { get; private set; }

    /// <summary>Begins a batch; its forward and backward pass lie before the result's disposal.</summary>
    /// <param name="isLast">Whether it is the epoch's last batch, which ends with an update in any case, so that no gradients are carried into the next epoch. All ranks say the same. Default: false.</param>
    /// <returns>Switches the averaging of gradients off until it is disposed; null in an update's last batch, and without a wrapper.</returns>
    public IDisposable? Begin(bool isLast = false)
    {
        _taken++;
        IsUpdate = isLast || _taken == Steps;
        if (IsUpdate)
        {
            _taken = 0;
        }

        return IsUpdate ? null : _noSync?.Invoke();
    }

    /// <summary>Divides a batch's loss by <see cref="Steps"/>, so that the gradients add up to those of the mean.</summary>
    /// <param name="loss">The batch's mean loss.</param>
    /// <returns>The loss to go back from, before a gradient scaler's <c>Scale</c>.</returns>
    /// <remarks>As in Accelerate, an epoch's incomplete last group is divided by <see cref="Steps"/> as well: its update counts each sample as much as every other update does, and is smaller for that.</remarks>
    public Tensor Scale(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        return Steps == 1 ? loss : loss / Steps;
    }
}
