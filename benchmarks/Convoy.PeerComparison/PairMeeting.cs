using Convoy.Distributed;
using static TorchSharp.torch;

namespace Convoy.PeerComparison;

/// <summary>
/// A run of a pair that is measured at the same time meets the other one through files, as <c>benchmarks/peers/pytorch/meeting.py</c> does: it waits after its warm-up until
/// the other is ready, and goes on after its steps until the other has done its own. A run by itself does neither.
/// </summary>
/// <param name="settings">The run's settings.</param>
/// <param name="group">Its ranks, which call everything together.</param>
internal sealed class PairMeeting(PeerSettings settings, ProcessGroup group)
{
    /// <summary>Before a step, from 1: waits for the other run where the warm-up is over.</summary>
    public void Before(int number)
    {
        if (settings.Pair is not { } pair || number != settings.Warmup + 1)
        {
            return;
        }

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

    /// <summary>Whether to go on after the steps that the settings ask for; in whole updates.</summary>
    /// <param name="done">Steps that were taken, at least those.</param>
    public bool GoesOn(int done)
    {
        if (settings.Pair is not { } pair)
        {
            return false;
        }

        if (done % settings.Accumulate != 0)
        {
            return true;
        }

        if (done == settings.Steps && group.Rank == 0)
        {
            Say(pair, "done");
        }

        using Tensor answer = tensor(OtherSays(pair, "done") ? 0.0 : 1.0);
        group.Broadcast(answer, root: 0);
        return answer.item<double>() > 0;
    }

    private static void Say(PeerPair pair, string state) => File.WriteAllText($"{pair.Own}.{state}", string.Empty);

    private static bool OtherSays(PeerPair pair, string state) => File.Exists($"{pair.Other}.{state}");
}

/// <summary>Where two runs at the same time leave their signs: files of these names with an ending.</summary>
/// <param name="Own">This run's.</param>
/// <param name="Other">The other's.</param>
internal sealed record PeerPair(string Own, string Other);
