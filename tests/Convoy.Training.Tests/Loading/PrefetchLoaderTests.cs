using Convoy.Training.Loading;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Loading;

public sealed class PrefetchLoaderTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void Epoch_AnyWorkersAndPrefetch_GivesTheSameBatchesInOrder()
    {
        int[] order = [10, 3, 0, 7, 7, 1, 9, 2, 8, 4, 5, 6];
        List<string> expected = Batches(Options() with { Workers = 0 }, order, epoch: 1);
        Assert.Equal(3, expected.Count);
        foreach ((int workers, int prefetch) in new[] { (1, 1), (2, 1), (4, 5), (16, 2) })
        {
            Assert.Equal(expected, Batches(Options() with { Workers = workers, PrefetchBatches = prefetch }, order, epoch: 1));
        }

        Assert.Equal(expected[2..], Batches(Options(), order, epoch: 1, firstBatch: 2));
        Assert.Equal(expected[..2], Batches(Options() with { DropLast = true }, order, epoch: 1));
        Assert.NotEqual(expected[0], Batches(Options(), order, epoch: 2)[0]);
        Assert.NotEqual(expected[0], Batches(Options() with { Seed = 5 }, order, epoch: 1)[0]);
        Assert.Empty(Batches(Options(), [], epoch: 0));
    }

    [Fact]
    public void Epoch_SlowConsumer_PreparesNoFurtherAheadThanTheLimit()
    {
        int loaded = 0;
        using IBatchSource<Numbers> loader = PrefetchLoader.Create(1000, Options() with { BatchSize = 2, Workers = 3, PrefetchBatches = 2 }, Load, samples => new Numbers(samples));
        using IEnumerator<Numbers> batches = loader.Epoch([.. Enumerable.Range(0, 1000)], 0, cancellation: Token).GetEnumerator();
        for (int taken = 1; taken <= 5; taken++)
        {
            Assert.True(batches.MoveNext());
            SpinWait.SpinUntil(() => Volatile.Read(ref loaded) >= 2 * (taken + 2), TimeSpan.FromSeconds(30));
            Token.WaitHandle.WaitOne(20); // too many would come now
            Assert.Equal(2 * (taken + 2), Volatile.Read(ref loaded));
        }

        double Load(SampleContext sample)
        {
            Interlocked.Increment(ref loaded);
            return sample.Index;
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Epoch_SampleFails_DeliversTheBatchesBeforeThenNamesTheFirstThatFailed(int workers)
    {
        using IBatchSource<Numbers> loader = PrefetchLoader.Create(10, Options() with { BatchSize = 2, Workers = workers, PrefetchBatches = 4 }, Load, samples => new Numbers(samples));
        int delivered = 0;

        var error = Assert.Throws<InvalidOperationException>(() =>
        {
            foreach (Numbers batch in loader.Epoch([.. Enumerable.Range(0, 10)], 0, cancellation: Token))
            {
                batch.Dispose();
                delivered++;
            }
        });

        Assert.Equal(3, delivered);
        Assert.Equal("sample 6 could not be prepared: no sample here", error.Message);
        Assert.IsType<FormatException>(error.InnerException);

        static double Load(SampleContext sample) => sample.Index is 6 or 7 ? throw new FormatException("no sample here") : sample.Index;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Epoch_BadInputOrCollateFails_ReachesTheConsumerAsItIs(int workers)
    {
        LoaderOptions options = Options() with { Workers = workers };
        using IBatchSource<Numbers> bad = PrefetchLoader.Create<double, Numbers>(10, options, _ => throw new BadInputException("no", "x", "Do."), samples => new Numbers(samples));
        using IBatchSource<Numbers> uncollated = PrefetchLoader.Create<double, Numbers>(10, options, _ => 1, _ => throw new FormatException("no batch"));

        Assert.Equal("no (x). Do.", Assert.Throws<BadInputException>(() => bad.Epoch([1], 0, cancellation: Token).First()).Message);
        Assert.Equal("no batch", Assert.Throws<FormatException>(() => uncollated.Epoch([1], 0, cancellation: Token).First()).Message);
    }

    [Fact]
    public void Dispose_InTheMiddleOfAnEpoch_StopsTheWorkers()
    {
        IBatchSource<Numbers> loader = Loader(Options() with { BatchSize = 2 });
        int[] order = [.. Enumerable.Range(0, 4000).Select(i => i % 11)];
        using IEnumerator<Numbers> batches = loader.Epoch(order, 0, cancellation: Token).GetEnumerator();
        Assert.True(batches.MoveNext());

        loader.Dispose();

        Assert.Throws<ObjectDisposedException>(() => batches.MoveNext());
        Assert.Throws<ObjectDisposedException>(() => loader.Epoch(order, 0, cancellation: Token).First());
    }

    [Fact]
    public void Epoch_CancelledOrLeftEarly_EndsPromptlyAndDisposesWhatNobodyTook()
    {
        int alive = 0;
        int[] order = [.. Enumerable.Range(0, 4000).Select(i => i % 11)];
        using var cancellation = new CancellationTokenSource();
        using IBatchSource<Numbers> loader = PrefetchLoader.Create(11, Options() with { BatchSize = 3 }, Load, samples => new Numbers([.. samples.Select(sample => 1.0)], Count));
        loader.Epoch(order, 0, cancellation: Token).First().Dispose();
        Assert.Equal(0, Volatile.Read(ref alive));

        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (Numbers batch in loader.Epoch(order, 0, cancellation: cancellation.Token))
            {
                batch.Dispose();
                cancellation.Cancel();
            }
        });
        Assert.Equal(0, Volatile.Read(ref alive));

        Numbers Load(SampleContext sample) => new([sample.Index], Count);

        void Count(int change) => Interlocked.Add(ref alive, change);
    }

    [Fact]
    public void Epoch_SamplesAreTensors_DisposesThemAfterCollating()
    {
        // Made on the consumer's thread, so that its statistics see them.
        using IBatchSource<TensorBatch> loader = PrefetchLoader.Create(
            6,
            Options() with { BatchSize = 2, Workers = 0 },
            sample => full([3], sample.Index, float32),
            samples => new TensorBatch([], stack(samples)));
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        var sums = new List<float>();
        foreach (TensorBatch batch in loader.Epoch([5, 4, 3, 2], 0, cancellation: Token))
        {
            using (batch)
            {
                using Tensor sum = batch[0].sum();
                sums.Add(sum.item<float>());
            }
        }

        Assert.Equal([27, 15], sums);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Epoch_IndexOutOfRange_IsRefusedAtOnce()
    {
        using IBatchSource<Numbers> loader = Loader(Options());

        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Epoch([0, 11], 0, cancellation: Token));
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Epoch([-1], 0, cancellation: Token));
        Assert.Throws<ArgumentOutOfRangeException>(() => loader.Epoch([0], 0, firstBatch: -1, cancellation: Token));
    }

    [Fact]
    public void Create_OptionOutOfRange_NamesIt()
    {
        Assert.Equal("the batch size is out of range (0). Give a whole number from 1 to 4096.", Refusal(Options() with { BatchSize = 0 }));
        Assert.Equal("the number of loader workers is out of range (257). Give a whole number from 0 to 256.", Refusal(Options() with { Workers = 257 }));
        Assert.Equal("the number of batches to prefetch is out of range (0). Give a whole number from 1 to 64.", Refusal(Options() with { PrefetchBatches = 0 }));

        static string Refusal(LoaderOptions options) => Assert.Throws<BadInputException>(() => Loader(options)).Message;
    }

    private static LoaderOptions Options() => new() { BatchSize = 5, Workers = 2, Seed = 11 };

    private static IBatchSource<Numbers> Loader(LoaderOptions options) =>
        PrefetchLoader.Create(11, options, sample => sample.Index + sample.CreateRandom().NextDouble(), samples => new Numbers(samples));

    private static List<string> Batches(LoaderOptions options, int[] order, int epoch, int firstBatch = 0)
    {
        using IBatchSource<Numbers> loader = Loader(options);
        return [.. loader.Epoch(order, epoch, firstBatch, Token).Select(batch => string.Join(' ', batch.Values.Select(value => value.ToString("R", null))))];
    }

    /// <summary>Numbers that count how many of them are alive.</summary>
    private sealed class Numbers : IDisposable
    {
        private readonly Action<int>? _count;

        public Numbers(IReadOnlyList<double> values, Action<int>? count = null)
        {
            Values = [.. values];
            _count = count;
            count?.Invoke(1);
        }

        public double[] Values { get; }

        public void Dispose() => _count?.Invoke(-1);
    }
}
