using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Torch.Amp;
using Convoy.Torch.Nn;
using Convoy.Torch.Optim;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Runs;

/// <summary>The fused update and the plain one, on twins of a model that get the same gradients; in float64, because AdamW makes whole steps of rounding in small gradients.</summary>
public sealed class ParameterUpdateTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ProcessGroupSingle _group = new();

    public void Dispose()
    {
        _group.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData(true, 0.5)]
    [InlineData(true, 0)]
    [InlineData(false, 0.5)]
    [InlineData(false, 0)]
    public void Run_FusedOrPlain_GivesTheSameWeightsScalesAndZeros(bool scales, double clip)
    {
        using DistributedDataParallel model = Model(), twin = Model();
        GradScaler scaler = Scaler(scales), twinScaler = Scaler(scales);
        using ParameterUpdate fused = Make(FusedOperations.Optimizer, model, scaler, clip), plain = Make(FusedOperations.None, twin, twinScaler, clip);
        Assert.IsType<FusedAdamW>(fused.Optimizer);
        Assert.IsNotType<FusedAdamW>(plain.Optimizer);
        for (int step = 0; step < 12; step++)
        {
            // Two passes to an update, and with a scaler an infinity in the fifth.
            foreach ((DistributedDataParallel each, GradScaler its) in new[] { (model, scaler), (twin, twinScaler) })
            {
                using (each.NoSync())
                {
                    Backward(each, its, step, 1);
                }

                Backward(each, its, step + 100, scales && step == 4 ? float.PositiveInfinity : 1);
            }

            fused.Run(0.01 / (1 + step));
            plain.Run(0.01 / (1 + step));

            Assert.Equal(twinScaler.GetScale(), scaler.GetScale());
            Assert.All(model.Module.parameters(), parameter => Assert.Equal(0, parameter.grad!.abs().sum().item<double>()));
            Assert.All(twin.Module.parameters().Zip(model.Module.parameters()), pair => Assert.True(pair.Second.allclose(pair.First, 1e-9, 1e-10)));
        }

        Assert.Equal(scales ? 512 : 1, scaler.GetScale());
        Assert.All(Model().Module.parameters().Zip(model.Module.parameters()), pair => Assert.False(pair.Second.allclose(pair.First, 1e-9, 1e-10)));
    }

    private static ParameterUpdate Make(FusedOperations fuse, DistributedDataParallel model, GradScaler scaler, double clip) =>
        new(new TrainingOptions { Nproc = 1, Threads = 1, Fuse = fuse, Clip = clip, WeightDecay = 0.1 }, model, scaler, optimizer: null);

    private static GradScaler Scaler(bool enabled) => new(initScale: 1024, enabled: enabled);

    private DistributedDataParallel Model()
    {
        random.manual_seed(3);
        return new DistributedDataParallel(nn.Sequential(nn.Conv2d(3, 8, 3, dtype: float64), nn.Tanh(), nn.Flatten(), nn.Linear(72, 2, dtype: float64)), _group);
    }

    private static void Backward(DistributedDataParallel model, GradScaler scaler, int seed, float factor)
    {
        using var generator = new Generator((ulong)seed);
        using DisposeScope scope = NewDisposeScope();
        model.BeforeForward();
        Tensor loss = ((nn.Module<Tensor, Tensor>)model.Module).call(randn([4, 3, 5, 5], float64, generator: generator)).square().mean() * factor;
        model.AfterForward();
        model.Backward(scaler.Scale(loss));
    }
}
