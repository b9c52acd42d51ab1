using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using Convoy.Torch.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

public sealed class SyncBatchNormConvertTests : IDisposable
{
    private readonly ProcessGroupSingle _group = new();

    public void Dispose() => _group.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Convert_BeforeOrAfterFusion_GivesSyncBatchNormThatFusesWhatFollows(bool before)
    {
        using nn.Module<Tensor, Tensor> network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine: false));
        string[] names = [.. network.state_dict().Keys];
        if (!before)
        {
            Fusion.Apply(network, FusedOperations.Norm);
        }

        SyncBatchNorm.Convert(network, _group);
        if (before)
        {
            Assert.All(network.modules().OfType<SyncBatchNorm>(), norm => Assert.False(norm.FusesActivation));
            Fusion.Apply(network, FusedOperations.Norm);
        }

        Assert.Equal(2, network.modules().OfType<SyncBatchNorm>().Count());
        Assert.All(network.modules().OfType<FusedBatchNorm>(), norm => Assert.True(norm is SyncBatchNorm { FusesActivation: true }));
        Assert.Equal(names, network.state_dict().Keys);
        Assert.Equal([2, 4, 4, 4], network.call(randn(2, 3, 6, 6)).shape);
    }

    [Fact]
    public void Convert_Sequential_KeepsNamesValuesAndOutput()
    {
        using var scope = NewDisposeScope();
        using nn.Module<Tensor, Tensor> network = nn.Sequential(("conv", nn.Conv2d(3, 4, 3)), ("bn", nn.BatchNorm2d(4, eps: 0.01, momentum: 0.3)), ("inner", nn.Sequential(nn.BatchNorm2d(4, affine: false), nn.ReLU())));
        Tensor input = randn(2, 3, 6, 6);
        network.call(input); // Other running statistics than the initial ones.
        string[] names = [.. network.state_dict().Keys];
        Tensor[] values = [.. network.state_dict().Values];
        network.eval();
        Tensor expected = network.call(input);
        Assert.Same(network, SyncBatchNorm.Convert(network, _group));
        Assert.Equal(names, network.state_dict().Keys);
        Assert.All(network.state_dict().Values.Zip(values), pair => Assert.Same(pair.Second, pair.First));
        Assert.Equal(2, network.modules().OfType<SyncBatchNorm>().Count());
        Assert.Empty(network.modules().OfType<BatchNorm>());
        Assert.True(network.call(input).eq(expected).all().item<bool>());
        SyncBatchNorm layer = network.modules().OfType<SyncBatchNorm>().First();
        Assert.Equal((0.01, 0.3, false), (layer.Eps, layer.Momentum, layer.training));
    }

    [Fact]
    public void Convert_CustomModule_ReplacesFieldsListsAndDictionaries()
    {
        using var network = new Custom();
        string[] names = [.. network.state_dict().Keys];
        SyncBatchNorm.Convert(network, _group);
        Assert.Equal(names, network.state_dict().Keys);
        Assert.All(network.Used(), module => Assert.IsType<SyncBatchNorm>(module));
        Assert.Equal(5, network.modules().OfType<SyncBatchNorm>().Count());
        using Tensor output = network.call(ones(1, 2, 2, 2));
        Assert.Equal(1, network.get_buffer("_own.num_batches_tracked")!.item<long>());
    }

    [Fact]
    public void Convert_BatchNormItself_GivesItsReplacement()
    {
        using nn.Module<Tensor, Tensor> norm = nn.BatchNorm1d(3);
        Assert.IsType<SyncBatchNorm>(SyncBatchNorm.Convert(norm, _group));
    }

    [Fact]
    public void Convert_BatchNormOfItsOwnType_GivesItsReplacementWithItsTensors()
    {
        using var scope = NewDisposeScope();
        BatchNorm1d one = nn.BatchNorm1d(3);
        BatchNorm2d two = nn.BatchNorm2d(3, eps: 0.01, momentum: 0.3);
        BatchNorm3d three = nn.BatchNorm3d(3);
        nn.Module any = nn.BatchNorm2d(3);
        two.eval();
        Tensor[] tensors = [.. two.state_dict().Values];
        Tensor input = randn(2, 3, 4, 4), expected = two.call(input);

        SyncBatchNorm converted = SyncBatchNorm.Convert(two, _group);
        Assert.All(converted.state_dict().Values.Zip(tensors), pair => Assert.Same(pair.Second, pair.First));
        Assert.Equal((0.01, 0.3, false), (converted.Eps, converted.Momentum, converted.training));
        Assert.True(converted.call(input).eq(expected).all().item<bool>());
        Assert.Equal(3, SyncBatchNorm.Convert(one, _group).Features);
        Assert.Equal(3, SyncBatchNorm.Convert(three, _group).Features);
        Assert.IsType<SyncBatchNorm>(SyncBatchNorm.Convert(any, _group));
        Assert.Same(converted, SyncBatchNorm.Convert(converted, _group));
    }

    [Fact]
    public void Convert_ReplacedBatchNormIsCollected_TensorsLiveOn()
    {
        nn.Module<Tensor, Tensor> network = Converted();

#pragma warning disable RS0030 // the collector is what is tested
        GC.Collect();
#pragma warning restore RS0030
        GC.WaitForPendingFinalizers();

        using Tensor output = network.call(ones(2, 3, 4, 4));
        Assert.Equal(1, network.state_dict()["0.num_batches_tracked"].item<long>());

        // In a method of its own, so that nothing on this one's stack keeps the batch norm.
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        nn.Module<Tensor, Tensor> Converted() => SyncBatchNorm.Convert(nn.Sequential(nn.BatchNorm2d(3)), _group);
    }

    [Fact]
    public void Convert_FieldDeclaredAsBatchNorm2d_NamesItAndChangesNothing()
    {
        using var network = new TooNarrow();
        string message = Assert.Throws<ArgumentException>(() => SyncBatchNorm.Convert(network, _group)).Message;
        Assert.Contains("TooNarrow._narrow is declared as BatchNorm2d", message, StringComparison.Ordinal);
        Assert.IsType<BatchNorm2d>(network.Wide);
        Assert.Equal(2, network.modules().OfType<BatchNorm>().Count());
    }

    [Fact]
    public void Convert_Twice_ChangesNothingTheSecondTime()
    {
        using nn.Module<Tensor, Tensor> network = nn.Sequential(nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm2d(3)));
        SyncBatchNorm.Convert(network, _group);
        nn.Module[] layers = [.. network.modules().OfType<SyncBatchNorm>()];
        Assert.Equal(2, layers.Length);
        SyncBatchNorm.Convert(network, _group);
        Assert.Equal(layers, network.modules().OfType<SyncBatchNorm>());
    }

    [Fact]
    public void Convert_BatchNormOfEachDimension_KeepsTypeGradientFlagsModeAndOptions()
    {
        foreach (BatchNorm norm in (BatchNorm[])[nn.BatchNorm1d(3, dtype: float64), nn.BatchNorm2d(3, dtype: float64), nn.BatchNorm3d(3, dtype: float64)])
        {
            norm.weight!.requires_grad = false;
            norm.eval();
            using nn.Module<Tensor, Tensor> layer = SyncBatchNorm.Convert((nn.Module<Tensor, Tensor>)norm, _group);
            Assert.IsType<SyncBatchNorm>(layer);
            Assert.Equal(ScalarType.Float64, layer.get_parameter("weight")!.dtype);
            Assert.Equal(ScalarType.Float64, layer.get_buffer("running_var")!.dtype);
            Assert.Same(norm.num_batches_tracked, layer.get_buffer("num_batches_tracked"));
            Assert.Equal((false, true, false), (layer.get_parameter("weight")!.requires_grad, layer.get_parameter("bias")!.requires_grad, layer.training));
        }
    }

    [Fact]
    public void Convert_LayerWithoutParametersAndStatistics_HasNone()
    {
        using nn.Module<Tensor, Tensor> layer = SyncBatchNorm.Convert((nn.Module<Tensor, Tensor>)nn.BatchNorm2d(3, affine: false, track_running_stats: false), _group);
        Assert.Empty(layer.state_dict());
        using Tensor output = layer.call(ones(2, 3, 4, 4));
    }

    [Fact]
    public void Convert_SharedLayer_IsReplacedByOneLayerEverywhere()
    {
        nn.Module<Tensor, Tensor> shared = nn.BatchNorm2d(2);
        using nn.Module<Tensor, Tensor> network = nn.Sequential(("a", shared), ("inner", nn.Sequential(("b", shared))));
        SyncBatchNorm.Convert(network, _group);
        Assert.Single(network.modules().OfType<SyncBatchNorm>().Distinct());
        Assert.Empty(network.modules().OfType<BatchNorm>());
        using Tensor output = network.call(randn(2, 2, 3, 3));
        Assert.Equal(2, network.state_dict()["a.num_batches_tracked"].item<long>());
    }

    [Fact]
    public void Convert_NestedLists_AreReplaced()
    {
        using var network = new Nested();
        SyncBatchNorm.Convert(network, _group);
        Assert.All(network.Used(), module => Assert.IsType<SyncBatchNorm>(module));
    }

    [Fact]
    public void Convert_ReadOnlyCollection_NamesItAndChangesNothing()
    {
        using var network = new ReadOnly();
        string message = Assert.Throws<ArgumentException>(() => SyncBatchNorm.Convert(network, _group)).Message;
        Assert.Contains("ReadOnly._layers", message, StringComparison.Ordinal);
        Assert.Empty(network.modules().OfType<SyncBatchNorm>());
    }

    [Fact]
    public void Convert_StateOfTheConverted_LoadsIntoTheOriginal()
    {
        using nn.Module<Tensor, Tensor> converted = SyncBatchNorm.Convert(nn.Sequential(("bn", nn.BatchNorm2d(3))), _group);
        using Tensor output = converted.call(randn(2, 3, 4, 4));
        using nn.Module<Tensor, Tensor> original = nn.Sequential(("bn", nn.BatchNorm2d(3)));
        original.load_state_dict(converted.state_dict());
        Assert.True(original.get_buffer("bn.running_mean")!.eq(converted.get_buffer("bn.running_mean")!).all().item<bool>());
        Assert.Equal(1, original.get_buffer("bn.num_batches_tracked")!.item<long>());
    }

    private sealed class Custom : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> _own = nn.BatchNorm2d(2);
        private readonly nn.Module _plain = nn.BatchNorm2d(2);
        private readonly ModuleList<nn.Module<Tensor, Tensor>> _list = nn.ModuleList<nn.Module<Tensor, Tensor>>(nn.BatchNorm2d(2));
        private readonly ModuleDict<nn.Module<Tensor, Tensor>> _dictionary = nn.ModuleDict<nn.Module<Tensor, Tensor>>(("a", nn.BatchNorm2d(2)));
        private readonly nn.Module<Tensor, Tensor>[] _array = [nn.BatchNorm2d(2)];

        public Custom()
            : base(nameof(Custom))
        {
            RegisterComponents();
            register_module("array0", _array[0]);
        }

        public IEnumerable<nn.Module> Used() => [_own, _plain, _list[0], _dictionary["a"], _dictionary.values().First(), _array[0]];

        public override Tensor forward(Tensor input) => _own.call(input);
    }

    private sealed class TooNarrow : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> _wide = nn.BatchNorm2d(2);
        private readonly BatchNorm2d _narrow = nn.BatchNorm2d(2);

        public TooNarrow()
            : base(nameof(TooNarrow)) => RegisterComponents();

        public nn.Module Wide => _wide;

        public override Tensor forward(Tensor input) => _narrow.call(_wide.call(input));
    }

    private sealed class Nested : nn.Module<Tensor, Tensor>
    {
        private readonly List<nn.Module<Tensor, Tensor>[]> _lists = [[nn.BatchNorm2d(2)]];
        private readonly Dictionary<string, List<nn.Module>> _table = new() { ["a"] = [nn.BatchNorm2d(2)] };

        public Nested()
            : base(nameof(Nested))
        {
            register_module("first", _lists[0][0]);
            register_module("second", _table["a"][0]);
        }

        public IEnumerable<nn.Module> Used() => [_lists[0][0], _table["a"][0], .. children()];

        public override Tensor forward(Tensor input) => input;
    }

    private sealed class ReadOnly : nn.Module<Tensor, Tensor>
    {
        private readonly HashSet<nn.Module> _layers = [nn.BatchNorm2d(2)];

        public ReadOnly()
            : base(nameof(ReadOnly)) => register_module("layer", _layers.First());

        public override Tensor forward(Tensor input) => input;
    }
}
