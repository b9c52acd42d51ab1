using Convoy.Distributed.Backends.Single;
using Convoy.Torch.Convolution;
using Convoy.Torch.Nn;
using Convoy.Training.Kernels;
using Convoy.Training.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Kernels;

public sealed class KernelChooserTests : IDisposable
{
    private static readonly ConvolutionKey Key = new(new ConvolutionShape(1, 16, 6, 6, 16, 3, 3, 1, 1, 1, 1), ScalarType.Float32, ConvolutionPass.Forward);

    private readonly TemporaryFolder _folder = new();
    private readonly List<KernelRemark> _remarks = [];
    private readonly TunedConv2d _network = new(nn.Parameter(zeros(16, 16, 3, 3)), padding: 1, kernels: new ConvolutionKernels());
    private bool _rehearsed;

    private string Recorded => _folder.File("kernels.json");

    private KernelCache Cache => new(_folder.File("cache"), KernelSurroundings.Read(1, 1));

    [Fact]
    public void Choose_ForTheFirstTime_MeasuresAndKeepsAndRecords()
    {
        Choose(FuseSetting.Auto);

        Assert.Equal(2, _remarks.Count);
        Assert.All(_remarks, remark => Assert.False(remark.IsWarning));
        Assert.StartsWith("Choosing the fastest kernels for 2 passes of convolutions", _remarks[0].Text, StringComparison.Ordinal); // the input needs no gradient
        Assert.EndsWith($"kept in {Cache.File}", _remarks[1].Text, StringComparison.Ordinal);
        Assert.Equal(2, Cache.Read().Choices.Count);
        Assert.Equal(File.ReadAllText(Recorded), KernelTableFile.Format(_network.Kernels.Table));
        Assert.NotNull(_network.Kernels.Table.Find(Key)!.Seconds);
    }

    [Fact]
    public void Choose_WhatTheCacheHas_MeasuresNothing()
    {
        Cache.Add([new KernelChoice(Key, "libtorch-contiguous"), new KernelChoice(Key with { Pass = ConvolutionPass.WeightGradient }, "libtorch")]);

        Choose(FuseSetting.Auto);

        Assert.Empty(_remarks);
        Assert.Equal(("libtorch-contiguous", 2), (_network.Kernels.Table.NameOf(Key), KernelTableFile.Parse(File.ReadAllText(Recorded)).Choices.Count));
    }

    [Fact]
    public void Choose_WhatTheRunHas_ComesBeforeTheCache()
    {
        Cache.Add([new KernelChoice(Key, "libtorch")]);
        string recorded = KernelTableFile.Format(new KernelTable([new KernelChoice(Key, "libtorch-contiguous"), new KernelChoice(Key with { Pass = ConvolutionPass.WeightGradient, Shape = Key.Shape with { Batch = 3 } }, "libtorch")]));
        File.WriteAllText(Recorded, recorded);

        Choose(FuseSetting.Auto);

        // The other pass was chosen for another batch, and that holds, too.
        Assert.Equal(("libtorch-contiguous", recorded), (_network.Kernels.Table.NameOf(Key), File.ReadAllText(Recorded)));
        Assert.Empty(_remarks);
    }

    [Fact]
    public void Choose_WhatTheRunHasForOtherPassesOnly_IsCompleted()
    {
        // As after --resume with another --precision: without a choice, every pass would run by the fixed one.
        var other = new KernelChoice(Key with { Dtype = ScalarType.BFloat16 }, "libtorch-contiguous");
        File.WriteAllText(Recorded, KernelTableFile.Format(new KernelTable([other])));
        Cache.Add([new KernelChoice(Key, "libtorch-contiguous"), new KernelChoice(Key with { Pass = ConvolutionPass.WeightGradient }, "libtorch")]);

        Choose(FuseSetting.Auto);

        Assert.Equal(("libtorch-contiguous", "libtorch-contiguous"), (_network.Kernels.Table.NameOf(Key), _network.Kernels.Table.NameOf(other.Key)));
        Assert.Equal(3, KernelTableFile.Parse(File.ReadAllText(Recorded)).Choices.Count);
    }

