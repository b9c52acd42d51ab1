using Convoy.Distributed.Amp;
using Convoy.Distributed.Nn;
using Convoy.Distributed.Optim;
using Convoy.Torch.Amp;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Ranks that agree on infinities and scales where they hold different gradients, and mixed-precision training with
/// SyncBatchNorm and DistributedDataParallel, with plain and fused optimizers. Argument: <c>alone</c>, scalers that do not know of each other, which must fail.
/// </summary>
internal static class MixedPrecision
{
    private const int Channels = 6;

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        foreach (bool fused in new[] { false, true })
        {
            SkipTogether(group, args.Contains("alone") ? null : group, fused);
        }

        RefuseDifferentScales(group);
        foreach (ScalarType dtype in new[] { ScalarType.BFloat16, ScalarType.Float16 })
        {
            NormaliseTheWholeBatch(group, dtype);
            Train(group, dtype, fused: false);
            Train(group, dtype, fused: true);
        }
    }

    // Every rank has its own weight and gradient, as a sharded optimizer does. Each rank overflows once, a round later than the one before.
    private static void SkipTogether(ProcessGroup group, ProcessGroup? scalers, bool fused)
    {
        using var scope = NewDisposeScope();
        var weight = new Parameter(zeros(40));
        // With betas of 0 a step of AdamW is the gradient's sign, here that of SGD, too.
        using optim.Optimizer optimizer = fused ? new FusedAdamW([weight], 1, beta1: 0, beta2: 0) { MaxNorm = 1e9 } : optim.SGD([weight], 1);
        var scaler = scalers is null ? new GradScaler(initScale: 1024, growthInterval: 3) : new DistributedGradScaler(scalers, initScale: 1024, growthInterval: 3);
        scaler.Scale(zeros(1));
        double scale = 1024;
        for (int round = 0; round < group.Size + 7; round++)
        {
            weight.grad = full([40], (float)scale);
            if (round == group.Rank)
            {
                weight.grad[17] = float.NaN;
            }

            bool stepped = scaler.Step(optimizer);
            scaler.Update();

            bool overflow = round < group.Size;
            int good = round - group.Size + 1;
            scale = overflow ? scale / 2 : good % 3 == 0 ? scale * 2 : scale;
            Expect.True(stepped == !overflow, $"round {round}: rank {group.Rank} stepped {stepped}");
            Expect.True(scaler.GetScale() == scale, $"round {round}: rank {group.Rank} has the scale {scaler.GetScale()}, not {scale}");
            Expect.Equal(full([40], -(float)Math.Max(0, good)), weight.detach(), $"weight after round {round}");
        }

        // A rank without gradients takes part.
        weight.grad = group.Rank == 0 ? full([40], (float)scale) : null;
        Expect.True(scaler.Step(optimizer), "a step in which only rank 0 has gradients");
        scaler.Update();
    }

    private static void RefuseDifferentScales(ProcessGroup group)
    {
        if (group.Size == 1)
        {
            return;
        }

        using var scope = NewDisposeScope();
        var weight = new Parameter(zeros(2)) { grad = ones(2) };
        using SGD optimizer = optim.SGD([weight], 1);
        var scaler = new DistributedGradScaler(group, initScale: 8 * (1 + group.Rank));
        scaler.Scale(zeros(1));
        try
        {
            scaler.Step(optimizer);
        }
        catch (InvalidOperationException error)
        {
            Expect.True(error.Message.StartsWith($"the ranks' scalers have different scales, from 8 to {8 * group.Size}.", StringComparison.Ordinal), error.Message);
            return;
        }

        throw new InvalidOperationException("different scales were accepted");
    }

    // In a region, on narrow features with float32 weights: what batch norm of one process gives on the whole batch.
    private static void NormaliseTheWholeBatch(ProcessGroup group, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        Tensor whole = ((randn([4 * group.Size, Channels, 5, 5], float32, generator: generator) * 2) + 1).to(dtype);
        Tensor gradient = randn([4 * group.Size, Channels, 5, 5], float32, generator: generator).to(dtype);
        using nn.Module<Tensor, Tensor> reference = nn.BatchNorm2d(Channels);
        using var layer = new SyncBatchNorm(Channels, group);

        (Tensor expected, Tensor expectedGradient) = Through(reference, whole.detach(), gradient, dtype);
        (Tensor output, Tensor inputGradient) = Through(layer, whole.narrow(0, 4 * group.Rank, 4).detach(), gradient.narrow(0, 4 * group.Rank, 4), dtype);

        Expect.True(output.dtype == dtype && inputGradient.dtype == dtype, $"types {output.dtype}, {inputGradient.dtype}");
        RequireClose(expected.narrow(0, 4 * group.Rank, 4), output, dtype, "output");
        RequireClose(expectedGradient.narrow(0, 4 * group.Rank, 4), inputGradient, dtype, "input gradient");
        foreach (string name in new[] { "weight", "bias" })
        {
            Tensor sum = layer.get_parameter(name)!.grad!.clone();
            Expect.True(sum.dtype == ScalarType.Float32, $"the gradient of {name} is {sum.dtype}");
            group.AllReduce(sum);
            RequireClose(reference.get_parameter(name)!.grad!, sum, ScalarType.BFloat16, $"gradient of {name}");
        }
    }

    private static (Tensor Output, Tensor InputGradient) Through(nn.Module<Tensor, Tensor> layer, Tensor input, Tensor gradient, ScalarType dtype)
    {
        input.requires_grad = true;
        Tensor output;
        using (Autocast.Enter(DeviceType.CPU, dtype))
        {
            output = layer.call(input);
        }

        output.backward([gradient]);
        return (output.detach(), input.grad!);
    }

    private static void RequireClose(Tensor expected, Tensor actual, ScalarType dtype, string what)
    {
        // Two units in the last place of the narrow type, for values of a size of up to 4.
        double tolerance = dtype == ScalarType.BFloat16 ? 0.03 : 0.004;
        double largest = (expected.to(ScalarType.Float32) - actual.to(ScalarType.Float32)).abs().max().item<float>();
        double size = Math.Max(1, expected.to(ScalarType.Float32).abs().max().item<float>());
        Expect.True(largest <= tolerance * size, $"{what} in {dtype}: differs by {largest} of {size}");
    }

    // One rank's loss overflows in one step: averaging spreads it, all skip, and training goes on with equal replicas.
    private static void Train(ProcessGroup group, ScalarType dtype, bool fused)
    {
        const int Overflow = 2;
        random.manual_seed(11);
        using nn.Module<Tensor, Tensor> network = SyncBatchNorm.Convert((nn.Module<Tensor, Tensor>)new SmallNetwork(), group);
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, new DistributedDataParallelOptions { BucketCapMb = 0.002, FirstBucketCapMb = 0.001 });
        using AdamW optimizer = fused ? new FusedAdamW(model.parameters(), 0.01) { MaxNorm = 1, ZeroGradients = true } : optim.AdamW(model.parameters(), lr: 0.01);
        var scaler = new DistributedGradScaler(group, initScale: 256, growthInterval: 100);
        using var generator = new Generator((ulong)(7 + group.Rank));
        using Tensor images = randn([6, 3, 13, 11], float32, generator: generator), labels = randint(0, 5, [6], int64, generator: generator);
        double first = 0, last = 0;
        for (int step = 0; step < 6; step++)
        {
            using var scope = NewDisposeScope();
            if (!fused)
            {
                model.ZeroGrad();
            }

            Tensor loss;
            using (Autocast.Enter(DeviceType.CPU, dtype))
            {
                loss = nn.functional.cross_entropy(model.call(images), labels);
            }

            Expect.True(loss.dtype == ScalarType.Float32, $"the loss is {loss.dtype}");
            Pass.Run(model.Backward, scaler.Scale(step == Overflow && group.Rank == group.Size - 1 ? loss * float.PositiveInfinity : loss));
            Expect.True(scaler.Step(optimizer) == (step != Overflow), $"step {step} in {dtype} on rank {group.Rank}");
            scaler.Update();
            Expect.True(scaler.GetScale() == (step < Overflow ? 256 : 128), $"scale {scaler.GetScale()} after step {step}");
            Expect.True(!fused || model.parameters().All(parameter => parameter.grad!.abs().sum().item<float>() == 0), "gradients that the optimizer zeroed");
            last = loss.item<float>();
            first = step == 0 ? last : first;
        }

        Expect.True(double.IsFinite(last) && last < first, $"loss in {dtype}: {first} to {last}");
        foreach ((string name, Parameter parameter) in model.named_parameters())
        {
            using Tensor reference = parameter.detach().clone();
            group.Broadcast(reference, 0);
            Expect.Equal(reference, parameter.detach(), $"{name} of rank {group.Rank}");
        }
    }
}
