using System.Runtime.InteropServices;
using Convoy.Torch.Amp;
using Convoy.Torch.Checkpointing;
using Convoy.Torch.Interop;
using Convoy.Torch.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Checkpointing;

public sealed class ActivationCheckpointTests
{
    [Theory]
    [InlineData(false, false, null)]
    [InlineData(true, false, null)]
    [InlineData(true, true, null)]
    [InlineData(false, true, null)]
    [InlineData(true, true, "0,1,head")]
    public void Apply_BlocksWithDropoutAndBatchNorm_TrainToTheSameBits(bool fused, bool narrow, string? names)
    {
        float[][] plain = Train(fused, narrow, _ => { }), again = Train(fused, narrow, network => ActivationCheckpoint.Apply(network, names?.Split(',').Select(name => name == "head" ? name : "blocks." + name)));

        Assert.Equal(plain.Length, again.Length);
        Assert.All(plain.Zip(again), pair => Assert.Equal(pair.First, pair.Second));
    }

    [Fact]
    public void Apply_Network_KeepsNamesAndTensors()
    {
        using var scope = NewDisposeScope();
        using var network = new Network();
        Dictionary<string, nint> before = network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.Handle);
        string[] names = [.. network.named_parameters().Select(named => named.name)];

        Assert.Equal(["blocks.0", "blocks.1"], ActivationCheckpoint.Apply(network));

