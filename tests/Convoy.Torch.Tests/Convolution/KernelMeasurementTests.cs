using Convoy.Torch.Convolution;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Convolution;

public sealed class KernelMeasurementTests
{
    private static readonly ConvolutionShape Shape = new(2, 16, 6, 6, 16, 3, 3, 1, 1, 1, 1);

    private static readonly ConvolutionKey[] Keys = [.. Enum.GetValues<ConvolutionPass>().Select(pass => new ConvolutionKey(Shape, ScalarType.Float32, pass))];

    // Every call takes a second by this clock, so nothing can be told apart.
    [Fact]
    public void Measure_KernelsThatTakeTheSame_KeepsTheFixedChoice()
    {
        IReadOnlyList<KernelChoice> choices = new KernelMeasurement(new SteadyTime()).Measure(Keys);

        Assert.Equal(Keys, choices.Select(choice => choice.Key));
        Assert.Equal(Keys.Select(KernelTable.Fixed.NameOf), choices.Select(choice => choice.Kernel));
        Assert.All(choices, choice => Assert.All(ConvolutionAlgorithms.For(choice.Key), algorithm => Assert.Equal(1, choice.Seconds![algorithm.Name])));
    }

    // One after the other, calls take longer and longer: the first kernel of every turn is faster by far more than chance.
    [Fact]
    public void Measure_AKernelThatIsFasterInEveryTurn_IsChosen()
    {
        KernelChoice choice = new KernelMeasurement(new SteadyTime { Growth = 1.05 }).Measure([Keys[0]])[0];

        Assert.Equal(ConvolutionAlgorithms.For(Keys[0]).First().Name, choice.Kernel);
        Assert.True(choice.Seconds![choice.Kernel] < choice.Seconds.Where(other => other.Key != choice.Kernel).Min(other => other.Value));
    }

    [Fact]
    public void Measure_OneOfSeveralRanks_GoesOnAsLongAsAllAgree()
    {
        var wishes = new List<bool>();
        var answers = new Queue<bool>([true, true, true, false]); // the beginning, the key, one turn more, no further one
        var rank = new KernelMeasurement(new SteadyTime(), wish =>
        {
            wishes.Add(wish);
            return answers.Dequeue();
        }) { Budget = TimeSpan.FromDays(1) };

        Assert.Single(rank.Measure([Keys[0]]));

        Assert.Empty(answers);
        Assert.Equal([true, true, true, true], wishes); // it would have gone on itself
    }

    [Fact]
    public void Measure_WhereRankZeroHasNothingToMeasure_MeasuresNothing() =>
        Assert.Empty(new KernelMeasurement(new SteadyTime(), _ => false).Measure(Keys));

    // libtorch's, the first, takes twenty times as long as the others in the first pass or in all, as where the processor lacks the type's instructions.
    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 2)]
    public void Measure_AKernelThatIsOutOfTheQuestionAgainAndAgain_IsTriedNoMore(int slowPasses, int tried)
    {
        ConvolutionKey[] keys = [.. Enumerable.Range(1, 3).Select(batch => new ConvolutionKey(Shape with { Batch = batch }, ScalarType.Float32, ConvolutionPass.Forward))];
        var time = new SteadyTime();
        int asked = 0;
        var measurement = new KernelMeasurement(time, _ =>
        {
            bool isBeginning = asked == 0, isKey = asked % 2 == 1, isSlow = isKey && asked / 2 < slowPasses;
            asked++;
            time.SlowReading = isSlow ? 3 : 0; // a key's beginning, and the first call's two ends
            return isBeginning || isKey; // no turn after the first
        });

        IReadOnlyList<KernelChoice> choices = measurement.Measure(keys);

        Assert.Equal(tried, choices.Count(choice => choice.Seconds!.ContainsKey(ConvolutionAlgorithms.Libtorch.Name)));
        Assert.Equal(21, choices[0].Seconds![ConvolutionAlgorithms.Libtorch.Name]);
        Assert.All(choices, choice => Assert.NotEqual(slowPasses > 1 ? ConvolutionAlgorithms.Libtorch.Name : "", choice.Kernel));
    }

    // A call lies between two readings of this clock.
    private sealed class SteadyTime : TimeProvider
    {
        private long _now;
        private double _step = Unit;

        private const long Unit = 1000;

        public double Growth { get; init; } = 1;

        /// <summary>The number of the reading, from now, before which twenty seconds more go by; 0 for none.</summary>
        public int SlowReading { get; set; }

        public override long TimestampFrequency => Unit;

        public override long GetTimestamp()
        {
            _step = _step < Unit * Unit ? _step * Growth : Unit; // begins again after 140 readings, in one turn at most of those that count
            return _now += (long)_step + (SlowReading > 0 && --SlowReading == 0 ? 20 * Unit : 0);
        }
    }
}