    [Fact]
    public void Choose_AKernelOfTheRunThatThisProcessorLacks_SaysSoAndChoosesAnew()
    {
        File.WriteAllText(Recorded, KernelTableFile.Format(Unsupported()));

        Choose(FuseSetting.Auto);

        KernelRemark warning = Assert.Single(_remarks, remark => remark.IsWarning);
        Assert.Equal(
            $"the kernels of {Recorded} are not taken: this processor lacks the kernel winograd (1x16x6x6 to 16, 3x3, stride 2, forward). They are chosen anew; from here on the run is equal to rounding only, not to the bit.",
            warning.Text);
        Assert.Equal(2, KernelTableFile.Parse(File.ReadAllText(Recorded)).Choices.Count);
    }

    [Fact]
    public void Choose_AFileOfKernels_IsTakenAsItIsOrRefused()
    {
        string file = _folder.File("given.json");
        var setting = new FuseSetting(FusedOperations.All, Table: file);

        Assert.Equal($"the table of kernels cannot be read ({file}): Could not find file '{file}'. Give another file, or --fuse auto.", Assert.Throws<BadInputException>(() => Choose(setting)).Message);

        File.WriteAllText(file, "{}");
        Assert.StartsWith($"the table of kernels cannot be read ({file}): it has no kernels in the form", Assert.Throws<BadInputException>(() => Choose(setting)).Message, StringComparison.Ordinal);

        File.WriteAllText(file, KernelTableFile.Format(Unsupported()));
        Assert.Equal(
            $"this processor lacks the kernel winograd (1x16x6x6 to 16, 3x3, stride 2, forward), which {file} names. Give --fuse auto or --fuse fixed.", Assert.Throws<BadInputException>(() => Choose(setting)).Message);

        File.WriteAllText(file, KernelTableFile.Format(new KernelTable([new KernelChoice(Key, "libtorch-contiguous")])));
        Choose(setting);
        Assert.Equal(("libtorch-contiguous", false, false), (_network.Kernels.Table.NameOf(Key), _rehearsed, File.Exists(Recorded)));
        Assert.Empty(_remarks);
    }

    [Fact]
    public void Choose_WhereTheCacheCannotBeWritten_WarnsAndTrainsWithWhatWasMeasured()
    {
        File.WriteAllText(_folder.File("cache"), "a file, where the folder would be");

        Choose(FuseSetting.Auto);

        Assert.Equal([false, true], _remarks.Select(remark => remark.IsWarning));
        Assert.EndsWith("Set CONVOY_CACHE_DIR to a folder that you may write.", _remarks[1].Text, StringComparison.Ordinal);
        Assert.Equal(2, _network.Kernels.Table.Choices.Count);
    }

    [Theory]
    [InlineData("fixed")]
    [InlineData("none")]
    [InlineData("norm,convolution")]
    public void Choose_AFixedSetting_MeasuresNothing(string fuse)
    {
        Choose(FuseSetting.Parse(fuse));

        Assert.Equal((false, 0, false), (_rehearsed, _network.Kernels.Table.Choices.Count, File.Exists(Recorded)));
    }

    public void Dispose()
    {
        _network.Dispose();
        _folder.Dispose();
    }

    // Winograd's needs stride 1, on every processor.
    private static KernelTable Unsupported() => new([new KernelChoice(Key with { Shape = Key.Shape with { StrideHeight = 2, StrideWidth = 2 } }, "winograd")]);

    private void Choose(FuseSetting fuse)
    {
        set_num_threads(1);
        using var group = new ProcessGroupSingle();
        new KernelChooser(SmallRuns.Options with { Fuse = fuse }, group, Recorded, () => Cache, TimeProvider.System, _remarks.Add).Choose(_network.Kernels, () =>
        {
            _rehearsed = true;
            using DisposeScope scope = NewDisposeScope();
            _network.call(zeros(1, 6, 6, 16).permute(0, 3, 1, 2));
        });
    }
}
