using static TorchSharp.torch;

namespace Convoy.Distributed.GradientReduction;

/// <summary>Which parameters took part in a backward pass, on this rank and on all, and what follows when some did not.</summary>
internal sealed class ParameterUsage : IDisposable
{
    private const int NamesInMessage = 5;

    private readonly ParameterGradient[] _gradients;
    private readonly ProcessGroup _group;
    private readonly ReducerOptions _options;
    private readonly Tensor _used;
    private bool[]? _everUsed;

    /// <param name="gradients">All parameters.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="options">What may happen.</param>
    public ParameterUsage(ParameterGradient[] gradients, ProcessGroup group, ReducerOptions options)
    {
        (_gradients, _group, _options) = (gradients, group, options);
        _used = zeros([gradients.Length], ScalarType.Byte).DetachFromDisposeScope();
    }

    /// <summary>Whether parameters may stay out of a pass.</summary>
    public bool AllowsUnused => _options.FindUnusedParameters || _options.StaticGraph;

    /// <summary>Whether it is known when a gradient is complete. With a static graph the first pass finds out.</summary>
    public bool AllowsOverlap => !_options.StaticGraph || _everUsed is not null;

    /// <exception cref="InvalidOperationException">A gradient was added to after its bucket had been averaged.</exception>
    public void RequireUnchangedSinceReduction()
    {
        string[] changed = [.. _gradients.Where(gradient => gradient.ChangedSinceReduction).Select(gradient => gradient.Name)];
        if (changed.Length > 0)
        {
            throw new InvalidOperationException(_options.StaticGraph
                ? $"the gradients of {Quote(changed)} were added to more often than in the first step, after they had been averaged. Turn StaticGraph off, or Overlap."
                : $"the gradients of {Quote(changed)} were added to more than once in one backward pass, the last time after they had been averaged. Set StaticGraph, or turn Overlap off.");
        }
    }

    /// <summary>A synchronized pass is over: checks which parameters were used, and gives those that no rank used their former gradient.</summary>
    /// <exception cref="InvalidOperationException">Parameters were not used that must be, or a static graph changed.</exception>
    public void FinishPass()
    {
        if (!AllowsUnused)
        {
            string[] unused = [.. _gradients.Where(gradient => !gradient.IsUsed).Select(gradient => gradient.Name)];
            if (unused.Length > 0)
            {
                throw new InvalidOperationException($"backward did not reach the parameters {Quote(unused)} on rank {_group.Rank}. If that is intended, set FindUnusedParameters, or StaticGraph when they are the same in every step; otherwise use them for the loss or set their requires_grad to false.");
            }

            return;
        }

        bool[] used = _options.StaticGraph && _everUsed is not null ? _everUsed : AllReduceUsage();
        if (_options.StaticGraph)
        {
            RequireStatic(used);
        }

        Restore(used);
    }

    /// <summary>The same for a rank that took part without a pass of its own, for which nothing is checked.</summary>
    public void FinishShadowedPass()
    {
        if (AllowsUnused)
        {
            bool[] used = _options.StaticGraph && _everUsed is not null ? _everUsed : AllReduceUsage();
            _everUsed = _options.StaticGraph ? used : null;
            Restore(used);
        }
    }

    public void Dispose() => _used.Dispose();

    /// <summary>The first few names, and how many more there are.</summary>
    public static string Quote(string[] names) =>
        string.Join(", ", names.Take(NamesInMessage).Select(name => $"'{name}'")) + (names.Length > NamesInMessage ? FormattableString.Invariant($" and {names.Length - NamesInMessage} more") : "");

    private void Restore(bool[] used)
    {
        for (int i = 0; i < used.Length; i++)
        {
            if (used[i])
            {
                _gradients[i].MarkUsed();
            }
            else
            {
                _gradients[i].Restore();
            }
        }
    }

    // Which parameters some rank used.
    private bool[] AllReduceUsage()
    {
        Span<byte> own = _used.bytes;
        for (int i = 0; i < own.Length; i++)
        {
            own[i] = _gradients[i].IsUsed ? (byte)1 : (byte)0;
        }

        _group.AllReduce(_used, ReduceOp.Max);
        return [.. _used.data<byte>().Select(value => value != 0)];
    }

    // The first pass tells what to expect of all others.
    private void RequireStatic(bool[] used)
    {
        if (_everUsed is null)
        {
            _everUsed = used;
            foreach (ParameterGradient gradient in _gradients)
            {
                gradient.ExpectedAdditions = gradient.Additions;
            }

            return;
        }

        string[] changed = [.. _gradients.Where(gradient => gradient.Additions != gradient.ExpectedAdditions).Select(gradient => gradient.Name)];
        if (changed.Length > 0)
        {
            throw new InvalidOperationException($"the gradients of {Quote(changed)} were not added to as often as in the first step, although StaticGraph is set. Turn it off.");
        }
    }
}
