using System.Diagnostics;
using Convoy.Distributed;
using static TorchSharp.torch;

namespace Convoy.PeerComparison;

/// <summary>
/// When a run counts, as in <c>benchmarks/peers/pytorch/meeting.py</c>: it warms up for a number of steps and at least some seconds, in whole updates, as the runtime compiles what runs
/// often beside it. One of a pair that is measured at the same time then waits until the other is ready, and goes on after its steps until the other has done its own; they meet through files.
/// </summary>
/// <param name="settings">The run's settings.</param>
/// <param name="group">Its ranks, which call everything together.</param>
internal sealed class PairMeeting(PeerSettings settings, ProcessGroup group)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private int? _warm;

    /// <summary>Before the step that follows <paramref name="done"/>: whether it counts.</summary>
    public bool Counts(int done)
    {
        if (_warm is null && done >= settings.Warmup && done % settings.Accumulate == 0 && Agree(Stopwatch.GetElapsedTime(_start).TotalSeconds >= settings.Settle))
        {
            _warm = done;
            if (settings.Pair is { } pair)
            {
                Meet(pair);
            }
        }

        return _warm is not null;
    }

    /// <summary>Whether there is another step after <paramref name="done"/>; in whole updates.</summary>
    public bool GoesOn(int done)
    {
        int wanted = settings.Steps - settings.Warmup;
        if (_warm is not { } warm || done - warm < wanted)
        {
            return true;
        }

        if (settings.Pair is not { } pair)
        {
            return false;
        }

        if (done % settings.Accumulate != 0)
        {
            return true;
        }

        if (done - warm == wanted && group.Rank == 0)
        {
            Say(pair, "done");
        }

        return Agree(!OtherSays(pair, "done"));
    }

    private void Meet(PeerPair pair)
    {
        if (group.Rank == 0)
        {
            Say(pair, "ready");
            while (!OtherSays(pair, "ready"))
            {
                Thread.Sleep(1);
            }
        }

        group.Barrier();
    }

    // Rank 0's answer.
    private bool Agree(bool answer)
    {
        using Tensor shared = tensor(answer ? 1.0 : 0.0);
        group.Broadcast(shared, root: 0);
        return shared.item<double>() > 0;
    }

    private static void Say(PeerPair pair, string state) => File.WriteAllText($"{pair.Own}.{state}", string.Empty);

    private static bool OtherSays(PeerPair pair, string state) => File.Exists($"{pair.Other}.{state}");
}

/// <summary>Where two runs at the same time leave their signs: files of these names with an ending.</summary>
/// <param name="Own">This run's.</param>
/// <param name="Other">The other's.</param>
internal sealed record PeerPair(string Own, string Other);
