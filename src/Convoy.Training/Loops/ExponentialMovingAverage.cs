using System.Text.Json.Nodes;
using Convoy.Torch.Interop;
using Convoy.Training.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Loops;

/// <summary>
/// A running average of a model's weights, which often predicts better than the weights themselves: PyTorch's <c>AveragedModel</c> with <c>get_ema_multi_avg_fn(decay)</c>, with the warm-up of timm's
/// <c>ModelEmaV3</c>. The first update copies the weights, each later one takes <c>decay</c> of the average and the rest of the weights.
/// </summary>
/// <remarks>
/// Every rank has its own average, and they are equal to the bit, as the weights are; buffers are only where all ranks have the same, as with <c>SyncBatchNorm</c>. Polyak and Juditsky,
/// "Acceleration of stochastic approximation by averaging", 1992; Tarvainen and Valpola, "Mean teachers are better role models", 2017.
/// </remarks>
public sealed class ExponentialMovingAverage : ICheckpointPart, IDisposable
{
    private const double WarmupPower = 2.0 / 3;

    private readonly (string Name, Tensor Source, Tensor Average)[] _averages;
    private readonly double _decay;
    private readonly bool _warmup;
    private Swapped? _swapped;

    /// <summary>Prepares the average, with the weights as they are.</summary>
    /// <param name="model">The model, or a <c>DistributedDataParallel</c> around it; wrap, convert and move it before.</param>
    /// <param name="decay">How much of the average stays with each update; from 0 to 1. Default: 0.999.</param>
    /// <param name="warmup">Whether less stays in the first updates, <c>1 - (1 + n)^(-2/3)</c> after n of them where that is below <paramref name="decay"/>, so that the weights of the beginning are soon forgotten. Default: false.</param>
    /// <param name="useBuffers">Whether buffers of floating-point numbers, batch norm's statistics, are averaged as well; otherwise evaluation takes the model's own. PyTorch's <c>use_buffers</c>. Default: false.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="decay"/> is not from 0 to 1.</exception>
    public ExponentialMovingAverage(nn.Module model, double decay = 0.999, bool warmup = false, bool useBuffers = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (decay is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(decay), decay, "The decay must be from 0 to 1.");
        }

        (_decay, _warmup) = (decay, warmup);
        IEnumerable<(string Name, Tensor Source)> sources = model.named_parameters().Select(named => (named.name, (Tensor)named.parameter));
        if (useBuffers)
        {
            sources = sources.Concat(model.named_buffers().Where(named => named.buffer.is_floating_point()));
        }

        // A tied weight has several names, and one average.
        _averages = [.. sources.DistinctBy(source => AutogradVersion.Identity(source.Source)).Select(source => (source.Name, source.Source, source.Source.detach().clone().DetachFromDisposeScope()))];
    }

    /// <summary>Updates so far.</summary>
    public long Updates { get; private set; }

    /// <summary>The averages, under the names of the model's parameters and buffers; they change with each update and stay this object's.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _averages.ToDictionary(entry => entry.Name, entry => entry.Average, StringComparer.Ordinal);

    /// <summary>Takes the weights into the average: after each update of the optimizer.</summary>
    /// <exception cref="InvalidOperationException">The model has the average in place of its weights, see <see cref="Swap"/>.</exception>
    public void Update()
    {
        RequireNotSwapped();
        double kept = Updates == 0 ? 0 : _warmup ? Math.Min(_decay, 1 - Math.Pow(1 + Updates, -WarmupPower)) : _decay;
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        foreach ((_, Tensor source, Tensor average) in _averages)
        {
            if (Updates == 0)
            {
                average.copy_(source);
            }
            else
            {
                average.lerp_(source, tensor(1 - kept, average.dtype));
            }
        }

        Updates++;
    }

    /// <summary>
    /// Gives the model the average in place of its weights until the result is disposed, for evaluation and for saving it. Nothing is copied: the parameters are on other memory meanwhile,
    /// so that an optimizer whose ranks share their parameters' memory is not disturbed. No training meanwhile.
    /// </summary>
    /// <exception cref="InvalidOperationException">It has it already.</exception>
    public IDisposable Swap()
    {
        RequireNotSwapped();
        return _swapped = new Swapped(this);
    }

    /// <inheritdoc/>
    JsonNode? ICheckpointPart.SaveState() => CheckpointJson.ToNode(Updates);

    /// <inheritdoc/>
    void ICheckpointPart.LoadState(JsonNode? state) => Updates = CheckpointJson.Read<long>(state, "an average's number of updates");

    /// <summary>Frees the average, after giving the model its weights back.</summary>
    public void Dispose()
    {
        _swapped?.Dispose();
        foreach ((_, _, Tensor average) in _averages)
        {
            average.Dispose();
        }
    }

    private void RequireNotSwapped()
    {
        if (_swapped is not null)
        {
            throw new InvalidOperationException("the model has the average in place of its weights. Dispose what Swap returned first.");
        }
    }

    private sealed class Swapped : IDisposable
    {
        private readonly ExponentialMovingAverage _owner;
        private readonly (Tensor Source, Tensor Own)[] _kept;

        public Swapped(ExponentialMovingAverage owner)
        {
            _owner = owner;
            _kept = [.. owner._averages.Select(entry => (entry.Source, AutogradVersion.Alias(entry.Source)))];
            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGradient = no_grad();
            foreach ((_, Tensor source, Tensor average) in owner._averages)
            {
                source.set_(average);
            }
        }

        public void Dispose()
        {
            if (_owner._swapped != this)
            {
                return;
            }

            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGradient = no_grad();
            foreach ((Tensor source, Tensor own) in _kept)
            {
                source.set_(own);
                own.Dispose();
            }

            _owner._swapped = null;
        }
    }
}
