using System.Diagnostics;
using Convoy.Lanes.Data;
using TorchSharp;

namespace Convoy.Cli.Benchmarks.Loading;

/// <summary><c>convoy bench loader</c>: the strategies in turn, each alone and beside a computation.</summary>
/// <param name="settings">What to measure.</param>
/// <param name="dataset">The frames, at least one batch of them.</param>
/// <param name="cacheFolder">A folder for the cache, absent or empty.</param>
internal sealed class LoaderBenchmark(LoaderSettings settings, LaneDataset dataset, string cacheFolder)
{
    private const int FewestBatches = 2;

    /// <summary>Told of each round before it starts: its number from 1, and how many there are.</summary>
    public required Action<int, int> OnRound { get; init; }

    /// <summary>Measures.</summary>
    /// <exception cref="Convoy.Training.BadInputException">An image is bad.</exception>
    /// <exception cref="OperationCanceledException">It was interrupted.</exception>
    public LoaderReport Run(CancellationToken interrupted)
    {
        torch.set_num_threads(settings.Threads);
        double buildSeconds = BuildCache(interrupted);
        using var computation = new Computation(settings.StepSeconds);
        IReadOnlyList<LoaderStrategy> strategies = LoaderStrategy.All(settings.Workers);
        Dictionary<LoaderStrategy, List<LoaderSample>> samples = strategies.ToDictionary(strategy => strategy, _ => new List<LoaderSample>());
        var steps = new List<double>();
        for (int round = 1; round <= settings.Repeats; round++)
        {
            OnRound(round, settings.Repeats);
            foreach (LoaderStrategy strategy in strategies)
            {
                double alone = ComputeAlone(computation, interrupted);
                steps.Add(alone);
                samples[strategy].Add(Measure(strategy, computation, alone, interrupted));
            }
        }

        steps.Sort();
        ImageSize original = ImageHeader.Read(dataset.Frames[0].ImagePath);
        return new LoaderReport(
            dataset.Count, original.ToString(), settings.ImageSize.ToString(), settings.BatchSize, settings.ChannelsLast, settings.Threads, steps[steps.Count / 2], settings.Repeats,
            new DirectoryInfo(cacheFolder).EnumerateFiles().Sum(file => file.Length), buildSeconds,
            [.. strategies.Select(strategy => LoaderResult.Summarize(strategy, samples[strategy], LoaderResult.Delay(samples[strategy with { Workers = 0 }])))]);
    }

    private double BuildCache(CancellationToken interrupted)
    {
        long start = Stopwatch.GetTimestamp();
        var options = new LoaderStrategy(LoaderStrategy.Cache, Environment.ProcessorCount, false).Options(settings, cacheFolder);
        using var loader = new LaneDataLoader(dataset, options, TimeProvider.System, interrupted);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // As many computations as a round's seconds hold, so that loading is compared with what the machine did just before.
    private double ComputeAlone(Computation computation, CancellationToken interrupted)
    {
        var seconds = new List<double>();
        while (seconds.Count < FewestBatches || seconds.Sum() < settings.Seconds / 2)
        {
            interrupted.ThrowIfCancellationRequested();
            seconds.Add(computation.Run());
        }

        return seconds.Average();
    }

    private LoaderSample Measure(LoaderStrategy strategy, Computation computation, double alone, CancellationToken interrupted)
    {
        long before = Environment.WorkingSet;
        using var loader = new LaneDataLoader(dataset, strategy.Options(settings, cacheFolder), TimeProvider.System, interrupted);
        Consume(loader, null, seconds: 0, interrupted); // fetches files and memory from the system
        Pass loading = Consume(loader, null, settings.Seconds, interrupted);
        Pass beside = Consume(loader, computation, settings.Seconds, interrupted);
        return new LoaderSample(
            loading.Seconds / loading.Batches / settings.BatchSize,
            loading.CpuSeconds / loading.Batches / settings.BatchSize,
            (beside.Seconds / beside.Batches) - alone,
            beside.WaitSeconds / beside.Batches,
            Math.Max(0, Environment.WorkingSet - before));
    }

    // Takes batches for so many seconds, at least a few; the first batch fills the pipeline and does not count.
    private Pass Consume(LaneDataLoader loader, Computation? computation, double seconds, CancellationToken interrupted)
    {
        int batches = -1;
        double wait = 0;
        long start = 0;
        TimeSpan cpu = default;
        foreach (LaneBatch batch in loader.Epoch(Frames(), epoch: 0, cancellation: interrupted))
        {
            using LaneBatch taken = batch;
            computation?.Run();
            if (batches++ < 0)
            {
                (start, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
                continue;
            }

            wait += batch.WaitSeconds;
            if (batches >= FewestBatches && Stopwatch.GetElapsedTime(start).TotalSeconds >= seconds)
            {
                break;
            }
        }

        return new Pass(batches, Stopwatch.GetElapsedTime(start).TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, wait);
    }

    // The frames again and again, for more batches than any round takes.
    private int[] Frames() => [.. Enumerable.Range(0, MostBatches() * settings.BatchSize).Select(i => i % dataset.Count)];

    private int MostBatches() => FewestBatches + 2 + (int)Math.Ceiling(settings.Seconds * 20_000 / settings.BatchSize);

    private sealed record Pass(int Batches, double Seconds, double CpuSeconds, double WaitSeconds);
}
