using System.Runtime.InteropServices;
using Convoy.Distributed.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>The last rank changes in place what SyncBatchNorm's backward needs, so libtorch refuses there, below its own frames.</summary>
internal static class NormInputChangedInPlace
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(120));
        bool isLast = group.Rank == group.Size - 1;
        using var network = new ChangingNetwork(group, changes: isLast);
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        Tensor loss = model.call(randn(4, 3, 5, 5)).square().sum();
        try
        {
            Pass.Run(model.Backward, loss);
        }
        catch (Exception error)
        {
            string expected = isLast ? "modified by an inplace operation" : FormattableString.Invariant($"rank {group.Size - 1}");
            Expect.True(error.Message.Contains(expected, StringComparison.Ordinal) && (Pass.IsPlain ? error is ExternalException : error is DistributedException == !isLast), $"{error.GetType().Name} {error.Message}");
            return;
        }

        throw new InvalidOperationException("backward did not fail");
    }

    private sealed class ChangingNetwork : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d _convolution = nn.Conv2d(3, 4, 1);
        private readonly SyncBatchNorm _norm;
        private readonly bool _changes;

        public ChangingNetwork(ProcessGroup group, bool changes)
            : base(nameof(ChangingNetwork))
        {
            _norm = new SyncBatchNorm(4, group);
            _changes = changes;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            Tensor x = _convolution.call(input), y = _norm.call(x);
            return _changes ? y + x.add_(1) : y + x;
        }
    }
}