        Assert.Equal(before, network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.Handle));
        Assert.Equal(names, network.named_parameters().Select(named => named.name));
    }

    [Fact]
    public void Apply_EvaluationMode_ComputesAsWithoutIt()
    {
        using var scope = NewDisposeScope();
        using var network = new Network();
        Tensor images = Images(1);
        network.eval();
        float[] expected = network.call(images).data<float>().ToArray();

        ActivationCheckpoint.Apply(network);

        Assert.Equal(expected, network.call(images).data<float>().ToArray());
        network.train();
        Assert.NotEqual(expected, network.call(images).data<float>().ToArray());
    }

    [Theory]
    [InlineData("layer9", "no module 'layer9'")]
    [InlineData("blocks.0,blocks.0.first", "a part of 'blocks.0'")]
    [InlineData("pair", "is not one of a tensor")]
    public void Apply_WrongNames_SaysWhichAndChangesNothing(string names, string message)
    {
        using var network = new Network();
        nn.Module[] before = [.. network.modules()];

        Assert.Contains(message, Assert.Throws<ArgumentException>(() => ActivationCheckpoint.Apply(network, names.Split(','))).Message);

        Assert.Equal(before, network.modules());
    }

    [Fact]
    public void Apply_NoBlocks_SaysSo()
    {
        using nn.Module network = nn.Sequential(nn.Linear(2, 2), nn.ReLU());
        Assert.Contains("no blocks", Assert.Throws<ArgumentException>(() => ActivationCheckpoint.Apply(network)).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void CallSequential_AnyNumberOfParts_GivesTheSameBits(int segments)
    {
        using var scope = NewDisposeScope();
        using var checkpoint = new ActivationCheckpoint();
        nn.Module<Tensor, Tensor>[] layers = [.. Enumerable.Range(0, 5).Select(index => index % 2 == 0 ? (nn.Module<Tensor, Tensor>)nn.Linear(4, 4) : nn.Tanh())];
        Tensor input = randn(3, 4);
        float[][] plain = Gradients(layers.Aggregate(input, (values, layer) => layer.call(values))), again = Gradients(checkpoint.CallSequential(layers, segments, input));
        Assert.All(plain.Zip(again), pair => Assert.Equal(pair.First, pair.Second));
        Assert.Throws<ArgumentOutOfRangeException>(() => checkpoint.CallSequential(layers, 6, input));

        float[][] Gradients(Tensor output)
        {
            output.square().sum().backward();
            Parameter[] parameters = [.. layers.SelectMany(layer => layer.parameters())];
            float[][] found = [.. parameters.Select(parameter => parameter.grad!.data<float>().ToArray())];
            Array.ForEach(parameters, parameter => parameter.grad = null);
            return found;
        }
    }

    [Fact]
    public void Call_GraphKept_GivesTheGradientsTwice()
    {
        using var scope = NewDisposeScope();
        using var checkpoint = new ActivationCheckpoint();
        var layer = nn.Linear(3, 3);
        Tensor input = ones(2, 3, requires_grad: true);
        Tensor loss = checkpoint.Call(layer, input).sum();

        loss.backward(retain_graph: true);
        loss.backward();

        Assert.All(layer.weight.grad!.data<float>().ToArray(), value => Assert.Equal(4, value)); // Two rows of ones, twice.
        Assert.Contains("retain_graph", Assert.Throws<ExternalException>(() => loss.backward()).Message);
    }

    [Fact]
    public void Call_InsideOfAnother_AndByGrad_GivesTheGradients()
    {
        using var scope = NewDisposeScope();
        using ActivationCheckpoint outer = new(), inner = new();
        var layer = nn.Linear(3, 3, hasBias: false);
        var nested = new Calling(inner, layer);
        Tensor input = ones(2, 3, requires_grad: true);

        IList<Tensor> gradients = autograd.grad([outer.Call(nested, input).sum()], [layer.weight, input]);

        Assert.All(gradients[0].data<float>().ToArray(), value => Assert.Equal(2, value));
        Assert.Equal(layer.weight.sum([0L]).data<float>().ToArray(), gradients[1][0].data<float>().ToArray());
        Assert.Null(layer.weight.grad);
    }

    [Fact]
    public void Call_CreateGraph_HasTheSecondDerivative()
    {
        using var scope = NewDisposeScope();
        using var checkpoint = new ActivationCheckpoint();
        Tensor input = tensor(new[] { 0.5, -1.25 }, requires_grad: true);

        Tensor first = autograd.grad([checkpoint.Call(new Cubing(), input).sum()], [input], create_graph: true)[0];
        Tensor second = autograd.grad([first.sum()], [input])[0];

        Assert.Equal([6 * 0.5, 6 * -1.25], second.data<double>().ToArray());
    }

    [Fact]
    public void Call_ModuleFails_BackwardThrowsIt()
    {
        using var scope = NewDisposeScope();
        using var checkpoint = new ActivationCheckpoint();
        var module = new Calling(null, nn.Linear(2, 2));
        Tensor loss = checkpoint.Call(module, ones(1, 2)).sum();
        module.Fails = true;

        Assert.Contains("planted", Assert.Throws<ExternalException>(() => loss.backward()).Message);
    }

    [Theory]
    [InlineData(false, 6)]
    [InlineData(true, 2)]
    public void Apply_ChainOfBlocks_KeepsInnerResultsOfOneAtMost(bool checkpointed, int most)
    {
        using var scope = NewDisposeScope();
        var counter = new Counter();
        var blocks = nn.ModuleList<nn.Module<Tensor, Tensor>>([.. Enumerable.Range(0, 3).Select(_ => new Counted(counter))]);
        using var network = new Chain(blocks);
        if (checkpointed)
        {
            ActivationCheckpoint.Apply(network);
        }

        Tensor loss = network.call(ones(8, requires_grad: true)).sum();
        Assert.Equal(checkpointed ? 0 : most, counter.Alive);

        loss.backward();

        Assert.Equal(most, counter.Most);
        Assert.Equal(0, counter.Alive);
    }

    // The losses, then the parameters and buffers after three steps.
    private static float[][] Train(bool fused, bool narrow, Action<Network> change)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var network = new Network();
        if (fused)
        {
            Fusion.Apply(network, FusedOperations.All);
        }

        change(network);
        using var optimizer = optim.SGD(network.parameters(), 0.05);
        List<float> losses = [];
        for (int step = 0; step < 3; step++)
        {
            using Autocast? region = narrow ? Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16) : null;
            Tensor loss = network.call(Images(step)).to(ScalarType.Float32).square().mean();
            region?.Dispose();
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            losses.Add(loss.item<float>());
        }

        Assert.True(losses[2] != losses[0]);
        return [[.. losses], [rand(1).item<float>()], .. network.state_dict().Values.Select(value => value.to(ScalarType.Float32).data<float>().ToArray())];
    }

    private static Tensor Images(int step)
    {
        using var generator = new Generator((ulong)step + 40);
        return randn([4, 16, 12, 8], generator: generator).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
    }

    private sealed class Network : nn.Module<Tensor, Tensor>
    {
        private readonly ModuleList<nn.Module<Tensor, Tensor>> blocks = nn.ModuleList<nn.Module<Tensor, Tensor>>(new Block(), new Block());
        private readonly nn.Module<Tensor, Tensor> head = nn.Conv2d(16, 2, 1);
        private readonly nn.Module<Tensor, Tensor, Tensor> pair = nn.Bilinear(2, 2, 2);

        public Network()
            : base(nameof(Network)) => RegisterComponents();

        public override Tensor forward(Tensor input) => head.call(blocks.Aggregate(input, (values, block) => block.call(values)));
    }

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> first = nn.Conv2d(16, 16, 3, padding: 1, bias: false);
        private readonly nn.Module<Tensor, Tensor> norm = nn.BatchNorm2d(16);
        private readonly nn.Module<Tensor, Tensor> dropout = nn.Dropout(0.3);
        private readonly nn.Module<Tensor, Tensor> second = nn.Conv2d(16, 16, 3, padding: 1, bias: false);
        private readonly nn.Module<Tensor, Tensor> norm2 = nn.BatchNorm2d(16);

        public Block()
            : base(nameof(Block)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            Tensor features = second.call(dropout.call(norm.CallRelu(first.call(input))));
            return norm2.CallAddRelu(features, input.to(features.dtype));
        }
    }

    private sealed class Calling(ActivationCheckpoint? checkpoint, nn.Module<Tensor, Tensor> layer) : nn.Module<Tensor, Tensor>(nameof(Calling))
    {
        public bool Fails { get; set; }

        public override Tensor forward(Tensor input) => Fails ? throw new InvalidOperationException("planted") : checkpoint?.Call(layer, input) ?? layer.call(input);

        public override IEnumerable<Parameter> parameters(bool recurse = true) => layer.parameters(recurse);
    }

    private sealed class Cubing() : nn.Module<Tensor, Tensor>(nameof(Cubing))
    {
        public override Tensor forward(Tensor input) => input.pow(3);
    }

    private sealed class Chain : nn.Module<Tensor, Tensor>
    {
        private readonly ModuleList<nn.Module<Tensor, Tensor>> blocks;

        public Chain(ModuleList<nn.Module<Tensor, Tensor>> blocks)
            : base(nameof(Chain))
        {
            this.blocks = blocks;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => blocks.Aggregate(input, (values, block) => block.call(values));
    }

    // Tensors of known life: how many are alive, and the most that were.
    private sealed class Counter
    {
        public int Alive { get; private set; }

        public int Most { get; private set; }

        public unsafe Tensor Make(int count)
        {
            byte* memory = (byte*)NativeMemory.AllocZeroed((nuint)count, sizeof(float));
            Most = Math.Max(Most, ++Alive);
            return TensorMemory.Wrap(memory, count, ScalarType.Float32, () =>
            {
                NativeMemory.Free(memory);
                Alive--;
            });
        }
    }

    // Two products, each of which keeps its factor for the backward pass.
    private sealed class Counted : nn.Module<Tensor, Tensor>
    {
        private readonly Counter _counter;
        private readonly nn.Module<Tensor, Tensor> inner = nn.Identity();

        public Counted(Counter counter)
            : base(nameof(Counted))
        {
            _counter = counter;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            Tensor values = inner.call(input);
            return (values * _counter.Make(8) * _counter.Make(8)).MoveToOuterDisposeScope();
        }
    }
}
