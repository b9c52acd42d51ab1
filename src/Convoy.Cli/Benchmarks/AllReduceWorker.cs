using System.Diagnostics;
using System.Text.Json;
using Convoy.Distributed;
using Convoy.Metrics;
using static TorchSharp.torch;

namespace Convoy.Cli.Benchmarks;

/// <summary>One rank of <c>convoy bench allreduce</c>.</summary>
internal sealed class AllReduceWorker(ProcessGroup group, AllReduceSettings settings)
{
    private const int WarmUpRound = 5;
    private const int MostIterations = 200_000;
    private static readonly TimeSpan LeastWarmUp = TimeSpan.FromSeconds(0.3);

    private readonly ScalarType _dtype = AllReduceSettings.Types[settings.Dtype];

    /// <summary>Measures; rank 0 gives the lines that <see cref="AllReduceBenchmark"/> reads: the bandwidth, then the times one by one.</summary>
    public IEnumerable<string> Run(CancellationToken stop)
    {
        double bandwidth = new UpdateBandwidthMeter(group, HostProbe.Read().LastLevelCacheBytes).Measure();
        if (group.Rank == 0)
        {
            yield return JsonSerializer.Serialize(bandwidth);
        }

        foreach (long bytes in settings.Bytes)
        {
            foreach (string memory in (string[])["buffer", "tensor"])
            {
                stop.ThrowIfCancellationRequested();
                long count = bytes / settings.ElementBytes();
                using Tensor tensor = memory == "buffer" ? group.AllocateBuffer(count, _dtype) : zeros(count, _dtype);
                Check(tensor);
                WarmUp(tensor);
                double[] seconds = Measure(tensor);
                if (group.Rank == 0)
                {
                    yield return JsonSerializer.Serialize(AllReduceTimes.Summarize(bytes, memory, seconds));
                }
            }
        }
    }

    // A fast all-reduce that does not add is no use.
    private void Check(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        tensor.fill_(group.Rank + 1);
        group.AllReduce(tensor);
        int expected = group.Size * (group.Size + 1) / 2;
        if (!tensor.to(ScalarType.Float64).eq(expected).all().item<bool>())
        {
            throw new DistributedException(FormattableString.Invariant(
                $"the all-reduce of {tensor.numel()} x {tensor.dtype} gave other values than {expected}. This is an error in Convoy: report it with the output of 'convoy doctor'."));
        }

        // Zeros stay zeros, however often they are added.
        tensor.zero_();
    }

    private void WarmUp(Tensor tensor)
    {
        using Tensor again = zeros(1, ScalarType.Int64);
        long start = Stopwatch.GetTimestamp();
        do
        {
            for (int i = 0; i < WarmUpRound; i++)
            {
                group.AllReduce(tensor);
            }

            Agree(again, Stopwatch.GetElapsedTime(start) < LeastWarmUp ? 1 : 0);
        }
        while (again.item<long>() != 0);
    }

    private double[] Measure(Tensor tensor)
    {
        double[] seconds = new double[settings.Iterations > 0 ? settings.Iterations : Estimate(tensor)];
        group.Barrier();
        long last = Stopwatch.GetTimestamp();
        for (int i = 0; i < seconds.Length; i++)
        {
            group.AllReduce(tensor);
            long now = Stopwatch.GetTimestamp();
            seconds[i] = Stopwatch.GetElapsedTime(last, now).TotalSeconds;
            last = now;
        }

        return seconds;
    }

    private int Estimate(Tensor tensor)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < WarmUpRound; i++)
        {
            group.AllReduce(tensor);
        }

        double each = Stopwatch.GetElapsedTime(start).TotalSeconds / WarmUpRound;
        using Tensor count = zeros(1, ScalarType.Int64);
        Agree(count, (long)Math.Clamp(settings.Seconds / each, WarmUpRound, MostIterations));
        return (int)count.item<long>();
    }

    /// <summary>All ranks take rank 0's number.</summary>
    private void Agree(Tensor number, long value)
    {
        number.fill_(value);
        group.Broadcast(number, root: 0);
    }
}
