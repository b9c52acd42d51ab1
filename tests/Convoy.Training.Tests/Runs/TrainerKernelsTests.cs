using Convoy.Torch.Convolution;
using Convoy.Torch.Nn;
using Convoy.Training.Options;
using Convoy.Training.Runs;

namespace Convoy.Training.Tests.Runs;

/// <summary>The choice of kernels within a run.</summary>
public sealed class TrainerKernelsTests : IDisposable
{
    private static readonly TrainingOptions Options = SmallRuns.Options with { Fuse = FuseSetting.Auto, BatchSize = 6, Steps = 4 };

    private readonly SmallRuns _runs = new();
    private readonly List<string> _notes = [];

    [Fact]
    public void Run_ThatMeasures_EqualsOneWithTheSameKernelsFromTheCacheOrAFileToTheBit()
    {
        // A batch that no other test has, so that the first run has to measure.
        TrainingOptions options = Options with { BatchSize = 12 };

        // Dropout and running statistics: the rehearsal would change both, if it left a trace.
        Train("measured", options);
        Assert.Equal(2, _notes.Count);
        Train("cached", options);
        Train("file", options with { Fuse = new FuseSetting(FusedOperations.All, Table: _runs["measured"].Kernels) });

        Assert.Equal(2, _notes.Count);
        Assert.Equal(File.ReadAllText(_runs["measured"].Kernels), File.ReadAllText(_runs["cached"].Kernels));
        Assert.Equal(_runs.Losses("measured"), _runs.Losses("cached"));
        Assert.Equal(_runs.Losses("measured"), _runs.Losses("file"));
        _runs.AssertSameCheckpoints("measured", "cached");
        _runs.AssertSameCheckpoints("measured", "file");
    }

    [Fact]
    public void Run_ThatGoesOn_TakesItsOwnKernelsAndNotTheCaches()
    {
        Train("whole", Options);
        KernelTable first = KernelTableFile.Parse(File.ReadAllText(_runs["whole"].Kernels));
        var other = new KernelTable(first.Choices.Select(choice => choice with { Kernel = choice.Kernel == "libtorch-contiguous" || choice.Key.Pass == ConvolutionPass.WeightGradient ? "libtorch" : "libtorch-contiguous" }));
        File.WriteAllText(_runs["whole"].Kernels, KernelTableFile.Format(other));

        Train("whole", Options with { Steps = 6 });

        Assert.Equal(KernelTableFile.Format(other), File.ReadAllText(_runs["whole"].Kernels));
        Assert.Equal(6, _runs.Losses("whole").Length);
    }

    [Fact]
    public void Run_ThatGoesOnWithAnUnknownKernel_IsRefusedAndKeepsWhatItHas()
    {
        Train("run", Options);
        string text = File.ReadAllText(_runs["run"].Kernels);
        File.WriteAllText(_runs["run"].Kernels, text.Replace("\"kernel\":\"", "\"kernel\":\"newer-", StringComparison.Ordinal));

        BadInputException error = Assert.Throws<BadInputException>(() => Train("run", Options with { Steps = 6 }));

        Assert.StartsWith($"the table of kernels cannot be read ({_runs["run"].Kernels}): there is no kernel of this name (newer-", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Remove it to choose anew.", error.Message, StringComparison.Ordinal);
        Assert.Equal((4, 4), (_runs.Losses("run").Length, _runs.Latest("run").State.Step));
    }

    public void Dispose() => _runs.Dispose();

    private void Train(string name, TrainingOptions options) => _runs.Train(name, new SmallTask { Dropout = 0.4 }, options, new Listener(_notes));

    private sealed class Listener(List<string> notes) : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value)
        {
            Assert.Null(value.Warning);
            if (value.Note is { } note)
            {
                notes.Add(note);
            }
        }
    }
}
