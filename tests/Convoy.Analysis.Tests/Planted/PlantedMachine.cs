using System.Globalization;
using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Tests.Planted;

/// <summary>A made-up machine whose step times follow a formula, with noise: what the analysis should find is known.</summary>
internal sealed record PlantedMachine
{
    public double ComputeSeconds { get; init; } = 8;

    public double SerialSeconds { get; init; }

    public double LatencySeconds { get; init; }

    /// <summary>Seconds in which one process's gradients pass once.</summary>
    public double TransferSeconds { get; init; }

    public double Contention { get; init; }

    /// <summary>How much longer computing takes for each further process, as a share, because it is not on a core.</summary>
    public double Stolen { get; init; }

    /// <summary>Seconds for which another program keeps a core that it took; 0 where no program took it.</summary>
    public double TurnSeconds { get; init; } = 0.01;

    /// <summary>Whether the runs record what a process used.</summary>
    public bool RecordsUsage { get; init; }

    /// <summary>How many more cache misses a sample has for each further process, as a share; null where they are not recorded.</summary>
    public double? MissGrowth { get; init; }

    public double DataSeconds { get; init; }

    /// <summary>How much longer the last rank computes, as a share.</summary>
    public double StragglerExcess { get; init; }

    /// <summary>What batch norm's exchange adds to the forward pass of several processes.</summary>
    public double BatchNormSeconds { get; init; }

    public int Cores { get; init; } = 64;

    public int BatchSize { get; init; } = 64;

    /// <summary>The standard deviation of every phase, as a share of it.</summary>
    public double Noise { get; init; } = 0.01;

    public int Steps { get; init; } = 20;

    public RunSet Measure(int seed, params int[] processes) => RunSet.From([.. processes.Select(n => Run(n, new Random((seed * 1000) + n)))], seed: seed);

    private Run Run(int processes, Random random)
    {
        (double Compute, double Comm) parts = PartsOf(processes);
        List<StepMetrics>[] ranks = [.. Enumerable.Range(0, processes).Select(_ => new List<StepMetrics>(Steps))];
        double elapsed = 0;
        for (int step = 1; step <= Steps; step++)
        {
            // Ranks meet at the exchange: those that are early wait for the latest.
            double[] compute = [.. Enumerable.Range(0, processes).Select(r => Noisy(parts.Compute * (processes > 1 && r == processes - 1 ? 1 + StragglerExcess : 1)))];
            double comm = Noisy(parts.Comm), data = Noisy(DataSeconds), serial = Noisy(SerialSeconds);
            double batchNorm = processes > 1 ? Noisy(BatchNormSeconds) : 0;
            double whole = compute.Max() + batchNorm + comm + data + serial;
            elapsed += whole;
            for (int r = 0; r < processes; r++)
            {
                StepMetrics record = new()
                {
                    Timestamp = DateTimeOffset.UnixEpoch.AddSeconds(elapsed),
                    Rank = r,
                    Step = step,
                    Loss = 1,
                    BatchSize = BatchSize,
                    LearningRate = 0.001,
                    ElapsedTime = elapsed,
                    StepTime = whole,
                    DataTime = data,
                    ForwardTime = (compute[r] / 3) + batchNorm,
                    BackwardTime = compute[r] * 2 / 3,
                    CommTime = comm,
                    WaitTime = compute.Max() - compute[r],
                    OptimizerTime = serial,
                };
                ranks[r].Add(RecordsUsage ? WithUsage(record, compute[r], processes) : record);
            }
        }

        return Runs.Run.FromSteps(new Configuration(processes, 1), ranks, 1) with
        {
            Source = FormattableString.Invariant($"planted {processes}"),
            Host = Host(),
            SampleNoun = "image",
            Launch = new LaunchRecord
            {
                Command = ["made-up"],
                Settings =
                [
                    new() { Name = SettingNames.Processes, Option = "--nproc", Arguments = ["--nproc", processes.ToString(CultureInfo.InvariantCulture)] },
                    new() { Name = SettingNames.Workers, Option = "--workers", Arguments = ["--workers", "2"] },
                ],
            },
            Settings = new Dictionary<string, string> { ["sync_bn"] = BatchNormSeconds > 0 ? "true" : "false" },
        };

        double Noisy(double seconds) => seconds * Math.Max(0.5, 1 + (Noise * Normal(random)));
    }

    // The baseline's process gives its core away 2 times a second, for no time to speak of.
    private StepMetrics WithUsage(StepMetrics step, double compute, int n)
    {
        double stolen = compute * Stolen * (n - 1) / (1 + ((Contention + Stolen) * (n - 1)));
        return step with
        {
            CpuTime = compute - stolen + step.CommTime + step.OptimizerTime,
            PeakMemoryBytes = (100L << 20) + step.Rank,
            ContextSwitches = new ContextSwitches(5, (long)Math.Round((2 * step.StepTime!.Value) + (TurnSeconds > 0 ? stolen / TurnSeconds : 0))),
            Counters = MissGrowth is { } growth ? new CounterReading((long)(8_000_000.0 / n * (1 + (growth * (n - 1)))), 1_000_000_000) : null,
        };
    }

    private (double Compute, double Comm) PartsOf(int n)
    {
        double compute = ComputeSeconds / n * (1 + ((Contention + Stolen) * (n - 1))) * Math.Max(1, (double)n / Cores);
        double comm = (2 * (n - 1) * LatencySeconds) + (2.0 * (n - 1) / n * TransferSeconds);
        return (compute, comm);
    }

    private HostInfo Host() => new()
    {
        OperatingSystem = "made up",
        Architecture = "x64",
        CpuModel = "planted",
        LogicalCores = Cores,
        UsableCores = Cores,
        InstructionSets = [],
        MemoryTotalBytes = 1L << 34,
        MemoryAvailableBytes = 1L << 34,
        Versions = new Dictionary<string, string> { ["dotnet"] = "10" },
    };

    // Box and Muller, 1958.
    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
