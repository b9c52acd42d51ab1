using System.Globalization;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Convoy.Distributed.UnevenInputs;

/// <summary>
/// How the ranks tell each other what they do next, while some may have no more inputs: one small message before each act, in which
/// a rank without inputs says so and learns what it has to take part in.
/// </summary>
public sealed class JoinContext : IDisposable
{
    // Acts count from 1; this is what a rank without inputs says.
    private const long OutOfInputs = 0;

    private readonly ProcessGroup _group;
    private readonly List<(string Name, Action<JoinRound> Shadow)> _acts = [];
    private readonly Tensor _states;

    /// <param name="group">The ranks.</param>
    /// <param name="options">The options.</param>
    internal JoinContext(ProcessGroup group, JoinOptions options)
    {
        (_group, Options) = (group, options);
        _states = zeros([group.Size], ScalarType.Int64).DetachFromDisposeScope();
    }

    /// <summary>The options.</summary>
    public JoinOptions Options { get; }

    /// <summary>The last act that some rank had inputs for; null: there was none.</summary>
    internal JoinRound? LastRound { get; private set; }

    /// <summary>Registers something that ranks do together; in the same order on all ranks.</summary>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="shadow">Takes part in it without inputs.</param>
    /// <returns>What to announce it by.</returns>
    public int Register(string name, Action<JoinRound> shadow)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(shadow);
        _acts.Add((name, shadow));
        return _acts.Count - 1;
    }

    /// <summary>Says that this rank has inputs and is about to do something; returns when all ranks have said what they do.</summary>
    /// <param name="act">What <see cref="Register"/> gave for it.</param>
    /// <returns>Who takes part with inputs.</returns>
    /// <exception cref="InvalidOperationException">The ranks that have inputs do different things; or one has none and the options forbid that. Thrown on all ranks.</exception>
    /// <exception cref="DistributedException">A rank failed, or did not arrive in time.</exception>
    public JoinRound Announce(int act)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(act);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(act, _acts.Count);
        Exchange(act + 1);
        return LastRound!;
    }

    /// <inheritdoc/>
    public void Dispose() => _states.Dispose();

    /// <summary>Takes part without inputs in what the others do next.</summary>
    /// <returns>False: no rank has inputs any more.</returns>
    internal bool Shadow()
    {
        long act = Exchange(OutOfInputs);
        if (act == OutOfInputs)
        {
            return false;
        }

        _acts[(int)act - 1].Shadow(LastRound!);
        return true;
    }

    // What the ranks with inputs do.
    private long Exchange(long own)
    {
        Span<long> states = MemoryMarshal.Cast<byte, long>(_states.bytes);
        states.Clear();
        states[_group.Rank] = own;
        _group.AllReduce(_states, ReduceOp.Max);
        long[] all = states.ToArray();
        int[] active = [.. Enumerable.Range(0, all.Length).Where(rank => all[rank] != OutOfInputs)];
        if (active.Length == 0)
        {
            return OutOfInputs;
        }

        if (active.Any(rank => all[rank] != all[active[0]]))
        {
            throw new InvalidOperationException($"the ranks are at different points of a step ({string.Join("; ", active.Select(rank => string.Create(
                CultureInfo.InvariantCulture, $"rank {rank}: {_acts[(int)all[rank] - 1].Name}")))}). Every rank must do the same in each step that it has inputs for.");
        }

        if (Options.ThrowOnEarlyTermination && active.Length < all.Length)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture, $"{Having([.. Enumerable.Range(0, all.Length).Except(active)])} no more inputs while {Having(active)}. Give all ranks the same number, or turn ThrowOnEarlyTermination off."));
        }

        LastRound = new JoinRound(active);
        return all[active[0]];
    }

    private static string Having(int[] ranks) => $"{RankList.Describe(ranks)} {(ranks.Length == 1 ? "has" : "have")}";
}

/// <summary>Who still has inputs when the ranks do something together; the same on all ranks.</summary>
/// <param name="ActiveRanks">The ranks that have, in ascending order; at least one.</param>
public sealed record JoinRound(IReadOnlyList<int> ActiveRanks)
{
    /// <summary>The first of them. It speaks for all where one rank's values go to the others.</summary>
    public int Root => ActiveRanks[0];
}
